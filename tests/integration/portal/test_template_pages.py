"""Templates in the portal: each line is changed in place, in words, and two windows lose nothing of each other."""

import re
from collections.abc import Sequence

import pytest

from kontor.programme import files
from tests.support.api import Api, ResellerAccounts
from tests.support.portal import PASSWORD, PortalClient, error_of, mailed_path
from tests.support.wiring import EXAMPLES

LINE = {"product": "excel-basics", "count": "5", "mode": "relative", "term": "P1Y"}
OTHER_LINE = {"product": "first-aid", "count": "10", "mode": "absolute", "term": "P6M"}
SEEN = re.compile(r'data-line="(\d+)".*?name="seen" value="(\w+)"', re.DOTALL)


@pytest.fixture
def seller(elbe: ResellerAccounts, visitor: PortalClient) -> PortalClient:
    """The reseller, signed in."""
    assert visitor.sign_in("elbe").headers["location"] == "/partner"
    return visitor


@pytest.fixture
def page(seller: PortalClient) -> str:
    """The page of a template with two lines, in English from here on."""
    seller.get("/partner?lang=en")
    made = seller.post("/partner/templates", {"name": "Office"}).headers["location"].partition("?")[0]
    for line in (LINE, OTHER_LINE):
        assert seller.post(f"{made}/lines", line).status_code == 303
    return str(made)


def keys(seller: PortalClient, page: str) -> list[str]:
    """What the forms of the lines bring back."""
    return [key for _, key in SEEN.findall(seller.get(page).text)]


def lines(api: Api, page: str) -> Sequence[tuple[str, int, str, str]]:
    """The lines that are stored."""
    stored = api.ok(f"GET /v1/offer-templates/{page.rpartition('/')[2]}")["lines"]
    return [(each["product"], each["count"], each["mode"], each["term"]) for each in stored]


def test_line_is_changed_in_place_and_saved_at_once(seller: PortalClient, page: str, api: Api) -> None:
    changed = {"count": "7", "mode": "absolute", "term": "other", "term_number": "45", "term_unit": "D"}
    saved = seller.post(f"{page}/lines/0", {**changed, "seen": keys(seller, page)[0]})
    assert (saved.status_code, saved.headers["location"]) == (303, f"{page}?done=template-saved")
    assert lines(api, page) == [("excel-basics", 7, "absolute", "P45D"), ("first-aid", 10, "absolute", "P6M")]
    shown = seller.get(f"{page}?lang=fr").text
    assert '<option value="P45D" selected>45 jours</option>' in shown
    assert 'value="absolute" checked' in shown


def test_refused_change_keeps_what_was_typed_and_says_what_is_stored(seller: PortalClient, page: str, api: Api) -> None:
    typed = {"product": "first-aid", "count": "0", "mode": "relative", "term": "until", "term_until": "yesterday"}
    refused = seller.post(f"{page}/lines/1", {**typed, "seen": keys(seller, page)[1]})
    assert (refused.status_code, error_of(refused, "count") != "", error_of(refused, "term") != "") == (422, True, True)
    assert refused.text.count('id="error-count"') == 1
    assert 'value="yesterday"' in refused.text
    assert "There now: 10 licences in total, 6 months" in refused.text
    assert lines(api, page)[1] == ("first-aid", 10, "absolute", "P6M")


def test_second_window_is_told_that_a_line_changed_and_saves_over_it_knowingly(
    seller: PortalClient, page: str, api: Api
) -> None:
    stale = keys(seller, page)[0]
    mine = {"product": "excel-basics", "count": "8", "mode": "relative", "term": "P1Y", "seen": stale}
    assert seller.post(f"{page}/lines/0", {**mine, "count": "6"}).status_code == 303
    overtaken = seller.post(f"{page}/lines/0", mine)
    assert (overtaken.status_code, "There now: 6 more licences, 1 year" in overtaken.text) == (409, True)
    assert 'name="count" type="number" min="1" max="1000000" value="8"' in overtaken.text
    assert lines(api, page)[0][1] == 6
    fresh = SEEN.findall(overtaken.text)[0][1]
    assert seller.post(f"{page}/lines/0", {**mine, "seen": fresh}).status_code == 303
    assert lines(api, page)[0][1] == 8


def test_line_that_moved_is_changed_where_it_is_and_one_that_is_gone_is_not(
    seller: PortalClient, page: str, api: Api
) -> None:
    first, second = keys(seller, page)
    assert seller.post(f"{page}/lines/0/remove", {"seen": first}).status_code == 303
    assert seller.post(f"{page}/lines/1", {**OTHER_LINE, "count": "11", "seen": second}).status_code == 303
    assert lines(api, page) == [("first-aid", 11, "absolute", "P6M")]
    assert seller.post(f"{page}/lines/0/remove", {"seen": first}).status_code == 409
    gone = seller.post(f"{page}/lines/0", {**LINE, "count": "77", "seen": first})
    assert (gone.status_code, 'value="77"' in gone.text, "Excel" in gone.text) == (409, True, True)
    assert lines(api, page) == [("first-aid", 11, "absolute", "P6M")]


