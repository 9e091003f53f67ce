"""A console with something in it, and a real browser."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import pytest
from playwright.sync_api import Browser

from adapters.clock_fakes import ManualClock
from api.deps import Deps
from tests.api_fixtures import api, clock, deps, shop
from tests.api_world import Api, Shop
from tests.browser.mail_pictures import browser
from tests.console_scene import fill, send_mail
from tests.console_world import operator

__all__ = ["api", "clock", "deps", "shop"]


@dataclass(frozen=True, slots=True)
class Scene:
    """Where the console is, a dead job and a mail in it, and who may sign in."""

    url: str
    job: UUID
    mail: UUID
    email: str


@pytest.fixture(scope="module")
def running() -> Iterator[Browser]:
    """Chromium."""
    with browser() as opened:
        yield opened


@pytest.fixture
def scene(api: Api, deps: Deps, shop: Callable[[str], Shop], clock: ManualClock) -> Scene:
    """A day with trouble, seen by an operator four minutes later."""
    client = shop("elbe").client
    mail, _ = send_mail(deps, "activation")
    job = fill(deps, client)
    clock.advance(timedelta(minutes=4, seconds=12))
    return Scene(str(api.http.base_url), job, mail, operator(deps, "operator"))
