"""Tasks of an operator on duty in a real browser: with and without scripts, on a phone, in the dark, by keyboard."""

import os
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.console.conftest import Scene
from tests.browser.console.screenshots import draw
from tests.browser.mail_pictures import chromium
from tests.browser.test_mail_pages import LOW_CONTRAST
from tests.support.console import PASSWORD

pytestmark = [
    pytest.mark.skipif(chromium() is None, reason="needs a system Chromium (Debian: chromium)"),
    pytest.mark.timeout(300),
]
PLAIN = (
    "", "/jobs", "/dead", "/bulk", "/queues", "/queues/probe", "/schedules", "/workers", "/instances", "/mail",
    "/accounts", "/reconciliation", "/audit", "/password", "/security", "/security/totp",
    "/people", "/keys", "/programmes", "/programmes/learning", "/discount-runs",
    *(
        f"/programmes/learning/{path}"
        for path in (
            "plans", "plans/free", "new/plans", "products", "products/first-aid", "products/first-aid/remove",
            "new/products", "account-subscriptions", "new/reseller-subscriptions", "tiers", "new/promo-codes",
        )
    ),
)  # fmt: skip


def all_paths(scene: Scene) -> tuple[str, ...]:
    """The path of every page, with ids filled in."""
    job, run = f"/jobs/{scene.job}", f"/bulk/{scene.run}"
    return (
        *PLAIN, job, f"{job}/retry", f"{job}/again", run, f"{run}/stop", f"/mail/{scene.mail}", "/queues/probe/limit",
        f"/mail/{scene.mail}/again", "/mail/gallery", "/mail/gallery/quota-exceeded/ru?look=dark&brand=learning",
        f"/instances/{scene.lane}", f"/accounts/{scene.lane.removeprefix('instance:')}",
        "/jobs?state=dead&args.message=needle", "/nowhere",
    )  # fmt: skip


def signed_in(running: Browser, scene: Scene, email: str = "", **options: Any) -> Page:
    """Open a page in a new browser profile, signed in."""
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
    """Press keys in turn once the page is loaded: a heading is visible before its script has run."""
    page.wait_for_load_state()
    for key in keys:
        page.keyboard.press(key)


def listen(page: Page, requested: list[str], complaints: list[str]) -> None:
    """Record every requested URL and every console message of the browser."""
    page.on("request", lambda request: requested.append(request.url))
    page.on("console", lambda said: complaints.append(said.text))


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
def test_operator_finds_and_retries_a_job_pauses_a_queue_and_reads_the_log(
    running: Browser, scene: Scene, scripts: bool
) -> None:
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


def test_every_page_fits_a_phone_is_readable_and_requests_no_other_host(running: Browser, scene: Scene) -> None:
    for scheme in ("light", "dark"):
        size = {"width": 360, "height": 740}
        page = signed_in(running, scene, scene.admin, color_scheme=scheme, viewport=size)
        requested: list[str] = []
        complaints: list[str] = []
        listen(page, requested, complaints)
        for path in all_paths(scene)[:-1]:  # the last one is a 404, which the browser logs
            page.goto(f"/console{path}", wait_until="load")
            assert page.evaluate("document.documentElement.scrollWidth") <= 360, path
            assert page.evaluate(LOW_CONTRAST) == [], (path, scheme)
        assert complaints == []
        assert {url for url in requested if not url.startswith((scene.url, "data:"))} == set()
        page.context.close()


def test_job_is_reached_by_keyboard_only(running: Browser, scene: Scene) -> None:
    page = signed_in(running, scene)
    press(page, "g", "j")
    expect(page.get_by_role("heading", name="Jobs", exact=True)).to_be_visible()
    press(page, "j", "Enter")
    expect(page.get_by_role("heading", name="Payload")).to_be_visible()
    page.context.close()


@pytest.mark.skipif("KONTOR_PICTURES" not in os.environ, reason="draws the pictures of the docs; set KONTOR_PICTURES=1")
def test_screenshots_of_the_docs_are_small(running: Browser, scene: Scene) -> None:
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
