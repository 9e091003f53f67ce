"""The API over this test's database, and a reseller with clients of awkward names."""

from tests.api_fixtures import api, clock, deps, shop

__all__ = ["api", "clock", "deps", "shop"]
