"""The API over a database of this test, for what is generated from its OpenAPI document."""

from tests.api_fixtures import api, clock, deps, shop

__all__ = ["api", "clock", "deps", "shop"]
