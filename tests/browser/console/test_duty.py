"""The person on duty, in a real browser: with scripts and without, on a phone, in the dark, by keyboard."""

import os
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.console.conftest import Scene
from tests.browser.console.pictures import draw
from tests.browser.mail_pictures import chromium
from tests.browser.test_mail_pages import FAINT
from tests.support.console import PASSWORD

pytestmark = [
    pytest.mark.skipif(chromium() is None, reason="needs a system Chromium (Debian: chromium)"),
    pytest.mark.timeout(300),
]
PLAIN = (
    "", "/jobs", "/dead", "/bulk", "/queues", "/queues/probe", "/schedules", "/workers", "/instances", "/mail",
    "/accounts", "/reconciliation", "/audit", "/password", "/people", "/keys", "/programmes", "/programmes/learning",
)  # fmt: skip


def places(scene: Scene) -> tuple[str, ...]:
    """Every page there is, with a thing on it."""
    job, run = f"/jobs/{scene.job}", f"/bulk/{scene.run}"
    return (
        *PLAIN, job, f"{job}/retry", f"{job}/again", run, f"{run}/stop", f"/mail/{scene.mail}", "/queues/probe/limit",
        f"/mail/{scene.mail}/again", "/mail/gallery", "/mail/gallery/quota-exceeded/ru?look=dark&brand=learning",
        f"/instances/{scene.lane}", f"/accounts/{scene.lane.removeprefix('instance:')}",
        "/jobs?state=dead&args.message=needle", "/nowhere",
    )  # fmt: skip


def signed_in(running: Browser, scene: Scene, email: str = "", **options: Any) -> Page:
    """A page of a new browser profile, signed in."""
    context = running.new_context(base_url=scene.url, **options)
    page = context.new_page()
    page.set_default_timeout(60_000)
    page.goto("/console")
    page.get_by_label("E-mail").fill(email or scene.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()
    return page


def press(page: Page, *keys: str) -> None:
    """Press keys one after another, once the page hears them: a heading is seen before its script ran."""
    page.wait_for_load_state()
    for key in keys:
        page.keyboard.press(key)


def listen(page: Page, asked: list[str], complaints: list[str]) -> None:
    """Note every address that is asked for, and whatever the browser complains of."""
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda said: complaints.append(said.text))


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
def test_the_person_on_duty_finds_retries_pauses_and_reads(running: Browser, scene: Scene, scripts: bool) -> None:
    page = signed_in(running, scene, java_script_enabled=scripts)
    page.get_by_role("link", name="Jobs", exact=True).click()
    page.get_by_label("Argument").fill("message")
    page.get_by_label("equals", exact=True).fill("needle")
    page.get_by_role("button", name="Search").click()
    page.locator("tbody tr a.mono").click()
    expect(page.get_by_text("Attempt 1", exact=True)).to_be_visible()
    page.get_by_role("link", name="Retry").click()
    page.get_by_label("Reason").fill("the printer is on again")
    page.get_by_role("button", name="Retry job").click()
    expect(page.get_by_text("Job queued again.")).to_be_visible()
    page.get_by_role("link", name="Queues").click()
    page.locator("tr", has_text="probe").get_by_role("link", name="Pause").click()
    page.get_by_label("Reason").fill("moving house")
    page.get_by_role("button", name="Pause queue").click()
    expect(page.locator("tr", has_text="probe").get_by_text("paused")).to_be_visible()
    page.goto(f"/console/mail/{scene.mail}")
    expect(page.frame_locator("iframe").get_by_role("link").first).to_be_visible()
    page.get_by_role("link", name="Audit").click()
    expect(page.get_by_role("cell", name="the printer is on again")).to_be_visible()
    page.context.close()


def test_every_page_fits_a_phone_can_be_read_and_asks_nobody_else(running: Browser, scene: Scene) -> None:
    for scheme in ("light", "dark"):
        size = {"width": 360, "height": 740}
        page = signed_in(running, scene, scene.admin, color_scheme=scheme, viewport=size)
        asked: list[str] = []
        complaints: list[str] = []
        listen(page, asked, complaints)
        for path in places(scene)[:-1]:  # the last one is nowhere, which the browser notes
            page.goto(f"/console{path}", wait_until="load")
            assert page.evaluate("document.documentElement.scrollWidth") <= 360, path
            assert page.evaluate(FAINT) == [], (path, scheme)
        assert complaints == []
        assert {url for url in asked if not url.startswith((scene.url, "data:"))} == set()
        page.context.close()


def test_the_keyboard_alone_leads_to_a_job(running: Browser, scene: Scene) -> None:
    page = signed_in(running, scene)
    press(page, "g", "j")
    expect(page.get_by_role("heading", name="Jobs", exact=True)).to_be_visible()
    press(page, "j", "Enter")
    expect(page.get_by_role("heading", name="Payload")).to_be_visible()
    page.context.close()


@pytest.mark.skipif("KONTOR_PICTURES" not in os.environ, reason="draws the pictures of the docs; set KONTOR_PICTURES=1")
def test_the_pictures_of_the_docs_are_small(running: Browser, scene: Scene) -> None:
    views = (
        ("overview-light", "", "light", 1280),
        ("job-dark", f"/jobs/{scene.job}", "dark", 1280),
        ("overview-phone", "", "dark", 360),
        ("bulk-preview-light", f"/bulk/{scene.run}", "light", 1280),
        ("queue-dark", "/queues/probe", "dark", 1280),
        ("jobs-wide", "/jobs", "light", 2560),
        ("gallery-light", "/mail/gallery/offer-received/de?brand=learning", "light", 1280),
        ("gallery-phone", "/mail/gallery/offer-received/ja?brand=learning&look=dark", "dark", 360),
    )
    for name, path, scheme, width in views:
        page = signed_in(running, scene, color_scheme=scheme, viewport={"width": width, "height": 800})
        page.goto(f"/console{path}", wait_until="load")
        assert draw(page, name).stat().st_size < 200_000
        page.context.close()
