"""Pages of accounts, discounts and offers: activity timeline, explanation, audit trail."""

import re
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from kontor.adapters.fakes import ManualClock
from kontor.http.context import Deps
from kontor.offers import notifications as offers_notifications
from kontor.programme import files
from models.discounts import DiscountRecord
from models.jobs import ArchivedJob
from models.offers import Offer
from tests.support.api import Api, ResellerAccounts
from tests.support.console import ConsoleClient, unknown_id
from workers.migrations import ROOT

As = Callable[[str], ConsoleClient]
ATTACK = "<img src=x onerror=alert(1)>"
OLDER = re.compile(r'rel="next" href="([^"]+)"')
ROW = re.compile(r"<tr data-row>(.*?)</tr>", re.DOTALL)
LINES = [{"product": "excel-basics", "count": 5, "mode": "absolute", "term": "P1Y"}]


@pytest.fixture
def elbe(make_accounts: Callable[[str], ResellerAccounts]) -> ResellerAccounts:
    """A reseller of `learning` and its client."""
    return make_accounts("elbe")


def send_offer(api: Api, accounts: ResellerAccounts, message: str | None = None) -> str:
    new = {
        "reseller_id": str(accounts.reseller),
        "account_id": str(accounts.client),
        "lines": LINES,
        "message": message,
    }
    return str(api.ok("POST /v1/offers", new)["id"])


def apply(deps: Deps, code: str) -> None:
    """Apply an example programme."""
    with deps.sessions() as session:
        source = (ROOT / "examples" / "programmes" / f"{code}.yaml").read_text()
        files.apply(session, code, source, now=deps.clock.now(), actor="test")
        session.commit()


def payer(api: Api, deps: Deps, name: str = "Volga") -> str:
    """Create a reseller of `hosting` that paid 52,000 on 20 February; returns its id."""
    apply(deps, "hosting")
    new = {"programme": "hosting", "name": name, "admin_email": "volga@shop.example"}
    reseller = str(api.ok("POST /v1/accounts", new)["id"])
    api.ok(f"POST /v1/accounts/{reseller}/become-reseller")
    paid: dict[str, Any] = {
        "amount": {"amount": "52000.00", "currency": "RUB"}, "kind": "payment", "reference": "first",
    }  # fmt: skip
    api.ok(f"POST /v1/resellers/{reseller}/payments", {**paid, "paid_at": "2026-02-20T12:00:00+03:00"})
    return reseller


def rows_of(page: str) -> list[str]:
    return ROW.findall(page)


def test_accounts_are_found_by_name_address_id_and_filters(
    signed_in: As, elbe: ResellerAccounts, make_accounts: Callable[[str], ResellerAccounts]
) -> None:
    oder = make_accounts("oder")
    someone = signed_in("viewer")
    for query in ("q=ELBE", "q=elbe+cl", "q=admin@elbe", "q=elbe&kind=client", f"reseller={elbe.reseller}"):
        page = someone.get(f"/console/accounts?{query}").text
        assert f"/console/accounts/{elbe.client}" in page, query
        assert str(oder.client) not in page, query
    resellers = someone.get("/console/accounts?kind=reseller&programme=learning").text
    assert str(oder.reseller) in resellers
    assert f"/console/accounts/{oder.client}" not in resellers
    response = someone.http.get(f"/console/accounts?q={elbe.client}")
    assert response.headers["location"] == f"/console/accounts/{elbe.client}"
    assert "No account matches." in someone.get("/console/accounts?q=100%25").text
    assert someone.http.get("/console/accounts?cursor=never").status_code == 422


def test_timeline_of_a_client_shows_offers_events_mails_jobs_and_calls(
    signed_in: As, api: Api, elbe: ResellerAccounts
) -> None:
    offer = send_offer(api, elbe)
    api.ok(f"POST /v1/offers/{offer}/cancel")
    page = signed_in("viewer").get(f"/console/accounts/{elbe.client}").text
    timeline = "\n".join(rows_of(page))
    assert f'/console/offers/{offer}">offer: 5 × Excel basics' in timeline
    assert "offer.cancelled" in timeline
    assert "offers.deliver" in timeline
    assert "<td>call</td>" in timeline
    assert "/console/mail/" in timeline
    assert f'/console/accounts/{elbe.reseller}">elbe</a>' in page
    assert "https://customer.example/hook" in page


def test_timeline_of_a_reseller_includes_its_clients_by_name(signed_in: As, api: Api, elbe: ResellerAccounts) -> None:
    send_offer(api, elbe)
    page = signed_in("viewer").get(f"/console/accounts/{elbe.reseller}").text
    assert f'for <a href="/console/accounts/{elbe.client}">elbe client</a>' in page
    assert "offers.expire" in page
    assert f"/console/accounts?reseller={elbe.reseller}" in page


