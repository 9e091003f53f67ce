"""The API over this test's database."""

from tests.api_fixtures import api, deps

__all__ = ["api", "deps"]
