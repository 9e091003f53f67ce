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
from tests.console_busy import at_work, figures, previewed, trouble
from tests.console_scene import fill, send_mail
from tests.console_world import operator, put_job

__all__ = ["api", "clock", "deps", "shop"]


@dataclass(frozen=True, slots=True)
class Scene:
    """Where the console is, a dead job and a mail in it, and who may sign in."""

    url: str
    job: UUID
    mail: UUID
    email: str
    run: UUID
    lane: str
    admin: str


@pytest.fixture(scope="module")
def running() -> Iterator[Browser]:
    """Chromium."""
    with browser() as opened:
        yield opened


@pytest.fixture
def scene(api: Api, deps: Deps, shop: Callable[[str], Shop], clock: ManualClock) -> Scene:
    """A day with trouble, seen by an operator four minutes later."""
    elbe = shop("elbe")
    mail, _ = send_mail(deps, "activation")
    figures(deps)
    at_work(deps, (str(elbe.reseller), "", "someone else"))
    trouble(api, deps, (elbe, shop("oder")))
    job = fill(deps, elbe.client)
    email = operator(deps, "operator")
    run = previewed(deps, email)
    for number in range(3):
        put_job(deps, f"waits {number}")
    clock.advance(timedelta(minutes=4, seconds=12))
    lane = f"instance:{elbe.client}"
    return Scene(str(api.http.base_url), job, mail, email, run, lane, operator(deps, "admin"))


@pytest.fixture
def viewer(deps: Deps) -> str:
    """Somebody who may read."""
    return operator(deps, "viewer")
