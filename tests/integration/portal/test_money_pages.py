"""The reseller's account book, statements and charges: days, files, how each was computed, and whose they are."""

import csv
import io
import re
from collections.abc import Iterator
from uuid import UUID, uuid4

import httpx
import pytest

from kontor.adapters.fakes import ManualClock
from tests.support.api import Api
from tests.support.fees import OPENING, FeeScenario, fee_scenario, money
from tests.support.portal import PASSWORD, PortalClient, error_of, mailed_path, page_of, set_password

PARIS = "Europe/Paris"


@pytest.fixture
def clock() -> ManualClock:
    """Midnight UTC of 1 December 2025."""
    return ManualClock(OPENING)


@pytest.fixture
def world(api: Api, clock: ManualClock) -> Iterator[FeeScenario]:
    """Resellers behind the API."""
    with fee_scenario(api, clock) as scenario:
        yield scenario


@pytest.fixture
def weser(world: FeeScenario) -> tuple[str, str]:
    """A reseller of `booking` and its client: a plan taken, upgraded, one charge voided, a payment; two statements."""
    reseller = world.reseller("booking", "Weser")
    client = world.client(reseller, "Salon Rose")
    world.go("2026-03-15", PARIS)
    world.take(client, "basic")
    world.go("2026-03-20", PARIS)
    world.take(client, "premium")
    payment = {"amount": money("100.00", "EUR"), "paid_at": world.clock.now().isoformat(), "kind": "payment"}
    world.api.ok(f"POST /v1/resellers/{reseller}/payments", payment | {"reference": "=SUM(A1)"}, key=world.key)
    world.go("2026-04-21", PARIS)
    world.void(next(row["id"] for row in world.charges(f"resellers/{reseller}") if row["period_start"] > "2026-04"))
    world.go("2026-05-02", PARIS)
    for account in (reseller, client):
        set_password(world.api, UUID(account))
    return reseller, client


@pytest.fixture
def seller(weser: tuple[str, str], visitor: PortalClient) -> PortalClient:
    """The reseller, signed in, in English."""
    assert visitor.sign_in("Weser").headers["location"] == "/partner"
    visitor.get("/partner?lang=en")
    return visitor


def rows_of(answer: httpx.Response) -> list[dict[str, str]]:
    """The rows of a file."""
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/csv; charset=utf-8")
    assert "attachment" in answer.headers["content-disposition"]
    return list(csv.DictReader(io.StringIO(answer.text.removeprefix("\ufeff"))))


def figure(answer: httpx.Response, name: str) -> str:
    """A figure that a page marks."""
    shown = re.search(rf'data-{name}="([^"]*)"', answer.text)
    return shown[1] if shown else "none"


def test_account_book_is_cut_to_days_and_its_file_has_the_same_lines_as_the_api(
    seller: PortalClient, world: FeeScenario, weser: tuple[str, str]
) -> None:
    path = f"GET /v1/resellers/{weser[0]}/account-book"
    for query in ("", "?from=2026-03-20&to=2026-03-20", "?to=2026-03-15", "?from=2026-06-01"):
        document = world.api.ok(f"{path}{query}", key=world.key)
        lines = document["items"]
        rows = rows_of(seller.get(f"/partner/account-book.csv{query}"))
        assert [(row["day"], row["kind"], row["amount"], row["balance"]) for row in rows] == [
            (line["day"], line["kind"], line["amount"]["amount"], line["balance"]["amount"]) for line in lines
        ], query
        shown = seller.get(f"/partner/account-book{query}")
        assert (shown.status_code, shown.text.count("<tr><td>")) == (200, len(lines)), query
        assert figure(shown, "balance") == document["balance"]["amount"], query
        assert f'href="/partner/account-book.csv{query.replace("&", "&amp;")}"' in shown.text
        charged = [line["fact_id"] for line in lines if line["kind"] in {"charge", "credit", "void"}]
        assert re.findall(r'href="/partner/charges/([^"]+)"', shown.text) == charged
    assert "'=SUM(A1)" in {row["ref"] for row in rows_of(seller.get("/partner/account-book.csv"))}


