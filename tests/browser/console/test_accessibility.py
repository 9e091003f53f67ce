"""Accessibility of every page by axe-core; live updates; keyboard help."""

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from kontor.http.context import Deps
from tests.browser.console.conftest import Scene
from tests.browser.console.test_operator_tasks import all_paths, press, signed_in
from tests.browser.mail_pictures import chromium
from tests.support.console import enqueue_probe

pytestmark = [
    pytest.mark.skipif(chromium() is None, reason="needs a system Chromium (Debian: chromium)"),
    pytest.mark.timeout(600),
]
AXE = Path(__file__).resolve().parents[1] / "assets" / "axe.min.js"
RUN = "axe.run(document, {resultTypes: ['violations'], iframes: false})"


def findings(page: Page) -> list[str]:
    """The serious and critical violations by axe-core, with their first elements."""
    if page.evaluate("typeof axe === 'undefined'"):
        page.evaluate(AXE.read_text())
    violations: list[dict[str, Any]] = page.evaluate(RUN)["violations"]
    serious = [violation for violation in violations if violation["impact"] in {"serious", "critical"}]
    return [f"{violation['id']}: {[node['target'] for node in violation['nodes'][:3]]}" for violation in serious]


def test_axe_reports_nothing_serious_on_any_page(running: Browser, scene: Scene) -> None:
    page = signed_in(running, scene, scene.admin, viewport={"width": 1280, "height": 800})
    assert serious_findings(page, all_paths(scene)) == {}
    page.context.clear_cookies()
    page.goto("/console/login", wait_until="load")
    assert findings(page) == []
    page.context.close()


def test_axe_reports_nothing_serious_in_dark_mode_on_a_phone(running: Browser, scene: Scene) -> None:
    page = signed_in(running, scene, color_scheme="dark", viewport={"width": 360, "height": 740})
    assert serious_findings(page, ("", f"/jobs/{scene.job}", f"/bulk/{scene.run}", "/queues/probe")) == {}
    page.context.close()


def serious_findings(page: Page, paths: tuple[str, ...]) -> dict[str, list[str]]:
    """The findings of every page that has some."""
    by_path = {}
    for path in paths:
        page.goto(f"/console{path}", wait_until="load")
        if serious := findings(page):
            by_path[path] = serious
    return by_path


def test_page_updates_live_until_it_is_paused(running: Browser, scene: Scene, deps: Deps) -> None:
    page = signed_in(running, scene)
    page.goto("/console/jobs?state=queued&args.message=appears", wait_until="load")
    expect(page.get_by_role("button", name="Pause updates")).to_be_visible()
    enqueue_probe(deps, "appears")
    expect(page.locator("tbody tr")).to_have_count(1)
    page.get_by_role("button", name="Pause updates").click()
    enqueue_probe(deps, "appears")
    expect(page.get_by_role("button", name="Resume updates")).to_be_visible()
    page.wait_for_timeout(3_000)
    expect(page.locator("tbody tr")).to_have_count(1)
    page.get_by_role("button", name="Resume updates").click()
    expect(page.locator("tbody tr")).to_have_count(2)
    page.context.close()


def test_keyboard_help_lists_every_key_and_closes(running: Browser, scene: Scene) -> None:
    page = signed_in(running, scene)
    press(page, "?")
    help_box = page.get_by_role("dialog")
    expect(help_box).to_be_visible()
    expect(help_box).to_contain_text("search")
    press(page, "Escape")
    expect(help_box).to_have_count(0)
    for letter, heading in (
        ("b", "Bulk actions"),
        ("q", "Queues"),
        ("w", "Workers"),
        ("u", "Audit"),
        ("a", "Accounts"),
        ("o", "Overview"),
    ):
        press(page, "g", letter)
        expect(page.get_by_role("heading", name=heading, exact=True)).to_be_visible()
    page.context.close()


def test_theme_chosen_before_the_script_is_there_is_kept(running: Browser, scene: Scene) -> None:
    page = signed_in(running, scene, color_scheme="light")
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/static/keys.js", hold, times=1)
    with page.expect_request("**/static/keys.js"):
        page.goto("/console/jobs", wait_until="commit")
    page.get_by_label("Colours").select_option("dark")
    held.pop().continue_()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.context.close()


def test_chosen_theme_is_kept(running: Browser, scene: Scene) -> None:
    page = signed_in(running, scene, color_scheme="light")
    page.get_by_label("Colours").select_option("dark")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.goto("/console/jobs")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.context.close()
