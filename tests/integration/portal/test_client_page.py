"""The page of one client: what it has and does now, and what is sold to it from there."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import text as sql

from kontor.adapters.fakes import ManualClock
from kontor.kernel.ids import new_id
from tests.integration.portal.test_account_pages import offer_to
from tests.support.api import Api, ResellerAccounts
from tests.support.portal import PASSWORD, PortalClient, mailed_path, page_of
from tests.support.query_plans import statements
from tests.support.wiring import apply_example

Make = Callable[[str], ResellerAccounts]


@pytest.fixture
def seller(elbe: ResellerAccounts, visitor: PortalClient) -> PortalClient:
    """The reseller, signed in."""
    assert visitor.sign_in("elbe").headers["location"] == "/partner"
    return visitor


def client_page(seller: PortalClient, elbe: ResellerAccounts) -> str:
    """The page, in English."""
    return seller.get(f"/partner/clients/{elbe.client}?lang=en").text


def answered(api: Api, elbe: ResellerAccounts, tenant: object, at: object) -> None:
    """Let a call to the client's system have been answered, for a reseller."""
    with api.deps.sessions() as session:
        values = {"id": new_id(), "lane": f"instance:{elbe.client}", "tenant": str(tenant), "at": at}
        session.execute(
            sql(
                "INSERT INTO jobs (id, task, queue, state, tenant, lane, payload, attempt, max_attempts, run_at,"
                " created_at, finished_at) VALUES (:id, 'offers.deliver', 'instances', 'succeeded', :tenant, :lane,"
                " '{}', 1, 1, :at, :at, :at)"
            ),
            values,
        )
        session.commit()


def test_open_offers_are_on_the_page_and_are_cancelled_there(
    seller: PortalClient, elbe: ResellerAccounts, api: Api
) -> None:
    offer, done = offer_to(api, elbe), offer_to(api, elbe)
    api.ok(f"POST /v1/offers/{done}/cancel")
    page = client_page(seller, elbe)
    assert re.findall(r'data-offer="([\w-]+)" data-state="(\w+)"', page) == [(offer, "waiting_for_confirmation")]
    assert '<input type="hidden" name="from" value="client">' in page
    cancelled = seller.post(f"/partner/offers/{offer}/cancel", {"from": "client"})
    assert cancelled.headers["location"] == f"/partner/clients/{elbe.client}?done=offer-cancelled"
    assert "data-offer=" not in client_page(seller, elbe)


def test_offers_past_their_end_and_of_a_former_reseller_are_not_open(
    seller: PortalClient, elbe: ResellerAccounts, api: Api, make_accounts: Make, clock: ManualClock
) -> None:
    expired, foreign = offer_to(api, elbe), offer_to(api, elbe)
    other = make_accounts("spree")
    with api.deps.sessions() as session:
        session.execute(
            sql("UPDATE offers SET reseller_id = :other WHERE id = :id"), {"other": other.reseller, "id": foreign}
        )
        session.commit()
    assert f'data-offer="{expired}"' in client_page(seller, elbe)
    with api.deps.sessions() as session:
        session.execute(
            sql("UPDATE offers SET created_at = :now - interval '1 day', expires_at = :now WHERE id = :id"),
            {"now": clock.now(), "id": expired},
        )
        session.commit()
    assert "data-offer=" not in client_page(seller, elbe)


def test_plan_leads_to_its_quote_and_the_trial_is_offered_until_it_was_used(
    visitor: PortalClient, api: Api, clock: ManualClock
) -> None:
    with api.deps.sessions() as session:
        apply_example(session, "booking", clock)
        session.commit()
    new = {"programme": "booking", "name": "Salons", "admin_email": "chef@salons.example", "password": PASSWORD}
    reseller = api.ok("POST /v1/accounts", new)["id"]
    api.ok(f"POST /v1/accounts/{reseller}/become-reseller")
    body = {"name": "Rose", "admin_email": "rose@rose.example"}
    client = api.ok(f"POST /v1/resellers/{reseller}/clients", body)["id"]
    visitor.sign_in("Salons")
    path, trial, plan = f"/partner/clients/{client}", f"/as/{client}/account/trial", f"/as/{client}/account/plan"
    page = visitor.get(path).text
    assert (f'action="{trial}"' in page, f'action="{plan}"' in page) == (True, True)
    quote = visitor.post(plan, {"plan": "basic"})
    assert (quote.status_code, page_of(quote), 'name="confirm" value="1"' in quote.text) == (200, "account.plan", True)
    assert visitor.post(trial).status_code == 303
    assert f'action="{trial}"' not in visitor.get(path).text