@pytest.mark.parametrize("path", ["/partner/account-book", "/partner/charges"])
def test_days_that_mean_nothing_are_named_beside_their_field_and_stay(seller: PortalClient, path: str) -> None:
    for query, field in (
        ("from=2026-02-30", "from"), ("to=tomorrow", "to"), ("to=9999-12-31", "to"), ("from=2026-W05-1", "from"),
        ("from=2026-02-02&to=2026-02-01", "to"),
    ):  # fmt: skip
        shown = seller.get(f"{path}?{query}")
        assert (shown.status_code, error_of(shown, field) != "") == (422, True), query
        assert f'value="{query.rpartition("=")[2]}"' in shown.text
        assert shown.text.count("<tr>") <= 1, query
    assert seller.get("/partner/account-book.csv?from=x").status_code == 422


def test_charge_says_how_it_was_computed_and_leads_to_its_credit(
    seller: PortalClient, world: FeeScenario, weser: tuple[str, str]
) -> None:
    listed = seller.get("/partner/charges")
    charges = {row["id"]: row for row in world.charges(f"resellers/{weser[0]}")}
    assert page_of(listed) == "partner.charges"
    assert {*re.findall(r'<tr data-charge="([^"]+)"', listed.text)} == charges.keys()
    for charge_id, charge in charges.items():
        shown = seller.get(f"/partner/charges/{charge_id}")
        assert page_of(shown) == "partner.charges.show"
        assert figure(shown, "total") == charge["total"]["amount"]
        assert (figure(shown, "version"), figure(shown, "as-of")) == (
            str(charge["how"]["version"]), charge["how"]["as_of"],
        )  # fmt: skip
        assert ("mistake" in shown.text, 'data-state="void"' in shown.text) == (charge["void"], charge["void"])
        if charge["kind"] == "credit":
            assert f'href="/partner/charges/{charge["credits"]}"' in shown.text
            assert f'href="/partner/charges/{charge_id}"' in seller.get(f"/partner/charges/{charge['credits']}").text
            assert f"{charge['how']['days']} of {charge['how']['of_days']}" in shown.text
        else:
            list_price = charge["how"]["list"]["amount"]
            assert (figure(shown, "list"), figure(shown, "percent")) == (list_price, charge["how"]["percent"])
    assert any(charge["void"] for charge in charges.values())


def test_charges_are_filtered_by_client_and_period_and_paged(
    seller: PortalClient, world: FeeScenario, weser: tuple[str, str]
) -> None:
    other = world.client(weser[0], "Salon Bleu")
    world.take(other, "basic")

    def listed(query: str) -> int:
        return seller.get(f"/partner/charges?{query}").text.count("<tr data-charge=")

    own = listed(f"account_id={weser[1]}")
    assert (listed(""), listed(f"account_id={other}"), own) == (own + 1, 1, own)
    assert listed("to=2026-03-31") == sum(start <= "2026-03-31" for start in world.starts(f"resellers/{weser[0]}"))
    assert listed("from=2026-06-01") == 0
    for foreign in (uuid4(), "x", world.client(world.reseller("booking", "Oder"))):
        assert seller.get(f"/partner/charges?account_id={foreign}").status_code == 404
    world.api.ok(f"POST /v1/resellers/{weser[0]}/clients/{weser[1]}/disconnect", key=world.key)
    assert listed(f"account_id={weser[1]}") == own
    with world.transaction() as session:
        for number in range(60):
            more = {"id": uuid4(), "day": f"2025-{1 + number % 12:02}-01", "client": other, "reseller": weser[0]}
            session.connection().exec_driver_sql(CHARGE, {**more, "of": charged(world, weser[0], number)})
    first = seller.get("/partner/charges?to=2025-12-31")
    following = re.findall(r'href="\?(to=2025-12-31&amp;cursor=[^"]+)"', first.text)
    assert first.text.count("<tr data-charge=") == 50
    assert listed(following[0].replace("&amp;", "&")) == 10


CHARGE = """
INSERT INTO charges (id, programme, account_id, reseller_id, kind, product, period_start, period_end, currency, fee,
    percent, discount, total, how, created_at, run_id)
SELECT %(id)s, programme, %(client)s, %(reseller)s, kind, product, %(day)s, CAST(%(day)s AS date) + 28, currency, fee,
    percent, discount, total, how, created_at, %(of)s FROM charges WHERE kind = 'plan' LIMIT 1
"""


def charged(world: FeeScenario, reseller: str, number: int) -> UUID:
    """A run of its own for each charge."""
    run = uuid4()
    with world.transaction() as session:
        session.connection().exec_driver_sql(
            "INSERT INTO fee_runs (id, programme, account_id, kind, code, anchor, since, next_start, created_at, ended)"
            " SELECT %(run)s, programme, account_id, kind, code, anchor, since, next_start, created_at, true"
            " FROM fee_runs LIMIT 1",
            {"run": run},
        )
    return run


