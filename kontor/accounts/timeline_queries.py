"""Queries of account timelines, newest first; each source uses an index and is bounded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final, TypeVar
from uuid import UUID

from psycopg.rows import class_row
from sqlalchemy import ColumnElement, Select, or_, select, tuple_
from sqlalchemy.orm import Session, load_only

from kontor.kernel.database import PgConnection
from models.accounts import Account
from models.discounts import DiscountRecord
from models.fees import Charge
from models.licences import Grant
from models.mails import Mail
from models.offers import Offer
from models.orders import OrderRow
from models.payments import PaymentRow
from models.webhooks import DomainEvent

T = TypeVar("T")
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
class TimelineJob:
    """A job in a timeline; one with a lane is a call to an instance or webhook endpoint."""

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
    """Return an account, including purged ones."""
    return session.get(Account, account_id)


@dataclass(frozen=True, slots=True)
class AccountSearch:
    """Filter of accounts; None: any. `text`: part of a name or address, casefolded; `exact`: all of it."""

    text: str | None = None
    exact: bool = False
    programme: str | None = None
    kind: str | None = None
    reseller: UUID | None = None


def accounts(session: Session, search: AccountSearch, before: UUID | None, limit: int) -> list[Account]:
    """Return accounts, newest first, with ids below `before`."""
    query = select(Account).where(Account.purged_at.is_(None), *_conditions(search))
    if before is not None:
        query = query.where(Account.id < before)
    return list(session.scalars(query.order_by(Account.id.desc()).limit(limit)))


def _conditions(search: AccountSearch) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if search.programme is not None:
        conditions.append(Account.programme == search.programme)
    if search.kind is not None:
        conditions.append(Account.kind == search.kind)
    if search.reseller is not None:
        conditions.append(Account.reseller_id == search.reseller)
    if search.text is not None and search.exact:
        conditions.append(or_(Account.name_key == search.text, Account.email_key == search.text))
    elif search.text is not None:
        parts = (column.contains(search.text, autoescape=True) for column in (Account.name_key, Account.email_key))
        conditions.append(or_(*parts))
    return conditions


def events(session: Session, account_id: UUID, before: int | None, limit: int) -> list[DomainEvent]:
    """Return events of an account, and of its clients when it is a reseller."""
    query = select(DomainEvent).order_by(DomainEvent.seq.desc()).limit(limit)
    if before is not None:
        query = query.where(DomainEvent.seq < before)
    owners = (DomainEvent.account_id == account_id, DomainEvent.reseller_id == account_id)
    by_seq = {event.seq: event for event in _either(session, query, owners)}
    return [by_seq[seq] for seq in sorted(by_seq, reverse=True)[:limit]]


def mails(session: Session, account_id: UUID, before: UUID | None, limit: int) -> list[Mail]:
    """Return mails to an account and, in its name, to its clients, without their content."""
    shown = load_only(
        Mail.template, Mail.state, Mail.reason, Mail.subject, Mail.account_id, Mail.created_at, Mail.repeats
    )
    query = select(Mail).options(shown).order_by(Mail.id.desc()).limit(limit)
    if before is not None:
        query = query.where(Mail.id < before)
    owners = (Mail.account_id == account_id, Mail.reseller_id == account_id)
    by_id = {mail.id: mail for mail in _either(session, query, owners)}
    return [by_id[key] for key in sorted(by_id, reverse=True)[:limit]]


def offers(session: Session, account_id: UUID, before: UUID | None, limit: int) -> list[Offer]:
    """Return offers to an account or by it."""
    query = select(Offer).order_by(Offer.id.desc()).limit(limit)
    if before is not None:
        query = query.where(Offer.id < before)
    owners = (Offer.account_id == account_id, Offer.reseller_id == account_id)
    by_id = {offer.id: offer for offer in _either(session, query, owners)}
    return [by_id[key] for key in sorted(by_id, reverse=True)[:limit]]


def charges(session: Session, account_id: UUID, before: tuple[date, UUID] | None, limit: int) -> list[Charge]:
    """Return charges for an account or paid by it, latest period first."""
    query = select(Charge).order_by(Charge.period_start.desc(), Charge.id.desc()).limit(limit)
    if before is not None:
        query = query.where(tuple_(Charge.period_start, Charge.id) < before)
    owners = (Charge.account_id == account_id, Charge.reseller_id == account_id)
    by_key = {(charge.period_start, charge.id): charge for charge in _either(session, query, owners)}
    return [by_key[key] for key in sorted(by_key, reverse=True)[:limit]]


def payments(session: Session, account_id: UUID, before: UUID | None, limit: int) -> list[PaymentRow]:
    """Return payments, refunds and chargebacks of a reseller, latest arrival first."""
    query = select(PaymentRow).where(PaymentRow.reseller_id == account_id)
    if before is not None:
        query = query.where(PaymentRow.id < before)
    return list(session.scalars(query.order_by(PaymentRow.id.desc()).limit(limit)))


def orders(session: Session, account_id: UUID, before: UUID | None, limit: int) -> list[OrderRow]:
    """Return a reseller's orders, newest first."""
    query = select(OrderRow).where(OrderRow.reseller_id == account_id)
    if before is not None:
        query = query.where(OrderRow.id < before)
    return list(session.scalars(query.order_by(OrderRow.id.desc()).limit(limit)))


