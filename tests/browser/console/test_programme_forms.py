"""An admin changes a programme file by its forms in a real browser: with and without scripts, and on a phone."""

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
def test_a_product_is_changed_from_the_programme_page_with_its_plan_and_a_reason(
    running: Browser, scene: Scene, scripts: bool
) -> None:
    page = signed_in(running, scene, scene.admin, java_script_enabled=scripts, viewport={"width": 360, "height": 740})
    page.goto("/console/programmes/learning")
    page.get_by_role("link", name="Products (5)").click()
    page.get_by_role("link", name="first-aid").click()
    page.get_by_label("Price of one, for orders").fill("nothing")
    page.get_by_label("Name in Japanese").fill("救急")
    page.get_by_label("6 months").check()
    page.get_by_role("button", name="Show the plan").click()
    expect(page.locator('[id="error-price"]')).to_have_text("a decimal number is required")
    expect(page.get_by_label("Name in Japanese")).to_have_value("救急")
    expect(page.get_by_label("6 months")).to_be_checked()
    page.get_by_label("Price of one, for orders").fill("8.50")
    page.get_by_role("button", name="Show the plan").click()
    expect(page.get_by_text("Nothing is applied yet.")).to_be_visible()
    expect(page.locator("ins")).to_have_text(
        ["+      ja: 救急", '+    price: "8.50"', "+    terms: [P6M]"], use_inner_text=True
    )
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    page.get_by_label("Reason – kept in the audit log").fill("the new course")
    page.locator("#content").get_by_role("button", name="Apply").click()
    expect(page.get_by_text("Applied as version 2.")).to_be_visible()
    page.context.close()
