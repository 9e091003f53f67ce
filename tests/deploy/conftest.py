"""Tests that take a whole machine to themselves are run by `make production` alone."""

import os

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip them elsewhere, with the reason."""
    if os.environ.get("PRODUCTION") == "1":
        return
    for item in items:
        if item.get_closest_marker("production"):
            item.add_marker(pytest.mark.skip(reason="takes minutes and a fresh Debian: run `make production`"))
