"""The reseller's offers: why they wait, live, and their mail sent again, by the page and by a key."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import text as sql

from kontor.adapters.fakes import ManualClock
from kontor.offers import notifications
from models.offers import Offer
from tests.integration.portal.test_account_pages import offer_to
from tests.support.api import Api, ResellerAccounts
from tests.support.portal import PortalClient, error_of, page_of

Make = Callable[[str], ResellerAccounts]
LINE = {"product": "excel-basics", "count": "5", "mode": "relative", "term": "P1Y"}


@pytest.fixture
def seller(elbe: ResellerAccounts, visitor: PortalClient) -> PortalClient:
    """The reseller, signed in."""
    assert visitor.sign_in("elbe").headers["location"] == "/partner"
    return visitor


def test_waiting_offer_says_why_and_nothing_internal(seller: PortalClient, elbe: ResellerAccounts, api: Api) -> None:
    body = {"reseller_id": str(elbe.reseller), "account_id": str(elbe.client), "lines": [{**LINE, "count": 5}]}
    offer = api.ok("POST /v1/offers", body)["id"]
    assert 'data-wait="under_way"' in seller.get("/partner/offers").text
    key = api.key(reseller_id=elbe.reseller)
    with api.deps.sessions() as session:
        now = api.deps.clock.now()
        down = {"lane": f"instance:{elbe.client}", "since": now, "probe": now + timedelta(minutes=7)}
        session.execute(
            sql(
                "INSERT INTO lanes (name, state, held_since, probe_at, last_error) VALUES"
                " (:lane, 'open', :since, :probe, 'not sent: no connection: refused by secret-host')"
            ),
            down,
        )
        session.commit()
    page = seller.get("/partner/offers?lang=de").text
    assert 'data-wait="down"' in page
    assert "Das System hat die Verbindung abgelehnt." in page
    assert "Nächster Versuch: " in page
    for internal in ("secret-host", "offers.deliver", "instance:", "lane", "not sent"):
        assert internal not in page, internal
    wait = api.ok(f"GET /v1/offers/{offer}", key=key)["delivery"]["wait"]
    assert (wait["reason"], wait["last_error"]) == ("down", "connection_refused")
    client = api.ok(f"GET /v1/offers/{offer}", key=api.key(account_id=elbe.client))
    assert "wait" not in client["delivery"]


def test_list_of_offers_answers_only_what_has_changed_and_keeps_no_session_alive(
    seller: PortalClient, elbe: ResellerAccounts, api: Api, clock: ManualClock
) -> None:
    offer = offer_to(api, elbe)
    page = seller.get("/partner/offers")
    assert "script-src 'nonce-" in page.headers["content-security-policy"]
    mark = re.search(r'data-watched="([^"]+)" data-mark="(\w+)"', page.text)
    assert mark is not None
    asked = f"{mark[1]}seen={mark[2]}"
    assert (seller.get(asked).status_code, seller.get(asked).content) == (204, b"")
    api.ok(f"POST /v1/offers/{offer}/cancel")
    changed = seller.get(asked)
    assert (changed.status_code, page_of(changed)) == (200, "partner.offers")
    assert f'data-offer="{offer}" data-state="cancelled"' in changed.text
    for _ in range(4):
        clock.advance(timedelta(minutes=20))
        last = seller.get(asked)
    assert (last.status_code, last.headers["location"].partition("?")[0]) == (303, "/login")


def test_session_lives_on_while_a_person_looks_at_the_list_of_offers(seller: PortalClient, clock: ManualClock) -> None:
    for _ in range(3):
        clock.advance(timedelta(minutes=50))
        assert seller.get("/partner/offers").status_code == 200


def test_try_that_is_due_is_no_change_of_the_list_however_often_it_is_asked(
    seller: PortalClient, elbe: ResellerAccounts, api: Api, clock: ManualClock
) -> None:
    body = {"reseller_id": str(elbe.reseller), "account_id": str(elbe.client), "lines": [{**LINE, "count": 5}]}
    api.ok("POST /v1/offers", body)
    with api.deps.sessions() as session:
        lane = {"lane": f"instance:{elbe.client}", "since": clock.now(), "probe": clock.now() + timedelta(minutes=7)}
        session.execute(
            sql("INSERT INTO lanes (name, state, held_since, probe_at) VALUES (:lane, 'open', :since, :probe)"), lane
        )
        session.commit()
    marks = []
    for minutes in (0, 5, 5, 5):
        clock.advance(timedelta(minutes=minutes))
        marks.append(seller.get("/partner/offers").text.split('data-mark="')[1][:16])
    assert (marks[0] == marks[1], marks[1] == marks[2], marks[2] == marks[3]) == (True, False, True)


def test_form_of_an_offer_says_whether_the_client_can_be_reached(
    seller: PortalClient, elbe: ResellerAccounts, api: Api
) -> None:
    new = {"name": "Weser", "admin_email": "chef@weser.example"}
    bare = api.ok(f"POST /v1/resellers/{elbe.reseller}/clients", new)["id"]
    for client, state in ((bare, "none"), (str(elbe.client), "ok")):
        page = seller.get(f"/partner/offers/new?account_id={client}").text
        assert f'<p class="soft" role="status" data-system="{state}">' in page
        assert re.search(rf'value="{client}" selected data-system="{state}" data-reached="[^"]+"', page)


def test_mail_of_an_offer_is_sent_again_for_its_reseller_alone_and_not_without_end(
    seller: PortalClient, elbe: ResellerAccounts, api: Api, make_accounts: Make
) -> None:
    waiting, offer = offer_to(api, elbe), offer_to(api, elbe)
    foreign = offer_to(api, make_accounts("spree"))
    with api.deps.sessions() as session:
        session.get_one(Offer, waiting).state = "waiting"
        notifications.mail_received(api.deps.context(api.deps.jobs), session, session.get_one(Offer, offer))
        session.commit()
    assert seller.post(f"/partner/offers/{foreign}/mail").status_code == 404
    assert seller.post(f"/partner/offers/{waiting}/mail").status_code == 409
    assert seller.post(f"/partner/offers/{offer}/mail").status_code == 409
    for number in (1, 2, 3):
        with api.deps.sessions() as session:
            session.execute(sql("UPDATE mails SET state = 'sent'"))
            session.commit()
        again = seller.post(f"/partner/offers/{offer}/mail")
        assert (again.status_code, again.headers.get("location")) == (303, "/partner/offers?done=offer-mailed"), number
    with api.deps.sessions() as session:
        mailed = session.execute(sql("SELECT count(*) FROM mails WHERE template = 'offer-received'")).scalar()
        session.execute(sql("UPDATE mails SET state = 'sent'"))
        session.commit()
    assert mailed == 4
    assert seller.post(f"/partner/offers/{offer}/mail").status_code == 429
    limited = api.call(f"POST /v1/offers/{offer}/mail", key=api.key(reseller_id=elbe.reseller))
    assert (limited.status_code, "retry-after" in limited.headers) == (429, True)


def test_mail_of_an_offer_is_sent_again_by_a_key_as_by_the_page(
    api: Api, elbe: ResellerAccounts, make_accounts: Make
) -> None:
    waiting, offer = offer_to(api, elbe), offer_to(api, elbe)
    with api.deps.sessions() as session:
        session.get_one(Offer, waiting).state = "waiting"
        notifications.mail_received(api.deps.context(api.deps.jobs), session, session.get_one(Offer, offer))
        session.commit()
    key, call = api.key(reseller_id=elbe.reseller), f"POST /v1/offers/{offer}/mail"
    assert api.call(f"POST /v1/offers/{waiting}/mail", key=key).json()["code"] == "illegal_transition"
    assert api.call(call, key=key).json()["code"] == "not_sendable"
    assert api.call(call, key=api.key(reseller_id=make_accounts("spree").reseller)).status_code == 404
    assert api.call(call, key=api.key(account_id=elbe.client)).status_code == 403
    assert api.call(call, key=api.key("read", reseller_id=elbe.reseller)).status_code == 403
    with api.deps.sessions() as session:
        session.execute(sql("UPDATE mails SET state = 'sent'"))
        session.commit()
    sent = [api.call(call, key=key, headers={"Idempotency-Key": "again"}) for _ in range(2)]
    assert [(each.status_code, each.json()["state"]) for each in sent] == [(200, "waiting_for_confirmation")] * 2
    assert sent[1].headers["idempotency-replayed"] == "true"
    with api.deps.sessions() as session:
        mailed = session.execute(sql("SELECT count(*) FROM mails WHERE template = 'offer-received'")).scalar()
    assert mailed == 2


def test_client_without_a_system_is_named_beside_the_field(
    seller: PortalClient, elbe: ResellerAccounts, api: Api
) -> None:
    new = {"name": "Weser", "admin_email": "chef@weser.example"}
    bare = api.ok(f"POST /v1/resellers/{elbe.reseller}/clients", new)["id"]
    template = seller.post("/partner/templates", {"name": "Office"}).headers["location"].partition("?")[0]
    seller.post(f"{template}/lines", LINE)
    answer = seller.post("/partner/offers/new", {"account_id": bare, "template_id": template.rpartition("/")[2]})
    assert (answer.status_code, error_of(answer, "account_id") != "") == (422, True)
