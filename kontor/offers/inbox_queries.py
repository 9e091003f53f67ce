"""Queries of the offers that a customer's admin sees: what awaits a decision, and what was decided."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, DateTime, Executable, Select, Uuid, bindparam, func, or_, select, true, union_all
from sqlalchemy.orm import Session

from kontor.kernel.paging import Page, page_of, paginate
from kontor.kernel.states import OfferState
from kontor.offers import queries
from models.offers import Offer

DECIDED: Final = Offer.state.in_([OfferState.ACCEPTED.value, OfferState.REJECTED.value])


def to_decide(account_id: UUID, now: datetime, reseller_id: UUID | None = None) -> Select[Offer]:
    """Select the offers that await a decision by the account's admin; with `reseller_id` only that one's."""
    waiting = queries.state_condition(OfferState.WAITING_FOR_CONFIRMATION, now)
    return select(Offer).where(Offer.account_id == account_id, waiting, _sent_by(reseller_id))


def _sent_by(reseller_id: UUID | None) -> ColumnElement[bool]:
    return true() if reseller_id is None else Offer.reseller_id == reseller_id


def count_to_decide(session: Session, account_id: UUID, now: datetime, reseller_id: UUID | None = None) -> int:
    """Return the number of offers that await a decision by the account's admin."""
    query = to_decide(account_id, now, reseller_id).with_only_columns(func.count())
    return session.scalar(query) or 0


def page_to_decide(
    session: Session, account_id: UUID, now: datetime, cursor: str | None, limit: int, reseller_id: UUID | None = None
) -> Page[Offer]:
    """Return the offers that await a decision by the account's admin, newest first. Raises Invalid."""
    return page_of(session, to_decide(account_id, now, reseller_id), Offer.id, cursor, limit)


def decided(session: Session, account_id: UUID, limit: int, reseller_id: UUID | None = None) -> list[Offer]:
    """Return the last accepted or rejected offers, latest decision first."""
    query = (
        select(Offer)
        .where(Offer.account_id == account_id, DECIDED, _sent_by(reseller_id))
        .order_by(Offer.decided_at.desc(), Offer.id.desc())
        .limit(limit)
    )
    return list(session.scalars(query))


def _first_page() -> Executable:
    """Build the statement once, because it runs for every look at the inbox."""
    account_id, reseller_id = bindparam("account_id", type_=Uuid), bindparam("reseller_id", type_=Uuid)
    mine = (Offer.account_id == account_id, or_(reseller_id.is_(None), Offer.reseller_id == reseller_id))
    now = bindparam("now", type_=DateTime(timezone=True))
    awaited = queries.state_condition(OfferState.WAITING_FOR_CONFIRMATION, now)
    waiting = select(Offer).where(*mine, awaited).order_by(Offer.id.desc()).limit(bindparam("most_waiting"))
    latest = select(Offer).where(*mine, DECIDED).order_by(Offer.decided_at.desc(), Offer.id.desc())
    return select(Offer).from_statement(union_all(waiting, latest.limit(bindparam("most_decided"))))


FIRST_PAGE: Final = _first_page()


def first_page(
    session: Session, account_id: UUID, now: datetime, limit: int, most_decided: int, reseller_id: UUID | None = None
) -> tuple[Page[Offer], list[Offer]]:
    """Return the first page of `page_to_decide`, and what `decided` returns, by one statement."""
    params = {"account_id": account_id, "reseller_id": reseller_id, "now": now}
    limits = {"most_waiting": limit + 1, "most_decided": most_decided}
    rows: Sequence[Offer] = session.scalars(FIRST_PAGE, {**params, **limits}).all()
    waiting = [row for row in rows if row.state == OfferState.WAITING_FOR_CONFIRMATION]
    waiting.sort(key=lambda row: row.id, reverse=True)
    closed = [row for row in rows if row.state != OfferState.WAITING_FOR_CONFIRMATION]
    closed.sort(key=lambda row: (row.decided_at or now, row.id), reverse=True)
    return paginate(waiting, limit, lambda row: str(row.id)), closed
