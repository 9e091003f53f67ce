"""Queries of offers, their events and offer templates."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from psycopg.rows import class_row
from sqlalchemy import ARRAY, ColumnElement, Uuid, and_, any_, bindparam, func, null, or_, select, update
from sqlalchemy.orm import Session

from kontor.accounts.external_ids import normalize
from kontor.kernel import database
from kontor.kernel.database import psycopg_connection
from kontor.kernel.errors import Conflict
from kontor.kernel.paging import Page, page_of
from kontor.kernel.states import OfferState
from kontor.kernel.time_spans import ANY_TIME, TimeSpan
from kontor.offers.rules import OPEN_STATES, DeliveryFacts
from models.accounts import Account
from models.offers import Offer, OfferEventRow, OfferTemplate

OPEN = Offer.state.in_([state.value for state in OPEN_STATES])
NEVER = datetime.max.replace(tzinfo=UTC)


def get(session: Session, offer_id: UUID) -> Offer | None:
    """Return one offer, without a lock."""
    return session.get(Offer, offer_id)


def lock(session: Session, offer_id: UUID) -> Offer | None:
    """Lock and reread one offer, so that a waiting transaction sees the winner's state."""
    return session.get(Offer, offer_id, with_for_update=True, populate_existing=True)


def lock_account(session: Session, account_id: UUID) -> Account | None:
    """Lock an account's row, which serialises acceptances for the account. Lock it before the offer."""
    query = select(Account).where(Account.id == account_id).with_for_update(key_share=True)
    return session.scalar(query.execution_options(populate_existing=True))


def end_of(offer: Offer) -> datetime:
    """Return when an offer expires: never while it is held, later than `expires_at` if it was."""
    return NEVER if offer.held_by is not None else offer.open_until or offer.expires_at


def state_condition(state: OfferState, now: datetime | ColumnElement[datetime]) -> ColumnElement[bool]:
    """Match offers by effective state at `now`: an open one past its expiry is cancelled."""
    over = and_(Offer.held_by.is_(None), func.coalesce(Offer.open_until, Offer.expires_at) <= now)
    if state in OPEN_STATES:
        return and_(Offer.state == state.value, ~over)
    if state is OfferState.CANCELLED:
        return or_(Offer.state == state.value, and_(OPEN, over))
    return Offer.state == state.value


def list_offers(
    session: Session,
    *,
    reseller_id: UUID | None = None,
    account_id: UUID | None = None,
    state: OfferState | None = None,
    external_id: str | None = None,
    created: TimeSpan = ANY_TIME,
    now: datetime,
    cursor: str | None = None,
    limit: int = 100,
) -> Page[Offer]:
    """Return offers, newest first. Raises Invalid."""
    query = select(Offer).where(*created.conditions(Offer.created_at))
    if reseller_id is not None:
        query = query.where(Offer.reseller_id == reseller_id)
    if account_id is not None:
        query = query.where(Offer.account_id == account_id)
    if state is not None:
        query = query.where(state_condition(state, now))
    if external_id is not None:
        query = query.where(Offer.external_id == external_id)
    return page_of(session, query, Offer.id, cursor, limit)


def free_external_id(session: Session, reseller_id: UUID, text: str | None) -> str | None:
    """Return the id of another system as stored. Raises Invalid, Conflict(`external_id_taken`)."""
    if text is None:
        return None
    external_id = normalize(text)
    database.lock_names(session, f"offer external_id:{reseller_id}:{external_id}")
    same = (Offer.reseller_id == reseller_id, Offer.external_id == external_id)
    if session.scalar(select(Offer.id).where(*same).limit(1)) is not None:
        raise Conflict("external_id_taken", "Another offer has that external_id.")
    return external_id


def open_offers(session: Session, account_id: UUID, reseller_id: UUID, now: datetime, most: int) -> list[Offer]:
    """Return the open offers of a reseller to an account, newest first, `most` at most."""
    mine = (Offer.account_id == account_id, Offer.reseller_id == reseller_id, OPEN)
    live = or_(*(state_condition(state, now) for state in sorted(OPEN_STATES)))
    return list(session.scalars(select(Offer).where(*mine, live).order_by(Offer.id.desc()).limit(most)))


def open_ids(session: Session, *, account_id: UUID) -> list[UUID]:
    """Return the ids of the open offers to an account or by it, oldest first."""
    either = or_(Offer.account_id == account_id, Offer.reseller_id == account_id)
    return list(session.scalars(select(Offer.id).where(either, OPEN).order_by(Offer.id)))


def open_ids_to(session: Session, account_ids: Sequence[UUID]) -> list[UUID]:
    """Return the ids of the open offers to accounts, oldest first."""
    return list(session.scalars(select(Offer.id).where(Offer.account_id.in_(account_ids), OPEN).order_by(Offer.id)))


def count_open(session: Session, account_id: UUID, now: datetime, most: int) -> int:
    """Return the number of open offers to an account that have not expired, `most` at most."""
    open_offers = select(Offer.id).where(Offer.account_id == account_id, OPEN, Offer.expires_at > now).limit(most)
    return session.scalar(select(func.count()).select_from(open_offers.subquery())) or 0


def held_ids(session: Session, account_id: UUID) -> list[UUID]:
    """Return the ids of the held offers to an account, oldest first."""
    held = (Offer.account_id == account_id, OPEN, Offer.held_by.is_not(None))
    return list(session.scalars(select(Offer.id).where(*held).order_by(Offer.id)))


