"""The API on this test's database, and a reseller with clients of unusual names."""

from tests.support.api_fixtures import api, clock, deps, make_accounts

__all__ = ["api", "clock", "deps", "make_accounts"]
