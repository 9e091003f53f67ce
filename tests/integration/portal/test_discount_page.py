"""The reseller's discount: the window by day, what leaves tomorrow, where to pay, and the days on which it changed."""

import re
from collections.abc import Iterator
from html import unescape
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import httpx
import pytest

from kontor.adapters.fakes import ManualClock
from tests.support.api import Api
from tests.support.discounts import OPENING, DiscountScenario, discount_scenario, moscow
from tests.support.portal import PortalClient, page_of, set_password
from tests.support.wiring import EXAMPLES

PAY = re.compile(r'href="(https://pay\.hosting\.example/[^"]+)" rel="noreferrer"')
DAY = re.compile(r'<tr data-turnover="([^"]+)">.*?<td class="figure">([^<]+)</td>', re.DOTALL)


@pytest.fixture
def clock() -> ManualClock:
    """Midnight UTC of 1 December 2025."""
    return ManualClock(OPENING)


@pytest.fixture
def world(api: Api, clock: ManualClock) -> Iterator[DiscountScenario]:
    """Resellers of `hosting`."""
    with discount_scenario(api, clock) as scenario:
        yield scenario


@pytest.fixture
def volga(world: DiscountScenario) -> str:
    """A reseller with 3,000 of 20 December, 49,000 of 5 January and a chargeback of 1 of 6 January, on 20 January."""
    reseller = world.reseller()
    world.reach(moscow("2026-01-20"))
    world.pay(reseller, "3000", "2025-12-20", reference="=LEAVES")
    world.pay(reseller, "49001", "2026-01-05")
    world.pay(reseller, "1", "2026-01-06", kind="chargeback")
    world.settle()
    set_password(world.api, UUID(reseller))
    return reseller


@pytest.fixture
def seller(volga: str, visitor: PortalClient) -> PortalClient:
    """The reseller, signed in, in English."""
    assert visitor.sign_in("Volga").headers["location"] == "/partner"
    visitor.get("/partner?lang=en")
    return visitor


def links(answer: httpx.Response) -> list[str]:
    """The amounts of the links to pay."""
    return [parse_qs(urlsplit(unescape(link)).query)["amount"][0] for link in PAY.findall(answer.text)]


def figure(answer: httpx.Response, name: str) -> list[str]:
    """The values of a mark."""
    return re.findall(rf'data-{name}="([^"]*)"', answer.text)


def test_window_stands_by_day_as_a_chart_and_as_a_table_of_the_same_figures(
    seller: PortalClient, world: DiscountScenario, volga: str
) -> None:
    shown = seller.get("/partner/discount")
    api = world.discount(volga)
    table = {day: text.replace("\u00a0", " ") for day, text in DAY.findall(shown.text)}
    assert (page_of(shown), len(table)) == ("partner.discount", 32)
    assert (min(table), max(table)) == (api["window"]["from"], api["window"]["to"])
    assert {day: text for day, text in table.items() if text != "RUB 0.00"} == {
        "2025-12-20": "RUB 3,000.00", "2026-01-05": "RUB 49,001.00", "2026-01-06": "-RUB 1.00",
    }  # fmt: skip
    bars = re.findall(r'<rect class="(paid|repaid)" data-day="([^"]+)"[^>]* height="([^"]+)"', shown.text)
    assert [day for _, day, _ in bars] == sorted(table)
    assert [day for kind, day, _ in bars if kind == "repaid"] == ["2026-01-06"]
    assert {day for _, day, height in bars if float(height)} == {"2025-12-20", "2026-01-05", "2026-01-06"}
    assert 'style="' not in shown.text.partition("<main")[2]
    assert "<script" not in shown.text


def test_what_leaves_tomorrow_is_listed_with_what_keeps_the_tier_and_where_to_pay_it(
    seller: PortalClient, world: DiscountScenario, volga: str
) -> None:
    shown, api = seller.get("/partner/discount"), world.discount(volga)
    tomorrow = api["tomorrow"]
    assert (tomorrow["keep_with"]["amount"], api["next_tier"]["missing"]["amount"]) == ("1000.00", "48000.00")
    assert figure(shown, "leaving") == ["=LEAVES"]
    assert (figure(shown, "leaves"), figure(shown, "tomorrow")) == (["3000.00"], [tomorrow["tier"]])
    assert links(shown) == ["48000.00", "1000.00"]
    assert links(seller.get("/partner/discount?pay=51000")) == ["48000.00", "1000.00", "51000.00"]
    linked = parse_qs(urlsplit(unescape(PAY.findall(shown.text)[0])).query)
    assert linked["reseller"] == [volga]
    assert linked["reference"][0].startswith(volga)
    assert world.discount(volga) == api


def test_nothing_is_to_pay_where_the_file_has_no_place_to_pay_or_the_tier_is_kept(
    seller: PortalClient, world: DiscountScenario, volga: str
) -> None:
    world.pay(volga, "1000", "2026-01-20")
    kept = seller.get("/partner/discount")
    assert (links(kept), "to keep your tier" in kept.text) == (["47000.00"], False)
    source = (EXAMPLES / "hosting.yaml").read_text()
    world.apply("hosting", re.sub(r"\n *payment_url: .*", "", source))
    bare = seller.get("/partner/discount?pay=10")
    assert (bare.status_code, links(bare), "Pay now" in bare.text) == (200, [], False)


def test_days_on_which_the_discount_changed_are_listed_newest_first_by_pages(
    seller: PortalClient, world: DiscountScenario, volga: str
) -> None:
    world.reach(moscow("2026-01-21"))
    seller.sign_in("Volga")
    shown = seller.get("/partner/discount/history")
    assert page_of(shown) == "partner.discount.history"
    days = re.findall(r'<tr data-day="([^"]+)" data-tier="([^"]*)"', shown.text)
    assert days[0] == ("2026-01-21", world.discount(volga)["tier"])
    assert [day for day, _ in days] == sorted((day for day, _ in days), reverse=True)
    world.rows(
        "INSERT INTO discount_records (reseller_id, day, turnover, tier, percent, at)"
        " SELECT CAST(:id AS uuid), CAST('2024-01-01' AS date) + n, n, 'gone', '{\"vps\": 1}', now()"
        " FROM generate_series(1, 60) AS n RETURNING day",
        id=volga,
    )
    first = seller.get("/partner/discount/history")
    (following,) = re.findall(r'href="(\?cursor=[^"]+)"', first.text)
    rest = seller.get(f"/partner/discount/history{following}")
    assert len(figure(first, "day")) == 50
    assert len({*figure(first, "day"), *figure(rest, "day")}) == len(days) + 60
    assert seller.get("/partner/discount/history?cursor=x").status_code == 422
