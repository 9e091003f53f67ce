"""The console over a database of this test."""

from collections.abc import Callable, Iterator

import httpx
import pytest

from api.app import build
from api.deps import Deps
from tests.api_fixtures import api, clock, deps, shop
from tests.api_world import served
from tests.console_world import Visitor, operator

__all__ = ["api", "clock", "deps", "shop"]
As = Callable[[str], Visitor]


@pytest.fixture
def address(deps: Deps) -> Iterator[str]:
    """Where the console is."""
    with served(build(deps)) as url:
        yield url


@pytest.fixture
def visitor(address: str) -> Iterator[Visitor]:
    """Somebody who did not sign in."""
    with httpx.Client(base_url=address, timeout=30) as http:
        yield Visitor(http)


@pytest.fixture
def signed_in(deps: Deps, visitor: Visitor) -> As:
    """Signs the visitor in with a role."""

    def enter(role: str) -> Visitor:
        answer = visitor.sign_in(operator(deps, role))
        assert answer.status_code == 303, answer.text
        return visitor

    return enter
