"""Second factors of the portal in a real browser: QR code, codes, a passkey, proof; five languages, wide and phone."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import Engine

from kontor.adapters.fakes import ManualClock
from kontor.http.context import Deps
from tests.browser.console.test_accessibility import findings
from tests.browser.console.test_passkeys import AUTHENTICATOR
from tests.browser.mail_pictures import browser, chromium
from tests.browser.portal.test_portal_pages import OVERFLOW
from tests.integration.portal.test_account_pages import offer_to
from tests.support.api import Api, ResellerAccounts
from tests.support.api_fixtures import api, build_deps, clock, make_accounts
from tests.support.portal import PASSWORD, set_password

__all__ = ["api", "clock", "make_accounts"]
SIZES = ({"width": 1280, "height": 800}, {"width": 360, "height": 740})
pytestmark = [
    pytest.mark.skipif(chromium() is None, reason="needs a system Chromium (Debian: chromium)"),
    pytest.mark.timeout(600),
]


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
    set_password(api, made.client)
    offer_to(api, made, "Five more seats for your new colleagues.")
    return made


def open_page(running: Browser, api: Api, size: dict[str, int], scheme: str = "light") -> Page:
    """A page at `localhost`, since passkeys belong to a name, with an authenticator."""
    base = str(api.http.base_url).replace("127.0.0.1", "localhost")
    context = running.new_context(base_url=base, viewport=size, color_scheme=scheme)  # type: ignore[arg-type]  # Playwright's literals
    page = context.new_page()
    devtools = context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    devtools.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR})
    return page


def enter_password(page: Page) -> None:
    page.goto("/login?lang=en", wait_until="load")
    page.get_by_label("Account name or email address").first.fill("elbe client")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()


def check(page: Page, folder: Path, name: str) -> None:
    """Keep a screenshot; nothing serious, nothing overflows."""
    page.screenshot(path=folder / f"{name}.png", full_page=True)
    assert findings(page) == []
    assert page.evaluate(OVERFLOW) <= 0


def test_passkey_is_added_signs_in_and_proves_the_person(
    running: Browser, api: Api, elbe: ResellerAccounts, clock: ManualClock, tmp_path: Path
) -> None:
    page = open_page(running, api, SIZES[0])
    enter_password(page)
    page.goto("/account/security", wait_until="load")
    page.get_by_label("Name of a new passkey").fill("Laptop")
    page.get_by_role("button", name="Add a passkey").click()
    expect(page.get_by_role("heading", name="Recovery codes")).to_be_visible()
    check(page, tmp_path, "codes")
    page.get_by_role("button", name="Sign out").click()
    enter_password(page)
    expect(page.get_by_role("heading", name="One more step")).to_be_visible()
    check(page, tmp_path, "second")
    page.get_by_role("button", name="Use a passkey").click()
    expect(page.get_by_role("heading", name="Your account")).to_be_visible()
    page.goto("/account/members", wait_until="load")
    page.get_by_label("Email address").fill("jana@weser.example")
    clock.advance(timedelta(minutes=10))
    page.get_by_role("button", name="Send the invitation").click()
    expect(page.get_by_role("heading", name="Confirm that it is you")).to_be_visible()
    check(page, tmp_path, "proof")
    page.get_by_role("button", name="Use a passkey").click()
    expect(page.get_by_text("The invitation has been sent.")).to_be_visible()
    page.context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES, ids=["wide", "phone"])
def test_pages_of_the_sign_in_fit_in_every_language(
    running: Browser, api: Api, elbe: ResellerAccounts, tmp_path: Path, size: dict[str, int], scheme: str
) -> None:
    page = open_page(running, api, size, scheme)
    enter_password(page)
    made = api.ok(f"POST /v1/accounts/{elbe.client}/portal-sessions", {"embed": True})["url"]
    framed = "/embed/" + made.rpartition("/")[2]
    languages = ("en", "de", "fr", "ru", "ja") if size is SIZES[1] and scheme == "light" else ("de",)
    for language in languages:
        for path in ("/account/security", "/account/security/totp", framed):
            page.goto(f"{path}?lang={language}", wait_until="load")
            name = path.strip("/").replace("/", "-")[:24]
            check(page, tmp_path, f"{name}-{language}-{scheme}-{size['width']}")
    page.context.close()
