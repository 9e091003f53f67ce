"""The API over a database of this test, for what is generated from its OpenAPI document."""

from tests.support.api_fixtures import api, clock, deps, make_accounts

__all__ = ["api", "clock", "deps", "make_accounts"]
