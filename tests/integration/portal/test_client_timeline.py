"""Everything about one client in one line of time: whole, paged, and nothing that is not its reseller's."""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import text as sql
from sqlalchemy.orm import Session

from kontor.accounts import client_timeline
from kontor.accounts.client_timeline import TYPES
from kontor.accounts.client_words import CLIENT_LINES
from kontor.adapters.fakes import ManualClock
from kontor.http import visibility
from kontor.http.visibility import Viewer
from kontor.kernel.ids import new_id
from kontor.kernel.states import CancelReason, Threshold
from kontor.mails import service as mails
from kontor.programme.display_names import DisplayNames
from models.accounts import Account
from tests.integration.portal.test_account_pages import offer_to
from tests.support.api import Api, ResellerAccounts
from tests.support.portal import PASSWORD, PortalClient
from tests.support.query_plans import plans_of

Make = Callable[[str], ResellerAccounts]
LINE = re.compile(r'data-line="([^"]+)"')
OLDER = re.compile(r'href="(\?cursor=[^"#]+)#history"')
LEFT_OUT = {
    "account.became_reseller", "account.reverted", "account.merged", "account.purged", "quota.exceeded",
    "discount.changed", "charge.credited", "payment.recorded", "payment.refunded", "order.placed", "order.cancelled",
    "order.failed", "job.dead", "job.succeeded", "job.failed", "job.cancelled",
}  # fmt: skip
QUALIFIED: Mapping[str, Sequence[str]] = {
    "usage.threshold": list(Threshold),
    "trial.ended": ["converted", "expired"],
    "offer.cancelled": list(CancelReason),
    "licences.granted": ["accepted", "ended"],
    "charge.created": ["plan", "product", "credit"],
}


@pytest.fixture
def seller(elbe: ResellerAccounts, visitor: PortalClient) -> PortalClient:
    """The reseller, signed in."""
    assert visitor.sign_in("elbe").headers["location"] == "/partner"
    return visitor


def emit(session: Session, kind: str, account: UUID, reseller: UUID, at: datetime, data: str = "{}") -> None:
    """Write an event."""
    values = {"id": new_id(), "kind": kind, "account": account, "reseller": reseller, "at": at, "data": data}
    session.execute(
        sql(
            "INSERT INTO domain_events (id, type, account_id, reseller_id, programme, data, at)"
            " VALUES (:id, :kind, :account, :reseller, 'learning', CAST(:data AS jsonb), :at)"
        ),
        values,
    )


def test_every_event_that_a_reseller_gets_has_words_or_is_left_out_on_purpose() -> None:
    assert set(visibility.event_types(Viewer.RESELLER) or ()) == TYPES | LEFT_OUT
    keys = {f"{kind}.{each}" for kind in TYPES for each in QUALIFIED.get(kind, [])}
    keys |= TYPES - QUALIFIED.keys() | {"mail", "offer", "visit"}
    assert keys == set(CLIENT_LINES)


def test_history_of_a_client_has_each_source_newest_first(
    seller: PortalClient, elbe: ResellerAccounts, api: Api, clock: ManualClock
) -> None:
    place = f"/partner/clients/{elbe.client}"
    clock.advance(timedelta(minutes=1))
    offer_to(api, elbe)
    clock.advance(timedelta(minutes=1))
    seller.get(f"/as/{elbe.client}/account")
    charge = '{"kind": "product", "product": "excel-basics", "total": {"amount": "12.50", "currency": "EUR"}}'
    usage = '{"metric": "appointments", "threshold": "exceeded", "value": 51, "limit": 50}'
    with api.deps.sessions() as session:
        now = clock.now()
        emit(session, "trial.started", elbe.client, elbe.reseller, now, '{"ends_at": "2026-12-24T12:00:00Z"}')
        emit(session, "charge.created", elbe.client, elbe.reseller, now + timedelta(minutes=1), charge)
        emit(session, "usage.threshold", elbe.client, elbe.reseller, now + timedelta(minutes=2), usage)
        emit(session, "job.dead", elbe.client, elbe.reseller, now + timedelta(minutes=3), '{"task": "offers.deliver"}')
        client = session.get_one(Account, elbe.client)
        facts = {"account": client.name, "connected_at": now}
        mails.post(session, api.deps.jobs, template="account-connected", account=client, facts=facts, fact_key="x")
        session.execute(sql("UPDATE mails SET subject = 'Welcome <b>aboard</b>' WHERE template = 'account-connected'"))
        session.execute(sql("UPDATE mails SET subject = 'Told' WHERE template IN ('activation', 'account-notice')"))
        session.commit()
    page = seller.get(f"{place}?lang=en").text
    lines = LINE.findall(page)
    assert lines[:2] == ["usage.threshold.exceeded", "charge.created.product"]
    assert {"visit", "offer", "mail", "trial.started", "account.created"} <= set(lines)
    assert lines[-1] in {"account.created", "mail"}
    for shown in ("51 of 50", "€12.50", "5 × ", "Welcome &lt;b&gt;aboard&lt;/b&gt;"):
        assert shown in page, shown
    for hidden in ("job.dead", "offers.deliver", "Told"):
        assert hidden not in page, hidden
    german = seller.get(f"{place}?lang=de").text
    assert "Limit überschritten" in german


