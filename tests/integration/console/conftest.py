"""The console on this test's database."""

from collections.abc import Callable, Iterator

import httpx
import pytest

from kontor.http.context import Deps
from tests.support.api import running_server
from tests.support.api_fixtures import api, clock, deps, make_accounts
from tests.support.console import ConsoleClient, create_operator, known_device
from workers.web_app import build

__all__ = ["api", "clock", "deps", "make_accounts"]

As = Callable[[str], ConsoleClient]


@pytest.fixture
def address(deps: Deps) -> Iterator[str]:
    """The base URL of the console."""
    with running_server(build(deps)) as url:
        yield url


@pytest.fixture
def visitor(address: str) -> Iterator[ConsoleClient]:
    """A client that has not signed in."""
    with httpx.Client(base_url=address, timeout=30, verify=False) as http:
        yield ConsoleClient(http)


@pytest.fixture
def signed_in(deps: Deps, visitor: ConsoleClient) -> As:
    """Sign the visitor in with a role, on a device that signed in before: no mail is posted."""

    def enter(role: str) -> ConsoleClient:
        email = create_operator(deps, role)
        visitor.http.cookies.set("console-device", known_device(deps, email))
        answer = visitor.sign_in(email)
        assert answer.status_code == 303, answer.text
        return visitor

    return enter