def test_timeline_is_filtered_by_kind(signed_in: As, api: Api, elbe: ResellerAccounts) -> None:
    send_offer(api, elbe)
    someone = signed_in("viewer")
    page = someone.get(f"/console/accounts/{elbe.client}?show=offers").text
    assert len(rows_of(page)) == 1
    assert "<td>offer</td>" in rows_of(page)[0]
    assert "No activity." in someone.get(f"/console/accounts/{elbe.client}?show=payments").text


def test_timeline_pages_have_no_gaps_and_no_duplicates(
    signed_in: As, api: Api, elbe: ResellerAccounts, clock: ManualClock
) -> None:
    for _ in range(30):
        clock.advance(timedelta(minutes=1))
        api.ok(f"POST /v1/offers/{send_offer(api, elbe)}/cancel")
    someone = signed_in("viewer")
    address: str | None = f"/console/accounts/{elbe.reseller}"
    links, instants = [], []
    while address is not None:
        page = someone.get(address).text
        links += [match[1] for row in rows_of(page) if (match := re.search(r'class="says">\s*<a href="([^"]+)"', row))]
        instants += re.findall(r'<td><time datetime="([^"]+)"', page)
        further = OLDER.search(page)
        address = further[1].replace("&amp;", "&") if further else None
    jobs = [link for link in links if "/jobs/" in link or "/mail/" in link]
    assert len(jobs) == len(set(jobs)) > 50
    assert instants == sorted(instants, reverse=True)


def test_invalid_cursor_is_refused(signed_in: As, elbe: ResellerAccounts) -> None:
    someone = signed_in("viewer")
    for cursor in ("x", "events:", "events:x", "mails:1", "charges:2026-01-01", "discounts:x", "nothing:1"):
        assert someone.http.get(f"/console/accounts/{elbe.client}?cursor={cursor}").status_code == 422, cursor


def test_names_and_messages_are_escaped(signed_in: As, api: Api, elbe: ResellerAccounts) -> None:
    api.ok(f"PATCH /v1/accounts/{elbe.client}", {"name": ATTACK})
    offer = send_offer(api, elbe, ATTACK)
    someone = signed_in("viewer")
    for path in ("", f"/{elbe.client}", f"/{elbe.reseller}", "?q=%3Cimg"):
        page = someone.get(f"/console/accounts{path}").text
        assert "&lt;img src=x" in page, path
        assert "<img src=x" not in page, path
    assert someone.get(f"/console/offers/{offer}").text.count("&lt;img src=x") >= 2


def test_offer_page_shows_every_event_and_a_verified_audit_trail(
    signed_in: As, api: Api, elbe: ResellerAccounts
) -> None:
    offer = send_offer(api, elbe)
    document = api.ok(f"POST /v1/offers/{offer}/cancel")
    page = signed_in("viewer").get(f"/console/offers/{offer}").text
    assert "Audit trail intact (2 events)." in page
    for event in document["events"]:
        assert f'title="{event["hash"]}"' in page
    assert "waiting → cancelled" in page
    assert "withdrawn" in page


@pytest.mark.parametrize(
    "crime",
    [
        "UPDATE offer_events SET actor = 'nobody' WHERE offer_id = :id AND number = 1",
        "DELETE FROM offer_events WHERE offer_id = :id AND number = 2",
        "UPDATE offers SET message = 'another' WHERE id = :id",
    ],
)
def test_tampered_offer_is_not_verified(
    signed_in: As, api: Api, deps: Deps, elbe: ResellerAccounts, crime: str
) -> None:
    offer = send_offer(api, elbe)
    api.ok(f"POST /v1/offers/{offer}/cancel")
    with deps.sessions() as session:
        session.execute(text(crime), {"id": UUID(offer)})
        session.commit()
    page = signed_in("viewer").get(f"/console/offers/{offer}").text
    assert "Audit trail broken" in page
    assert "intact" not in page


def test_discount_page_explains_the_discount_and_a_hypothetical_payment(signed_in: As, api: Api, deps: Deps) -> None:
    reseller = payer(api, deps)
    someone = signed_in("viewer")
    page = someone.get(f"/console/resellers/{reseller}/discount?as_of=2026-03-02").text
    assert "52,000.00 RUB" in page
    assert "Virtual servers 19 %, Dedicated servers 7 %, SSL certificates 3 %" in page
    assert "2026-02-02 to 2026-03-02" in page
    assert "would" not in page.split("Recorded on that day")[0]
    more = someone.get(f"/console/resellers/{reseller}/discount?as_of=2026-03-02&pay=50000").text
    assert "If 50,000.00 RUB were paid" in more
    assert "Virtual servers 21 %, Dedicated servers 8 %, SSL certificates 5 %" in more
    line = someone.get(f"/console/accounts/{reseller}").text
    assert "payment of 52,000.00 RUB" in line
    assert "discounts.recompute" in line
    for query in ("as_of=never", "as_of=0001-01-01", "pay=-1", "pay=NaN", "pay=1.001"):
        assert someone.http.get(f"/console/resellers/{reseller}/discount?{query}").status_code == 422, query


