"""Fixtures of the edge: the API behind a real server, as its own tests use it."""

from tests.support.api_fixtures import api, clock, deps

__all__ = ["api", "clock", "deps"]