def test_line_that_is_added_twice_is_there_once(seller: PortalClient, page: str, api: Api) -> None:
    assert seller.post(f"{page}/lines", LINE).status_code == 303
    assert seller.post(f"{page}/lines", {**LINE, "term": "P6M"}).status_code == 303
    assert [each[0] for each in lines(api, page)] == ["excel-basics", "first-aid", "excel-basics"]


def test_change_of_a_line_leaves_a_line_that_another_window_added(seller: PortalClient, page: str, api: Api) -> None:
    first, _ = keys(seller, page)
    assert seller.post(f"{page}/lines", {**LINE, "product": "data-protection"}).status_code == 303
    assert seller.post(f"{page}/lines/0", {**LINE, "count": "9", "seen": first}).status_code == 303
    assert [each[:2] for each in lines(api, page)] == [("excel-basics", 9), ("first-aid", 10), ("data-protection", 5)]


def test_product_is_typed_by_its_name_in_the_readers_language(seller: PortalClient, page: str, api: Api) -> None:
    typed = {**LINE, "product": " brandschutz AM Arbeitsplatz"}
    assert seller.post(f"{page}/lines?lang=de", typed).status_code == 303
    assert lines(api, page)[-1][0] == "fire-safety"
    wrong = seller.post(f"{page}/lines?lang=de", {**LINE, "product": "Exc"})
    assert (wrong.status_code, error_of(wrong, "product") != "", 'value="Exc"' in wrong.text) == (422, True, True)


def test_products_are_searched_without_scripts_and_chosen_by_a_link(seller: PortalClient, page: str) -> None:
    listed = seller.get(f"{page}?q=aid").text
    assert re.findall(r'data-product="([\w-]+)"', listed) == ["first-aid"]
    chosen = seller.get(f"{page}?product=first-aid&lang=en").text
    assert 'name="product" list="products" value="First aid' in chosen


def test_product_with_terms_of_its_own_offers_only_those(seller: PortalClient, page: str, api: Api) -> None:
    with api.deps.sessions() as session:
        text = (EXAMPLES / "learning.yaml").read_text()
        limited = re.sub(r"(  first-aid:\n)", r"\1    terms: [P6M, P1Y]\n", text)
        assert limited != text
        files.apply(session, "learning", limited, now=api.deps.clock.now(), actor="test")
        session.commit()
    shown = seller.get(f"{page}?product=first-aid#add").text
    adds = shown[shown.index("data-adds") :]
    assert re.findall(r'<option value="(P\w+|other|until)"', adds) == ["P6M", "P1Y"]
    refused = seller.post(f"{page}/lines", {**OTHER_LINE, "term": "P2Y"})
    assert "for the terms beside its name alone" in error_of(refused, "term")


def test_template_is_renamed_once_and_duplicated_once(
    seller: PortalClient, page: str, api: Api, elbe: ResellerAccounts
) -> None:
    assert seller.post(f"{page}/rename", {"name": "Büro", "seen": "Office"}).status_code == 303
    overtaken = seller.post(f"{page}/rename", {"name": "Bureau", "seen": "Office"})
    assert (overtaken.status_code, 'value="Bureau"' in overtaken.text, "<strong>Büro</strong>" in overtaken.text) == (
        409,
        True,
        True,
    )
    assert 'name="copy_name" type="text" value="Büro (2)"' in seller.get(page).text
    copy = seller.post(f"{page}/copy", {"copy_name": "Büro (2)"})
    assert copy.headers["location"].endswith("?done=template-copied")
    again = seller.post(f"{page}/copy", {"copy_name": "Büro (2)"})
    assert (again.status_code, error_of(again, "copy_name") != "") == (422, True)
    assert lines(api, copy.headers["location"].partition("?")[0]) == lines(api, page)
    names = [each["name"] for each in api.ok(f"GET /v1/offer-templates?reseller={elbe.reseller}")["items"]]
    assert names == ["Büro (2)", "Büro"]


def test_viewer_reads_a_template_and_changes_nothing(
    seller: PortalClient, page: str, api: Api, elbe: ResellerAccounts
) -> None:
    person = {"email": "jana@elbe.example", "name": "Jana", "role": "viewer"}
    api.ok(f"POST /v1/accounts/{elbe.reseller}/members", person)
    api.http.post(mailed_path(api, "member-invited"), data={"password": PASSWORD})
    seller.post("/logout")
    seller.sign_in("jana@elbe.example")
    shown = seller.get(page)
    assert (
        shown.status_code,
        shown.text.count("data-mode="),
        '<form method="post" action="/partner' in shown.text,
    ) == (
        200,
        2,
        False,
    )
    for path in ("lines", "lines/0", "lines/0/remove", "rename", "copy", "remove"):
        assert seller.post(f"{page}/{path}", LINE).status_code == 403