def ids_of(session: Session, account_ids: Sequence[UUID]) -> list[UUID]:
    """Return the ids of all offers to or by some accounts, oldest first."""
    return list(session.scalars(select(Offer.id).where(_of(account_ids)).order_by(Offer.id)))


def erase_texts(session: Session, account_ids: Sequence[UUID]) -> None:
    """Erase what is free text or evidence in the offers to or by some accounts, and the salts of both."""
    columns = ("message", "message_salt", "delivery_error", "grant_error", "notes")
    gone = {name: null() for name in columns}
    session.execute(update(Offer).where(_of(account_ids)).values(gone))
    offers = select(Offer.id).where(Offer.account_id.in_(account_ids))
    evidence = {"evidence": null(), "evidence_salt": None}
    session.execute(update(OfferEventRow).where(OfferEventRow.offer_id.in_(offers)).values(evidence))


def _of(account_ids: Sequence[UUID]) -> ColumnElement[bool]:
    return or_(Offer.account_id.in_(account_ids), Offer.reseller_id.in_(account_ids))


def offers_after(session: Session, after: UUID | None, limit: int) -> list[Offer]:
    """Return offers in the order of their ids, after one of them."""
    query = select(Offer).order_by(Offer.id).limit(limit)
    return list(session.scalars(query if after is None else query.where(Offer.id > after)))


AHEAD: Final = 100
DELIVERY_FACTS: Final = """
SELECT o.id, o.delivery_error AS error, a.suspended OR r.suspended AS suspended,
    EXISTS (SELECT FROM instances i WHERE i.account_id = o.account_id) AS connected,
    coalesce(q.paused OR q.held, false) OR coalesce(l.state = 'forced', false) AS paused,
    coalesce(l.state = 'open', false) AS down, l.held_since AS down_since, l.probe_at, l.last_error AS down_error,
    j.state AS job_state, j.run_at,
    (SELECT count(*) FROM (
        SELECT FROM jobs f WHERE f.lane = j.lane AND f.state <> 'dead' AND f.id < j.id LIMIT %(ahead)s) AS f) AS ahead
FROM offers o JOIN accounts a ON a.id = o.account_id JOIN accounts r ON r.id = o.reseller_id
LEFT JOIN jobs j ON j.id = o.delivery_job_id
LEFT JOIN lanes l ON l.name = j.lane
LEFT JOIN queues q ON q.name = j.queue
WHERE o.id = ANY(%(ids)s)
"""


def delivery_facts(session: Session, offer_ids: Sequence[UUID]) -> list[DeliveryFacts]:
    """Return what decides why each of these offers waits."""
    session.flush()
    with psycopg_connection(session).cursor(row_factory=class_row(DeliveryFacts)) as cursor:
        return cursor.execute(DELIVERY_FACTS, {"ids": list(offer_ids), "ahead": AHEAD}).fetchall()


EVENTS: Final = (
    select(OfferEventRow)
    .where(OfferEventRow.offer_id == any_(bindparam("ids", type_=ARRAY(Uuid))))
    .order_by(OfferEventRow.offer_id, OfferEventRow.number)
)


def events(session: Session, offer_ids: Iterable[UUID]) -> dict[UUID, list[OfferEventRow]]:
    """Return the events of each offer, oldest first; an empty list for an offer without events."""
    events_by_offer: dict[UUID, list[OfferEventRow]] = {offer_id: [] for offer_id in offer_ids}
    if not events_by_offer:
        return events_by_offer
    for row in session.scalars(EVENTS, {"ids": list(events_by_offer)}):
        events_by_offer[row.offer_id].append(row)
    return events_by_offer


def last_event(session: Session, offer_id: UUID) -> OfferEventRow | None:
    """Return the newest event of an offer."""
    query = (
        select(OfferEventRow).where(OfferEventRow.offer_id == offer_id).order_by(OfferEventRow.number.desc()).limit(1)
    )
    return session.scalar(query)


def accounts(session: Session, ids: Sequence[UUID]) -> dict[UUID, Account]:
    """Return accounts by id."""
    rows = session.scalars(select(Account).where(Account.id.in_(ids)))
    return {account.id: account for account in rows}


def get_template(session: Session, template_id: UUID, *, lock: bool = False) -> OfferTemplate | None:
    """Return one template; lock it before a change."""
    return session.get(OfferTemplate, template_id, with_for_update=lock or None, populate_existing=lock)


def by_name(session: Session, reseller_id: UUID, name: str) -> OfferTemplate | None:
    """Return a reseller's template with exactly this name."""
    query = select(OfferTemplate).where(OfferTemplate.reseller_id == reseller_id, OfferTemplate.name == name)
    return session.scalar(query)


def names_from(session: Session, reseller_id: UUID, stem: str) -> set[str]:
    """Return the names of a reseller's templates that begin with a text."""
    names = select(OfferTemplate.name).where(OfferTemplate.reseller_id == reseller_id)
    return set(session.scalars(names.where(OfferTemplate.name.startswith(stem, autoescape=True))))


def list_templates(session: Session, reseller_id: UUID | None, cursor: str | None, limit: int) -> Page[OfferTemplate]:
    """Return templates, newest first; those of all resellers if `reseller_id` is None. Raises Invalid."""
    query = select(OfferTemplate)
    if reseller_id is not None:
        query = query.where(OfferTemplate.reseller_id == reseller_id)
    return page_of(session, query, OfferTemplate.id, cursor, limit)


def delete(session: Session, template: OfferTemplate) -> None:
    """Delete a template; offers made from it lose the reference and keep their lines."""
    session.execute(update(Offer).where(Offer.template_id == template.id).values(template_id=None))
    session.delete(template)
    session.flush()