def test_health_of_the_connected_system_is_said_without_its_raw_error(
    seller: PortalClient, elbe: ResellerAccounts, api: Api, clock: ManualClock
) -> None:
    assert ('data-instance="ok"' in client_page(seller, elbe), "none yet" in client_page(seller, elbe)) == (True, True)
    answered(api, elbe, elbe.reseller, clock.now() - timedelta(days=2))
    assert "none yet" not in client_page(seller, elbe)
    with api.deps.sessions() as session:
        lane = {"lane": f"instance:{elbe.client}", "since": clock.now(), "probe": clock.now() + timedelta(minutes=7)}
        session.execute(
            sql(
                "INSERT INTO lanes (name, state, held_since, probe_at, last_error) VALUES"
                " (:lane, 'open', :since, :probe, 'not sent: no connection: refused by secret-host')"
            ),
            lane,
        )
        session.commit()
    page = client_page(seller, elbe)
    assert ('data-instance="down"' in page, "Next try: " in page, "secret-host" in page) == (True, True, False)
    page = seller.get(f"/partner/clients/{elbe.client}/instance").text
    assert ('data-state="down"' in page, "Next try: " in page, "secret-host" in page) == (True, True, False)


def test_answer_that_a_system_gave_for_a_former_reseller_is_not_shown(
    seller: PortalClient, elbe: ResellerAccounts, api: Api, make_accounts: Make, clock: ManualClock
) -> None:
    answered(api, elbe, make_accounts("spree").reseller, clock.now())
    assert "none yet" in client_page(seller, elbe)


def test_products_and_services_of_the_client_are_counted_and_listed(
    seller: PortalClient, elbe: ResellerAccounts, api: Api
) -> None:
    assert 'data-products="0"' in client_page(seller, elbe)
    ordered = {"product": "excel-basics", "order_ref": "O", "account_id": str(elbe.client)}
    service = api.ok(f"POST /v1/resellers/{elbe.reseller}/orders", ordered)["service_id"]
    page = client_page(seller, elbe)
    assert f'data-service="{service}" data-state=' in page
    assert f'href="/partner/services/{service}"' in page


def test_page_asks_the_same_number_of_statements_however_much_a_client_has(
    seller: PortalClient, elbe: ResellerAccounts, api: Api
) -> None:
    def asked() -> int:
        with statements(api.deps.engine) as recorded:
            client_page(seller, elbe)
        return len(recorded)

    offer_to(api, elbe)
    client_page(seller, elbe)
    before = asked()
    for number in range(4):
        offer_to(api, elbe)
        ordered = {"product": "excel-basics", "order_ref": f"O{number}", "account_id": str(elbe.client)}
        api.ok(f"POST /v1/resellers/{elbe.reseller}/orders", ordered)
    assert asked() == before


def test_viewer_has_no_form_on_the_page(seller: PortalClient, elbe: ResellerAccounts, api: Api) -> None:
    offer_to(api, elbe)
    api.ok(f"POST /v1/accounts/{elbe.reseller}/members", {"email": "jana@elbe.example", "name": "J", "role": "viewer"})
    api.http.post(mailed_path(api, "member-invited"), data={"password": PASSWORD})
    seller.post("/logout")
    seller.sign_in("jana@elbe.example")
    page = client_page(seller, elbe)
    assert ("data-offer=" in page, re.findall(r'action="(/(?:as|partner)/[^"]+)"', page)) == (True, [])