def test_account_that_never_was_a_reseller_has_no_discount_page(signed_in: As, elbe: ResellerAccounts) -> None:
    assert signed_in("viewer").http.get(f"/console/resellers/{elbe.client}/discount").status_code == 409


def test_unknown_account_or_offer_is_404(signed_in: As, elbe: ResellerAccounts) -> None:
    someone = signed_in("viewer")
    for thing in (unknown_id(), "x"):
        for path in (f"accounts/{thing}", f"offers/{thing}", f"resellers/{thing}/discount"):
            assert someone.http.get(f"/console/{path}").status_code == 404, path
    assert someone.http.get(f"/console/offers/{elbe.client}").status_code == 404


def test_account_pages_require_signing_in(visitor: ConsoleClient, elbe: ResellerAccounts) -> None:
    for path in ("accounts", f"accounts/{elbe.client}", f"resellers/{elbe.reseller}/discount"):
        assert visitor.http.get(f"/console/{path}").headers["location"].startswith("/console/login")


def test_recorded_discount_is_shown_next_to_todays_ledger(signed_in: As, api: Api, deps: Deps) -> None:
    reseller = payer(api, deps)
    recorded = DiscountRecord(
        reseller_id=UUID(reseller), day=date(2026, 3, 2), turnover=Decimal(600), tier="500", at=deps.clock.now(),
        percent={"vps": 1},
    )  # fmt: skip
    with deps.sessions() as session:
        session.add(recorded)
        session.commit()
    someone = signed_in("viewer")
    line = someone.get(f"/console/accounts/{reseller}?show=discounts").text
    assert "discount recorded: 500" in line
    assert "turnover 600.00; Virtual servers 1 %" in line
    assert "The current ledger gives a different result" in someone.get(f"/console/resellers/{reseller}/discount").text


def test_timeline_includes_finished_jobs_and_calls(signed_in: As, api: Api, deps: Deps, elbe: ResellerAccounts) -> None:
    send_offer(api, elbe)
    with deps.sessions() as session:
        columns = ", ".join(column.name for column in ArchivedJob.__table__.columns)
        session.execute(text("UPDATE jobs SET state = 'succeeded'"))
        session.execute(text(f"INSERT INTO jobs_archive ({columns}) SELECT {columns} FROM jobs"))
        session.execute(text("DELETE FROM jobs"))
        session.commit()
    someone = signed_in("viewer")
    assert "offers.deliver" in someone.get(f"/console/accounts/{elbe.client}?show=jobs").text
    assert "offers.expire" not in someone.get(f"/console/accounts/{elbe.client}?show=jobs").text
    assert "offers.expire" in someone.get(f"/console/accounts/{elbe.reseller}?show=jobs").text


def test_timeline_shows_a_charge_once_with_its_price(signed_in: As, api: Api, deps: Deps) -> None:
    apply(deps, "telephony")
    new = {"programme": "telephony", "name": "Hudson", "admin_email": "hudson@shop.example"}
    reseller = api.ok("POST /v1/accounts", new)["id"]
    api.ok(f"POST /v1/accounts/{reseller}/become-reseller")
    new_client = {"name": "Bronx", "admin_email": "bronx@shop.example"}
    client = api.ok(f"POST /v1/resellers/{reseller}/clients", new_client)["id"]
    api.ok(f"POST /v1/accounts/{client}/products", {"product": "call-recording"})
    someone = signed_in("viewer")
    for account in (client, reseller):
        page = someone.get(f"/console/accounts/{account}").text
        charges = [row for row in rows_of(page) if "<td>charge</td>" in row]
        assert len(charges) == 1
        assert "product Call recording: 10.00 USD" in charges[0]
        assert "charge.created" not in page
    assert "product Call recording <small>since 2026-03-02" in someone.get(f"/console/accounts/{client}").text


def test_offer_page_and_its_mails_link_to_each_other(
    signed_in: As, api: Api, deps: Deps, elbe: ResellerAccounts
) -> None:
    offer = send_offer(api, elbe)
    ctx = deps.context(deps.jobs)
    with deps.sessions() as session:
        offers_notifications.mail_received(ctx, session, session.get_one(Offer, UUID(offer)))
        session.commit()
    someone = signed_in("viewer")
    mail = re.search(r'/console/mail/([0-9a-f-]+)">offer-received', someone.get(f"/console/offers/{offer}").text)
    assert mail
    page = someone.get(f"/console/mail/{mail[1]}").text
    assert f"/console/offers/{offer}" in page
    assert f'/console/accounts/{elbe.client}">elbe client' in page