def test_history_is_paged_by_key_without_a_gap_or_a_double(
    seller: PortalClient, elbe: ResellerAccounts, api: Api, clock: ManualClock
) -> None:
    with api.deps.sessions() as session:
        for number in range(120):
            data, at = f'{{"domain": "n{number:03}.example"}}', clock.now() + timedelta(minutes=number)
            emit(session, "domain.verified", elbe.client, elbe.reseller, at, data)
        session.commit()
    place, pages, query = f"/partner/clients/{elbe.client}", [], ""
    while True:
        page = seller.get(f"{place}{query}").text
        pages.append(page)
        following = OLDER.search(page)
        if following is None:
            break
        query = following[1].replace("&amp;", "&")
    names = [name for page in pages for name in re.findall(r"n\d{3}\.example", page)]
    assert names == [f"n{number:03}.example" for number in reversed(range(120))]
    assert [len(LINE.findall(page)) for page in pages[:2]] == [50, 50]
    assert seller.get(f"{place}?cursor=nonsense").status_code == 422
    assert seller.get(f"{place}?cursor=events:x").status_code == 422


def test_history_has_nothing_of_a_former_reseller_nor_of_before(
    seller: PortalClient, elbe: ResellerAccounts, api: Api, clock: ManualClock, make_accounts: Make
) -> None:
    former = make_accounts("spree")
    offer_to(api, former, "a former offer")
    api.ok(f"PATCH /v1/accounts/{former.client}", {"password": PASSWORD})
    with api.deps.sessions() as session:
        emit(session, "domain.verified", former.client, former.reseller, clock.now(), '{"domain": "former.example"}')
        session.execute(
            sql("UPDATE mails SET subject = 'A former mail', template = 'trial-started' WHERE account_id = :id"),
            {"id": former.client},
        )
        session.commit()
    assert seller.get(f"/partner/clients/{former.client}").status_code == 404
    api.ok(f"POST /v1/resellers/{former.reseller}/clients/{former.client}/disconnect")
    with api.deps.sessions() as session:
        emit(session, "domain.lost", former.client, former.reseller, clock.now(), '{"domain": "former.example"}')
        session.commit()
    seller.post("/partner/clients/connect", {"name": "spree client", "password": PASSWORD})
    page = seller.get(f"/partner/clients/{former.client}").text
    assert set(LINE.findall(page)) == {"account.connected", "mail"}
    for word in ("former.example", "A former mail", "excel"):
        assert word not in page, word


def test_history_is_read_by_indexes_of_the_account(elbe: ResellerAccounts, api: Api) -> None:
    filled = """
    INSERT INTO domain_events (id, type, account_id, reseller_id, data, at)
    SELECT gen_random_uuid(), 'account.created', gen_random_uuid(), :reseller, '{}', now()
    FROM generate_series(1, 20000);
    INSERT INTO mails (id, template, account_id, reseller_id, locale, facts, fact_key, identity, created_at)
    SELECT gen_random_uuid(), 'x', gen_random_uuid(), :reseller, 'en', '{}', 'x', n::text, now()
    FROM generate_series(1, 20000) AS n
    """
    with api.deps.sessions() as session:
        for statement in filled.split(";"):
            session.execute(sql(statement), {"reseller": elbe.reseller})
        session.execute(sql("ANALYZE"))
        session.commit()
        client = session.get_one(Account, elbe.client)
        names = DisplayNames(api.deps.programmes.current(session, "learning"))
        session.expunge_all()
    plans = plans_of(
        api.deps.engine, lambda session: client_timeline.timeline(session, client, elbe.reseller, names, None)
    )
    assert "ix_domain_events_account_id" in plans
    assert "ix_mails_account_id" in plans
    assert "Seq Scan on domain_events" not in plans
    assert "Seq Scan on mails" not in plans
