"""SQL of lines of time: what happened to an account, newest first, each source by an index and bounded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from psycopg import Connection
from psycopg.rows import class_row
from sqlalchemy import ColumnElement, Select, or_, select, tuple_
from sqlalchemy.orm import Session, load_only

from models.accounts import Account
from models.discounts import DiscountRecord
from models.events import DomainEvent
from models.fees import Charge
from models.licences import Grant
from models.mails import Mail
from models.offers import Offer
from models.orders import OrderRow
from models.payments import PaymentRow

MAILS_LOOKED_AT: Final = 500
JOB: Final = "id, task, state, tenant, lane, attempt, reason, error ->> 'message' AS error, created_at, finished_at"
PAGE: Final = "AND (%(before)s::uuid IS NULL OR id < %(before)s) ORDER BY id DESC LIMIT %(limit)s"
JOBS: Final = f"""
(SELECT {JOB} FROM jobs WHERE tenant = %(id)s AND tenant <> '' {PAGE})
UNION ALL (SELECT {JOB} FROM jobs_archive WHERE tenant = %(id)s AND tenant <> '' {PAGE})
"""  # noqa: S608 -- constants
CALLS: Final = f"""
(SELECT {JOB} FROM jobs WHERE lane = %(lane)s AND state <> 'dead' {PAGE})
UNION ALL (SELECT {JOB} FROM jobs WHERE lane = %(lane)s AND state = 'dead' {PAGE})
UNION ALL (SELECT {JOB} FROM jobs_archive WHERE lane = %(lane)s {PAGE})
"""  # noqa: S608 -- constants


@dataclass(frozen=True, slots=True)
class JobLine:
    """A job in a line of time; one with a lane is a call to an instance or endpoint."""

    id: UUID
    task: str
    state: str
    tenant: str
    lane: str | None
    attempt: int
    reason: str | None
    error: str | None
    created_at: datetime
    finished_at: datetime | None


def account(session: Session, account_id: UUID) -> Account | None:
    """An account, also one that is finally deleted."""
    return session.get(Account, account_id)


@dataclass(frozen=True, slots=True)
class AccountSearch:
    """Which accounts; None: any. `text`, without case, is a part of a name or address; with `exact` the whole."""

    text: str | None = None
    exact: bool = False
    programme: str | None = None
    kind: str | None = None
    reseller: UUID | None = None


def accounts(session: Session, wanted: AccountSearch, before: UUID | None, limit: int) -> list[Account]:
    """Accounts, newest first, after the one with id `before`."""
    query = select(Account).where(Account.purged_at.is_(None), *_wanted(wanted))
    if before is not None:
        query = query.where(Account.id < before)
    return list(session.scalars(query.order_by(Account.id.desc()).limit(limit)))


def _wanted(wanted: AccountSearch) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if wanted.programme is not None:
        found.append(Account.programme == wanted.programme)
    if wanted.kind is not None:
        found.append(Account.kind == wanted.kind)
    if wanted.reseller is not None:
        found.append(Account.reseller_id == wanted.reseller)
    if wanted.text is not None and wanted.exact:
        found.append(or_(Account.name_key == wanted.text, Account.email_key == wanted.text))
    elif wanted.text is not None:
        parts = (column.contains(wanted.text, autoescape=True) for column in (Account.name_key, Account.email_key))
        found.append(or_(*parts))
    return found


def events(session: Session, account_id: UUID, before: int | None, limit: int) -> list[DomainEvent]:
    """Events of an account, and of its clients when it is a reseller."""
    query = select(DomainEvent).order_by(DomainEvent.seq.desc()).limit(limit)
    if before is not None:
        query = query.where(DomainEvent.seq < before)
    owners = (DomainEvent.account_id == account_id, DomainEvent.reseller_id == account_id)
    found = {one.seq: one for one in _either(session, query, owners)}
    return [found[seq] for seq in sorted(found, reverse=True)[:limit]]


def mails(session: Session, account_id: UUID, before: UUID | None, limit: int) -> list[Mail]:
    """Mails to an account, and in its name to its clients, without what they say."""
    shown = load_only(
        Mail.template, Mail.state, Mail.reason, Mail.subject, Mail.account_id, Mail.created_at, Mail.repeats
    )
    query = select(Mail).options(shown).order_by(Mail.id.desc()).limit(limit)
    if before is not None:
        query = query.where(Mail.id < before)
    owners = (Mail.account_id == account_id, Mail.reseller_id == account_id)
    found = {one.id: one for one in _either(session, query, owners)}
    return [found[key] for key in sorted(found, reverse=True)[:limit]]


def offers(session: Session, account_id: UUID, before: UUID | None, limit: int) -> list[Offer]:
    """Offers to an account or by it."""
    query = select(Offer).order_by(Offer.id.desc()).limit(limit)
    if before is not None:
        query = query.where(Offer.id < before)
    owners = (Offer.account_id == account_id, Offer.reseller_id == account_id)
    found = {one.id: one for one in _either(session, query, owners)}
    return [found[key] for key in sorted(found, reverse=True)[:limit]]


def charges(session: Session, account_id: UUID, before: tuple[date, UUID] | None, limit: int) -> list[Charge]:
    """Charges for an account or paid by it, the latest period first."""
    query = select(Charge).order_by(Charge.period_start.desc(), Charge.id.desc()).limit(limit)
    if before is not None:
        query = query.where(tuple_(Charge.period_start, Charge.id) < before)
    owners = (Charge.account_id == account_id, Charge.reseller_id == account_id)
    found = {(one.period_start, one.id): one for one in _either(session, query, owners)}
    return [found[key] for key in sorted(found, reverse=True)[:limit]]


def payments(session: Session, account_id: UUID, before: UUID | None, limit: int) -> list[PaymentRow]:
    """Payments, refunds and chargebacks of a reseller, by their arrival."""
    query = select(PaymentRow).where(PaymentRow.reseller_id == account_id)
    if before is not None:
        query = query.where(PaymentRow.id < before)
    return list(session.scalars(query.order_by(PaymentRow.id.desc()).limit(limit)))


def orders(session: Session, account_id: UUID, before: UUID | None, limit: int) -> list[OrderRow]:
    """Orders of a reseller."""
    query = select(OrderRow).where(OrderRow.reseller_id == account_id)
    if before is not None:
        query = query.where(OrderRow.id < before)
    return list(session.scalars(query.order_by(OrderRow.id.desc()).limit(limit)))


def discounts(session: Session, account_id: UUID, before: date | None, limit: int) -> list[DiscountRecord]:
    """What was recorded of a reseller's discount, each time that it differed."""
    query = select(DiscountRecord).where(DiscountRecord.reseller_id == account_id)
    if before is not None:
        query = query.where(DiscountRecord.day < before)
    return list(session.scalars(query.order_by(DiscountRecord.day.desc()).limit(limit)))


