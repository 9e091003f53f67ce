"""The API on this test's database."""

from tests.support.api_fixtures import api, clock, deps, make_accounts

__all__ = ["api", "clock", "deps", "make_accounts"]
