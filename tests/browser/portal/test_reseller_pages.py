"""The reseller's pages in a real browser: a brand seen as it is typed.

`KONTOR_WALKS=FOLDER` keeps the screenshots there.
"""

import os
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.mail_pictures import chromium
from tests.browser.portal.test_portal_pages import api, clock, deps, elbe, make_accounts, running, signed_in
from tests.support.api import Api, ResellerAccounts

__all__ = ["api", "clock", "deps", "elbe", "make_accounts", "running"]
pytestmark = [
    pytest.mark.skipif(chromium() is None, reason="needs a system Chromium (Debian: chromium)"),
    pytest.mark.timeout(300),
]
WIDE, PHONE = {"width": 1280, "height": 800}, {"width": 360, "height": 740}


def frame_text(page: Page) -> str:
    """What stands in the frame of the preview."""
    return page.frame_locator("iframe.preview").locator("body").inner_text()


def draw_frame(page: Page, name: str) -> None:
    """Keep a screenshot of what is in view with the frame: one of the whole page leaves frames out."""
    page.locator("iframe.preview").scroll_into_view_if_needed()
    if folder := os.environ.get("KONTOR_WALKS"):
        page.screenshot(path=Path(folder) / f"{name}.png")


def test_preview_follows_the_typing_and_leaves_the_history_alone(
    running: Browser, api: Api, elbe: ResellerAccounts
) -> None:
    page = signed_in(running, api, "elbe", WIDE, "light")
    page.goto("/partner/brand?lang=en", wait_until="load")
    before = page.evaluate("history.length")
    page.get_by_label("Name that your clients read").press_sequentially("Weser Kurse", delay=5)
    expect(page.frame_locator("iframe.preview").get_by_text("Weser Kurse")).to_be_visible()
    page.get_by_label("Main colour").fill("#aa0044")
    page.locator("#mail").select_option("offer-received")
    page.locator("#in").select_option("fr")
    expect(page.frame_locator("iframe.preview").locator("html[lang='fr']")).to_be_attached()
    expect(page.frame_locator("iframe.preview").get_by_text("Weser Kurse", exact=True)).to_be_visible()
    draw_frame(page, "typed-wide")
    assert page.evaluate("history.length") == before
    assert page.locator("iframe.preview").get_attribute("sandbox") == ""
    page.reload(wait_until="load")
    assert "Weser Kurse" not in frame_text(page)
    page.context.close()


def test_preview_shows_what_was_typed_when_it_is_pressed_without_scripts(
    running: Browser, api: Api, elbe: ResellerAccounts
) -> None:
    context = running.new_context(base_url=str(api.http.base_url), java_script_enabled=False, viewport=PHONE)  # type: ignore[arg-type]  # a size
    page = context.new_page()
    page.goto("/partner/brand?lang=en", wait_until="load")
    page.get_by_label("Account name or email address").first.fill("elbe")
    page.get_by_label("Password").fill("a password for the portal")
    page.keyboard.press("Enter")
    page.get_by_label("Name that your clients read").fill("Weser Kurse")
    page.locator("#in").select_option("ja")
    page.get_by_role("button", name="Preview").press("Enter")
    expect(page.frame_locator("iframe.preview").get_by_text("Weser Kurse")).to_be_visible()
    draw_frame(page, "typed-phone")
    assert page.get_by_label("Name that your clients read").input_value() == "Weser Kurse"
    assert page.frame_locator("iframe.preview").locator("html[lang='ja']").count() == 1
    context.close()
