"""A bulk retry in a real browser, from its preview to its end."""

import pytest
from playwright.sync_api import Browser, expect

from kontor.http.context import Deps
from tests.browser.console.conftest import Scene
from tests.browser.console.test_operator_tasks import signed_in
from tests.browser.mail_pictures import chromium
from tests.support.worker import running_worker

pytestmark = [
    pytest.mark.skipif(chromium() is None, reason="needs a system Chromium (Debian: chromium)"),
    pytest.mark.timeout(300),
]


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
def test_group_of_dead_jobs_is_retried_after_its_preview(
    running: Browser, scene: Scene, deps: Deps, scripts: bool
) -> None:
    page = signed_in(running, scene, java_script_enabled=scripts)
    page.goto("/console/dead")
    group = page.locator("section", has_text="No space left on device")
    group.get_by_role("button", name="Preview retry of group").click()
    expect(page.get_by_role("heading", name="Retry all matching jobs")).to_be_visible()
    with running_worker(deps) as engine:
        engine.inline.drain()
        if not scripts:
            page.get_by_role("link", name="Reload").click()
        expect(page.get_by_text("Nothing has happened yet.")).to_be_visible()
        expect(page.locator("tr", has_text="mail.send").filter(has_text="elbe")).to_have_count(1)
        assert not engine.http.posted
        page.get_by_label("Reason").fill("the disk has space again")
        page.get_by_role("button", name="Retry jobs").click()
        expect(page.get_by_text("Started. Progress is shown below.")).to_be_visible()
        engine.inline.drain()
        if not scripts:
            page.get_by_role("link", name="Reload").click()
        expect(page.get_by_text("Done.")).to_be_visible()
        assert engine.http.posted
    page.goto("/console/dead")
    expect(page.locator("section", has_text="No space left on device")).to_have_count(0)
    page.goto("/console/audit?action=bulk.retry")
    expect(page.get_by_role("cell", name="the disk has space again")).to_be_visible()
    page.context.close()


def test_forbidden_actions_are_hidden(running: Browser, scene: Scene, viewer: str) -> None:
    page = signed_in(running, scene, viewer)
    for path in (
        "/dead",
        "/jobs",
        f"/jobs/{scene.job}",
        f"/bulk/{scene.run}",
        "/queues/probe",
        "/workers",
        "/schedules",
    ):
        page.goto(f"/console{path}")
        expect(page.locator("main").get_by_role("button", name="Preview")).to_have_count(0)
        for name in ("Retry", "Cancel", "Pause", "Drain", "Run now", "Edit and run again"):
            expect(page.locator("main").get_by_role("link", name=name, exact=True)).to_have_count(0)
    expect(page.get_by_role("link", name="Settings")).to_have_count(0)
    page.context.close()