def discounts(session: Session, account_id: UUID, before: date | None, limit: int) -> list[DiscountRecord]:
    """Return the recorded changes of a reseller's discount, newest first."""
    query = select(DiscountRecord).where(DiscountRecord.reseller_id == account_id)
    if before is not None:
        query = query.where(DiscountRecord.day < before)
    return list(session.scalars(query.order_by(DiscountRecord.day.desc()).limit(limit)))


def jobs(driver: PgConnection, account_id: UUID, before: UUID | None, limit: int) -> list[TimelineJob]:
    """Return jobs of a reseller, unordered: up to `limit` unfinished or dead ones, and as many finished ones."""
    return _jobs(driver, JOBS, {"id": str(account_id), "before": before, "limit": limit})


def calls(driver: PgConnection, lane: str, before: UUID | None, limit: int) -> list[TimelineJob]:
    """Return calls of a lane, unordered; slow where many jobs are dead, so call it with a time limit."""
    return _jobs(driver, CALLS, {"lane": lane, "before": before, "limit": limit})


def _jobs(driver: PgConnection, statement: str, values: dict[str, Any]) -> list[TimelineJob]:
    with driver.cursor(row_factory=class_row(TimelineJob)) as cursor:
        return cursor.execute(statement, values, prepare=False).fetchall()


def grants(session: Session, offer_id: UUID) -> list[Grant]:
    """Return the grants of an accepted offer, by line."""
    return list(session.scalars(select(Grant).where(Grant.offer_id == offer_id).order_by(Grant.line_no)))


def offer_mails(session: Session, offer: Offer) -> list[Mail]:
    """Return mails about an offer, oldest first, among the first 500 to client and reseller since it was created."""
    rows: list[Mail] = []
    for account_id in (offer.account_id, offer.reseller_id):
        conditions = (Mail.account_id == account_id, Mail.id > offer.id)
        candidates = select(Mail.id, Mail.refs).where(*conditions).order_by(Mail.id).limit(MAILS_LOOKED_AT).subquery()
        ids = select(candidates.c.id).where(candidates.c.refs["offer_id"].astext == str(offer.id))
        rows += session.scalars(select(Mail).where(Mail.id.in_(ids)))
    return sorted(rows, key=lambda mail: mail.id)


def _either(session: Session, query: Select[T], owners: Sequence[ColumnElement[bool]]) -> list[T]:
    """Return the rows of each owner; separate queries, so that each uses its index."""
    return [row for owner in owners for row in session.scalars(query.where(owner))]
