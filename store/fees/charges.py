"""Queries of charges."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final
from uuid import UUID

from pydantic_core import to_json
from sqlalchemy import exists, or_, select, text, tuple_
from sqlalchemy.orm import Session

from models.accounts import Account
from models.fees import Charge, FeeRun

COLUMNS: Final = (
    "id, run_id, programme, account_id, reseller_id, kind, product, period_start, period_end, currency,"
    " fee, percent, discount, total, how, created_at"
)
ADD: Final = text(
    f"INSERT INTO charges ({COLUMNS})"  # noqa: S608 -- constants
    f" SELECT {COLUMNS} FROM jsonb_populate_recordset(NULL::charges, CAST(:rows AS jsonb))"
    " ON CONFLICT (run_id, period_start) DO NOTHING RETURNING id"
)
"""A single parameter for any number of rows."""


@dataclass(frozen=True, slots=True)
class ChargeFilter:
    """Filter by payer (a reseller, or an account that pays itself) and days of `period_start`, both included."""

    reseller_id: UUID | None = None
    account_id: UUID | None = None
    first: date | None = None
    last: date | None = None


def add(session: Session, values: Sequence[Mapping[str, Any]]) -> set[UUID]:
    """Insert charges, skipping periods that were charged before; return the ids inserted."""
    return set(session.scalars(ADD, {"rows": to_json(values).decode()})) if values else set()


def by_id(session: Session, charge_id: UUID, *, lock: bool = False) -> Charge | None:
    """Return one charge, optionally locked."""
    return session.get(Charge, charge_id, with_for_update=lock or None, populate_existing=lock)


def page(session: Session, filters: ChargeFilter, after: tuple[date, UUID] | None, limit: int) -> list[Charge]:
    """Return charges by the first day of their period."""
    query = select(Charge).order_by(Charge.period_start, Charge.id).limit(limit)
    if filters.reseller_id is not None:
        query = query.where(Charge.reseller_id == filters.reseller_id)
    if filters.account_id is not None:
        query = query.where(Charge.account_id == filters.account_id, Charge.reseller_id.is_(None))
    if filters.first is not None:
        query = query.where(Charge.period_start >= filters.first)
    if filters.last is not None:
        query = query.where(Charge.period_start <= filters.last)
    if after is not None:
        query = query.where(tuple_(Charge.period_start, Charge.id) > after)
    return list(session.scalars(query))


def payers(session: Session, programme: str, first: date, end: date, after: UUID | None, limit: int) -> list[UUID]:
    """Return resellers with charges dated from `first` to before `end`, or with uncharged client runs before `end`."""
    charged = exists().where(
        Charge.reseller_id == Account.id,
        Charge.period_start >= first,
        Charge.period_start < end,
        Charge.voided_at.is_(None),
    )
    clients = select(Account.reseller_id).join(FeeRun, FeeRun.account_id == Account.id)
    uncharged = clients.where(FeeRun.programme == programme, FeeRun.next_start < end, ~FeeRun.ended)
    query = select(Account.id).where(Account.programme == programme, or_(charged, Account.id.in_(uncharged)))
    if after is not None:
        query = query.where(Account.id > after)
    return list(session.scalars(query.order_by(Account.id).limit(limit)))


def of_month(session: Session, reseller_id: UUID, first: date, end: date) -> list[tuple[Charge, str]]:
    """Return a reseller's charges of a month with the account names, sorted by name; without void charges."""
    conditions = (Charge.reseller_id == reseller_id, Charge.voided_at.is_(None))
    query = (
        select(Charge, Account.name)
        .join(Account, Account.id == Charge.account_id)
        .where(*conditions, Charge.period_start >= first, Charge.period_start < end)
    )
    rows = session.execute(query.order_by(Account.name_key, Charge.period_start, Charge.id))
    return [(charge, name) for charge, name in rows]
