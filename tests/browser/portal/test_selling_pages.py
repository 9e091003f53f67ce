"""Templates and offers in a real browser: saved while one types, filtered, live, and nothing of it takes the focus.

`KONTOR_WALKS=FOLDER` keeps the screenshots there.
"""

import pytest
from playwright.sync_api import Browser, Page, expect

from models.offers import Offer
from tests.browser.mail_pictures import chromium
from tests.browser.portal.test_portal_pages import api, clock, deps, elbe, make_accounts, running, signed_in
from tests.integration.portal.test_account_pages import offer_to
from tests.support.api import Api, ResellerAccounts

__all__ = ["api", "clock", "deps", "elbe", "make_accounts", "running"]
pytestmark = [
    pytest.mark.skipif(chromium() is None, reason="needs a system Chromium (Debian: chromium)"),
    pytest.mark.timeout(300),
]
WIDE, PHONE = {"width": 1280, "height": 800}, {"width": 360, "height": 740}
LINES = [
    {"product": "excel-basics", "count": 5, "mode": "relative", "term": "P1Y"},
    {"product": "first-aid", "count": 10, "mode": "absolute", "term": "P45D"},
]


def template(api: Api, elbe: ResellerAccounts) -> str:
    """The page of a template with two lines."""
    body = {"reseller_id": str(elbe.reseller), "name": "Office", "lines": LINES}
    return f"/partner/templates/{api.ok('POST /v1/offer-templates', body)['id']}"


def stored(api: Api, path: str) -> list[dict[str, object]]:
    """The lines that are stored."""
    lines: list[dict[str, object]] = api.ok(f"GET /v1/offer-templates/{path.rpartition('/')[2]}")["lines"]
    return lines


def test_line_is_saved_as_it_is_changed_and_the_focus_stays(running: Browser, api: Api, elbe: ResellerAccounts) -> None:
    path = template(api, elbe)
    page = signed_in(running, api, "elbe", WIDE, "light")
    page.goto(f"{path}?lang=en", wait_until="load")
    line = page.locator("[data-line='0']")
    expect(line.get_by_role("button", name="Save")).to_be_hidden()
    line.get_by_label("Licences").fill("7")
    page.keyboard.press("Tab")
    expect(page.locator("[data-said]")).to_have_text("The template has been saved.")
    assert page.evaluate("document.activeElement.value") == "relative"
    page.keyboard.press("ArrowDown")
    expect(line).to_have_attribute("data-mode", "absolute")
    assert page.evaluate("document.activeElement.value") == "absolute"
    line.get_by_label("Term").select_option(label="Another period …")
    line.get_by_label("How many").fill("9")
    line.get_by_label("Days, weeks, months or years").select_option(label="weeks")
    expect(line.locator("option[value='P9W']")).to_be_attached()
    assert stored(api, path) == [{**LINES[0], "count": 7, "mode": "absolute", "term": "P9W"}, LINES[1]]
    page.context.close()


def test_change_that_another_window_overtook_is_shown_beside_what_is_there(
    running: Browser, api: Api, elbe: ResellerAccounts
) -> None:
    path = template(api, elbe)
    page = signed_in(running, api, "elbe", WIDE, "light")
    page.goto(f"{path}?lang=en", wait_until="load")
    api.ok(
        f"PUT /v1/offer-templates/{path.rpartition('/')[2]}",
        {"name": "Office", "lines": [{**LINES[0], "count": 6}, LINES[1]]},
    )
    line = page.locator("[data-line='0']")
    line.get_by_label("Licences").fill("7")
    page.keyboard.press("Tab")
    expect(line.locator("[data-now]")).to_have_text("There now: 6 more licences, 1 year")
    expect(line.get_by_label("Licences")).to_have_value("7")
    line.get_by_label("Licences").fill("8")
    page.keyboard.press("Tab")
    expect(line.locator("[data-now]")).to_have_count(0)
    assert [each["count"] for each in stored(api, path)] == [8, 10]
    page.context.close()


def test_products_are_filtered_while_one_types_and_taken_by_keyboard(
    running: Browser, api: Api, elbe: ResellerAccounts
) -> None:
    path = template(api, elbe)
    page = signed_in(running, api, "elbe", WIDE, "light")
    page.goto(f"{path}?lang=de", wait_until="load")
    listed = page.locator("[data-product]:visible")
    every = listed.count()
    page.locator("#product").press_sequentially("brand")
    expect(listed).to_have_count(1)
    assert every > 1
    listed.first.press("Enter")
    expect(page.locator("#product")).to_have_value("Brandschutz am Arbeitsplatz")
    assert page.evaluate("document.activeElement.id") == "count"
    page.keyboard.press("Enter")
    expect(page.locator("[data-line]")).to_have_count(3)
    page.context.close()


def focused(page: Page) -> str | None:
    """The form of the button that has the focus."""
    address: str | None = page.evaluate(
        "document.activeElement.form?.getAttribute('action') ?? document.activeElement.tagName"
    )
    return address


def test_list_of_offers_follows_and_the_focus_stays_where_it_was(
    running: Browser, api: Api, elbe: ResellerAccounts
) -> None:
    other, offer = offer_to(api, elbe), offer_to(api, elbe)
    page = signed_in(running, api, "elbe", WIDE, "light")
    page.clock.install()
    page.goto("/partner/offers?lang=en", wait_until="load")
    page.locator(f"[data-offer='{offer}']").get_by_role("button", name="Cancel the offer").focus()
    here = focused(page)
    with api.deps.sessions() as session:
        session.get_one(Offer, other).state = "accepted"
        session.commit()
    page.clock.run_for(6_000)
    expect(page.locator(f"[data-offer='{other}']")).to_have_attribute("data-state", "accepted")
    expect(page.locator("[data-said]")).to_have_text("elbe client: Accepted")
    assert focused(page) == here
    with api.deps.sessions() as session:
        session.get_one(Offer, offer).state = "rejected"
        session.commit()
    page.clock.run_for(6_000)
    expect(page.locator(f"[data-offer='{offer}']")).to_have_attribute("data-state", "rejected")
    assert focused(page) == "TH"
    page.context.close()
