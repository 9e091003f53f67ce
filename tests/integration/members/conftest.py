"""Fixtures of members: the API, and accounts behind it."""

from tests.support.api_fixtures import api, clock, deps, make_accounts

__all__ = ["api", "clock", "deps", "make_accounts"]