def jobs(driver: Connection[Any], account_id: UUID, before: UUID | None, limit: int) -> list[JobLine]:
    """Jobs of a reseller, up to `limit` that wait, run or are dead and as many that are finished, in no order."""
    return _jobs(driver, JOBS, {"id": str(account_id), "before": before, "limit": limit})


def calls(driver: Connection[Any], lane: str, before: UUID | None, limit: int) -> list[JobLine]:
    """Calls over a lane, likewise; the dead ones may take long where many jobs are dead: bound it."""
    return _jobs(driver, CALLS, {"lane": lane, "before": before, "limit": limit})


def _jobs(driver: Connection[Any], statement: str, values: dict[str, Any]) -> list[JobLine]:
    with driver.cursor(row_factory=class_row(JobLine)) as cursor:
        return cursor.execute(statement, values, prepare=False).fetchall()


def grants(session: Session, offer_id: UUID) -> list[Grant]:
    """What an accepted offer granted, line by line."""
    return list(session.scalars(select(Grant).where(Grant.offer_id == offer_id).order_by(Grant.line_no)))


def offer_mails(session: Session, offer: Offer) -> list[Mail]:
    """Mails about an offer, oldest first, among the first 500 that client and reseller got after it was made."""
    found: list[Mail] = []
    for account_id in (offer.account_id, offer.reseller_id):
        mine = (Mail.account_id == account_id, Mail.id > offer.id)
        looked = select(Mail.id, Mail.refs).where(*mine).order_by(Mail.id).limit(MAILS_LOOKED_AT).subquery()
        named = select(looked.c.id).where(looked.c.refs["offer_id"].astext == str(offer.id))
        found += session.scalars(select(Mail).where(Mail.id.in_(named)))
    return sorted(found, key=lambda mail: mail.id)


def _either(session: Session, query: Select[Any], owners: Sequence[ColumnElement[bool]]) -> list[Any]:
    """The rows of each owner, by an index of its own."""
    return [one for owner in owners for one in session.scalars(query.where(owner))]
