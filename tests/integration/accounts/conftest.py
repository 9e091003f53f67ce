"""The API on this test's database."""

from tests.support.api_fixtures import api, deps

__all__ = ["api", "deps"]
