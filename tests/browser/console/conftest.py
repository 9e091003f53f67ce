"""A console filled with data, and a real browser."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import pytest
from playwright.sync_api import Browser

from kontor.adapters.fakes import ManualClock
from kontor.http.context import Deps
from tests.browser.mail_pictures import browser
from tests.support.api import Api, ResellerAccounts
from tests.support.api_fixtures import api, clock, deps, make_accounts
from tests.support.console import create_operator, enqueue_probe
from tests.support.console_data import add_incidents, send_first_mail
from tests.support.console_load import add_dead_jobs, add_job_stats, add_running_work, create_preview

__all__ = ["api", "clock", "deps", "make_accounts"]


@dataclass(frozen=True, slots=True)
class Scene:
    """The URL of the console, ids of a dead job and a mail, and operators who may sign in."""

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
def scene(api: Api, deps: Deps, make_accounts: Callable[[str], ResellerAccounts], clock: ManualClock) -> Scene:
    """A day with incidents, seen by an operator four minutes later."""
    elbe = make_accounts("elbe")
    mail, _ = send_first_mail(deps, "activation", make_accounts("saale").client)
    add_job_stats(deps)
    add_running_work(deps, (str(elbe.reseller), "", "someone else"))
    add_dead_jobs(api, deps, (elbe, make_accounts("oder")))
    job = add_incidents(deps, elbe.client)
    email = create_operator(deps, "operator")
    run = create_preview(deps, email)
    for number in range(3):
        enqueue_probe(deps, f"waits {number}")
    clock.advance(timedelta(minutes=4, seconds=12))
    lane = f"instance:{elbe.client}"
    return Scene(str(api.http.base_url), job, mail, email, run, lane, create_operator(deps, "admin"))


@pytest.fixture
def viewer(deps: Deps) -> str:
    """An operator who may only read."""
    return create_operator(deps, "viewer")