def test_statement_is_listed_shown_and_downloaded_with_the_figures_of_its_mail(
    seller: PortalClient, world: FeeScenario
) -> None:
    mails = {mail.facts["month"][:7]: mail.facts for mail in world.mails("statement")}
    listed = seller.get("/partner/statements")
    assert page_of(listed) == "partner.statements"
    assert re.findall(r'data-month="([^"]+)"', listed.text) == sorted(mails, reverse=True)
    for month, facts in mails.items():
        shown = seller.get(f"/partner/statements/{month}")
        assert page_of(shown) == "partner.statements.show"
        for name in ("fees", "total"):
            assert figure(shown, name) == facts[name]["amount"], month
        assert figure(shown, "discounts") in {facts["discounts"]["amount"], "none"}
        assert figure(shown, "credits") == (facts["credits"]["amount"] if facts["credits"] else "none")
        kinds = re.findall(r'data-charge="[^"]+" data-kind="(\w+)"', shown.text)
        assert sorted(kinds) == sorted(line["kind"] for line in facts["charges"])
        rows = rows_of(seller.get(f"/partner/statements/{month}.csv"))
        assert sorted(row["total"] for row in rows) == sorted(line["total"]["amount"] for line in facts["charges"])
        for row in rows:
            assert f'href="/partner/charges/{row["charge"]}"' in shown.text
    for missing in ("2020-01", "2026-13", "soon", "2026-3"):
        assert seller.get(f"/partner/statements/{missing}").status_code == 404
        assert seller.get(f"/partner/statements/{missing}.csv").status_code == 404


PAGES = ("account-book", "account-book.csv", "statements", "charges", "discount", "discount/history")


def test_money_pages_are_there_for_a_viewer_and_never_for_a_client(
    weser: tuple[str, str], world: FeeScenario, visitor: PortalClient
) -> None:
    reseller, _ = weser
    charge = world.charges(f"resellers/{reseller}")[0]["id"]
    paths = [*(f"/partner/{page}" for page in PAGES), f"/partner/charges/{charge}"]
    paths += ["/partner/statements/2026-03", "/partner/statements/2026-03.csv"]
    person = {"email": "jana@weser.example", "role": "viewer"}
    world.api.ok(f"POST /v1/accounts/{reseller}/members", person, key=world.key)
    world.api.http.post(mailed_path(world.api, "member-invited"), data={"password": PASSWORD})
    visitor.sign_in("jana@weser.example")
    assert {path: visitor.get(path).status_code for path in paths} == dict.fromkeys(paths, 200)
    visitor.post("/logout")
    visitor.sign_in("Salon Rose", PASSWORD)
    assert page_of(visitor.get("/account")) == "account"
    assert {path: visitor.get(path).status_code for path in paths} == dict.fromkeys(paths, 404)


def test_anothers_charge_and_statement_are_not_there(
    seller: PortalClient, world: FeeScenario, weser: tuple[str, str], visitor: PortalClient
) -> None:
    charge = world.charges(f"resellers/{weser[0]}")[0]["id"]
    set_password(world.api, UUID(world.reseller("booking", "Oder")))
    visitor.post("/logout")
    visitor.sign_in("Oder")
    assert page_of(visitor.get("/partner")) == "partner"
    for path in (f"charges/{charge}", "statements/2026-03", "statements/2026-03.csv"):
        assert visitor.get(f"/partner/{path}").status_code == 404, path
    assert rows_of(visitor.get("/partner/account-book.csv")) == []


def test_downloads_stand_in_the_audit_log(seller: PortalClient, world: FeeScenario, weser: tuple[str, str]) -> None:
    for path in ("account-book.csv?from=2026-03-01", "statements/2026-03.csv", "clients.csv", "clients.xlsx"):
        assert seller.get(f"/partner/{path}").status_code == 200
    with world.transaction() as session:
        rows = session.connection().exec_driver_sql(
            "SELECT target, actor, detail->>'account', detail->'query'->>'from' FROM audit_log"
            " WHERE action = 'exported' ORDER BY seq"
        )
        logged = [tuple(row) for row in rows]
    who = (f"admin:{weser[0]}", weser[0])
    assert logged == [
        ("account-book.csv", *who, "2026-03-01"),
        ("statement-2026-03.csv", *who, None),
        ("clients.csv", *who, None),
        ("clients.xlsx", *who, None),
    ]
