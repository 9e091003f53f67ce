"""A passkey and an authenticator app in a real browser: set up on the security page, used when signing in."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from kontor.adapters.fakes import ManualClock
from kontor.http.context import Deps
from tests.browser.console.test_accessibility import findings
from tests.browser.mail_pictures import chromium
from tests.support.api import running_server
from tests.support.console import PASSWORD, create_operator
from workers.web_app import build

pytestmark = [
    pytest.mark.skipif(chromium() is None, reason="needs a system Chromium (Debian: chromium)"),
    pytest.mark.timeout(600),
]
AUTHENTICATOR = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
}


@pytest.fixture
def page(running: Browser, deps: Deps) -> Iterator[Page]:
    """A page of the console at `localhost`, since passkeys belong to a name, with an authenticator."""
    app = build(deps)
    with running_server(app) as url:
        named = url.replace("127.0.0.1", "localhost")
        app.state.deps = replace(deps, console_url=named)
        context = running.new_context(base_url=named, viewport={"width": 1280, "height": 900})
        opened = context.new_page()
        devtools = context.new_cdp_session(opened)
        devtools.send("WebAuthn.enable")
        devtools.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR})
        yield opened
        context.close()


def enter_password(page: Page, email: str) -> None:
    page.goto("/console/login", wait_until="load")
    page.get_by_label("E-mail").fill(email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()


def keep(page: Page, folder: Path, name: str) -> None:
    page.screenshot(path=folder / f"{name}.png", full_page=True)
    assert findings(page) == []


def test_passkey_is_added_and_opens_the_console(page: Page, deps: Deps, clock: ManualClock, tmp_path: Path) -> None:
    enter_password(page, create_operator(deps, "admin"))
    page.goto("/console/security", wait_until="load")
    page.get_by_label("Name of a new passkey").fill("Laptop")
    page.get_by_role("button", name="Add a passkey").click()
    expect(page.get_by_role("heading", name="Recovery codes")).to_be_visible()
    keep(page, tmp_path, "security")
    page.goto("/console/security/totp", wait_until="load")
    keep(page, tmp_path, "totp")
    page.get_by_role("button", name="Sign out").click()
    enter_password(page, "admin@kontor.example")
    expect(page.get_by_role("heading", name="One more step")).to_be_visible()
    keep(page, tmp_path, "second")
    page.get_by_role("button", name="Use a passkey").click()
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()
    clock.advance(timedelta(minutes=10))
    page.goto("/console/security", wait_until="load")
    page.get_by_role("button", name="Remove Laptop").click()
    expect(page.get_by_role("heading", name="Confirm that it is you")).to_be_visible()
    keep(page, tmp_path, "proof")
    page.get_by_role("button", name="Use a passkey").click()
    expect(page.get_by_text("It no longer opens your login.")).to_be_visible()
