"""The portal's pages that have a picture in the docs, and an offer accepted without scripts, in a real browser.

Every page is looked at in tests/browser/walks/test_every_page.py. `KONTOR_PICTURES=1` keeps the screenshots in
docs/pictures/portal.
"""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page
from sqlalchemy import Engine

from kontor.adapters.fakes import ManualClock
from kontor.http.context import Deps
from tests.browser.console.test_accessibility import findings
from tests.browser.mail_pictures import browser, chromium
from tests.integration.portal.test_account_pages import offer_to
from tests.support.api import Api, ResellerAccounts
from tests.support.api_fixtures import api, build_deps, clock, make_accounts
from tests.support.portal import PASSWORD, set_password

__all__ = ["api", "clock", "make_accounts"]
pytestmark = [
    pytest.mark.skipif(chromium() is None, reason="needs a system Chromium (Debian: chromium)"),
    pytest.mark.timeout(600),
]
PICTURES = Path(__file__).resolve().parents[3] / "docs" / "pictures" / "portal"
PICTURED = (
    ("elbe client", "/account", "account-1280-light", 1280, "light"),
    ("elbe", "/as/{client}/account", "as-client-account-1280-dark", 1280, "dark"),
    ("elbe client", "/updates", "updates-360-light", 360, "light"),
)
"""What stands in the docs: who looks, the page, its picture, width and colours."""
OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


@pytest.fixture(scope="module")
def running() -> Iterator[Browser]:
    """Chromium."""
    with browser() as opened:
        yield opened


@pytest.fixture
def deps(engine: Engine, clock: ManualClock) -> Iterator[Deps]:
    """The dependencies of a web process reached over http."""
    with ThreadPoolExecutor(4) as threads:
        yield replace(build_deps(engine, clock, threads), public_url="http://127.0.0.1")


@pytest.fixture
def elbe(api: Api, make_accounts: Callable[[str], ResellerAccounts]) -> ResellerAccounts:
    """A reseller with a client that has an open offer."""
    made = make_accounts("elbe")
    for account in (made.reseller, made.client):
        set_password(api, account)
    offer_to(api, made, "Five more seats for your new colleagues.")
    return made


def signed_in(running: Browser, api: Api, identifier: str, size: dict[str, int], scheme: str) -> Page:
    """A page of a person who signed in by the form."""
    context = running.new_context(base_url=str(api.http.base_url), viewport=size, color_scheme=scheme)  # type: ignore[arg-type]  # Playwright's literals
    page = context.new_page()
    page.goto("/login", wait_until="load")
    page.get_by_label("Account name or email address").first.fill(identifier)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    return page


def draw(page: Page, name: str) -> None:
    """Keep a screenshot where they are asked for."""
    if os.environ.get("KONTOR_PICTURES"):
        PICTURES.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=PICTURES / f"{name}.png", full_page=True)


def test_pages_of_the_docs_fit_and_axe_reports_nothing_serious(
    running: Browser, api: Api, elbe: ResellerAccounts
) -> None:
    problems = {}
    for identifier, path, name, width, scheme in PICTURED:
        page = signed_in(running, api, identifier, {"width": width, "height": 800}, scheme)
        page.goto(path.format(client=elbe.client), wait_until="load")
        draw(page, name)
        if serious := [*findings(page), *(["overflow"] if page.evaluate(OVERFLOW) > 0 else [])]:
            problems[name] = serious
        page.context.close()
    assert problems == {}


def test_offer_is_accepted_with_the_keyboard_and_without_scripts(
    running: Browser, api: Api, elbe: ResellerAccounts
) -> None:
    context = running.new_context(base_url=str(api.http.base_url), java_script_enabled=False)
    page = context.new_page()
    page.goto("/updates?lang=en", wait_until="load")
    page.get_by_label("Account name or email address").first.fill("elbe client")
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    page.get_by_role("link", name="View and decide").press("Enter")
    page.get_by_role("button", name="Accept").press("Enter")
    assert page.locator('[data-state="accepted"]').count() == 1
    context.close()
