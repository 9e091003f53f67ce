"""The mail gallery and resending a mail, in a real browser."""

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.console.conftest import Scene
from tests.browser.console.test_operator_tasks import signed_in
from tests.browser.mail_pictures import chromium

pytestmark = [
    pytest.mark.skipif(chromium() is None, reason="needs a system Chromium (Debian: chromium)"),
    pytest.mark.timeout(300),
]


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
def test_gallery_shows_a_mail_in_every_view_and_brand(
    running: Browser, scene: Scene, viewer: str, scripts: bool
) -> None:
    # A scheme set by Playwright would apply inside frames too, regardless of the page.
    page = signed_in(running, scene, viewer, java_script_enabled=scripts, color_scheme="null")
    page.get_by_role("link", name="Mail", exact=True).click()
    page.get_by_role("link", name="Gallery").click()
    page.get_by_role("textbox", name="Reseller name").fill("ELB")
    page.get_by_role("button", name="Search").click()
    page.get_by_role("link", name="elbe", exact=True).click()
    page.get_by_role("link", name="offer-received in Japanese").click()
    mail = page.frame_locator("iframe")
    expect(mail.locator("html[lang=ja]")).to_have_count(1)
    expect(mail.get_by_text("elbe", exact=True).first).to_be_visible()
    light = mail.locator("body").evaluate("body => getComputedStyle(body).backgroundColor")
    page.get_by_role("link", name="dark", exact=True).click()
    expect(page.locator("iframe.dark")).to_be_visible()
    assert mail.locator("body").evaluate("body => getComputedStyle(body).backgroundColor") != light
    page.get_by_role("link", name="French", exact=True).click()
    expect(page.locator("iframe.dark")).to_be_visible()
    expect(mail.locator("html[lang=fr]")).to_have_count(1)
    page.go_back()
    expect(page.frame_locator("iframe").locator("html[lang=ja]")).to_have_count(1)
    page.context.close()


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
def test_mail_is_resent_with_a_reason(running: Browser, scene: Scene, scripts: bool) -> None:
    page = signed_in(running, scene, java_script_enabled=scripts)
    page.goto(f"/console/mail/{scene.mail}")
    page.get_by_role("link", name="Resend").click()
    page.get_by_label("Reason").fill("she deleted it")
    page.get_by_role("button", name="Resend mail").click()
    expect(page.get_by_text("New mail created; its job is queued.")).to_be_visible()
    expect(page.get_by_text("A resend of this mail is already queued")).to_be_visible()
    page.get_by_role("link", name="Audit").click()
    expect(page.get_by_role("cell", name="she deleted it")).to_be_visible()
    page.context.close()
