"""Queries of monthly fee runs."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    CollectionAggregate,
    ColumnElement,
    Row,
    Uuid,
    and_,
    any_,
    literal,
    or_,
    select,
    text,
    tuple_,
)
from sqlalchemy.orm import Session

from models.accounts import Account
from models.fees import FeeKind, FeeRun

OPEN = ~FeeRun.ended
"""Written like the condition of the partial indexes; `IS false` would not match them."""
STARTS = text(
    "SELECT next_start, id FROM ("
    " SELECT next_start, id, row_number() OVER (ORDER BY next_start, id) AS n FROM fee_runs"
    " WHERE programme = :programme AND next_start <= :today AND NOT ended) AS due"
    " WHERE n % :size = 1 ORDER BY n"
)
"""The start of each range of due runs; `size` must be above 1."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A position in the order in which due runs are charged."""

    day: date
    run_id: UUID


@dataclass(frozen=True, slots=True)
class Holder:
    """The account of a run and its payer: the reseller, or otherwise the account itself."""

    account_id: UUID
    reseller_id: UUID | None
    active: bool


def range_starts(session: Session, programme: str, today: date, size: int) -> list[Mark]:
    """Return the first position of every group of `size` due runs of a programme."""
    rows = session.execute(STARTS, {"programme": programme, "today": today, "size": size})
    return [Mark(day, run_id) for day, run_id in rows]


def due(
    session: Session, programme: str, today: date, first: Mark, before: Mark | None
) -> Sequence[Row[UUID, UUID, UUID | None]]:
    """Return (run, account, reseller) of the due runs from `first` to before `before`, without locks."""
    position = tuple_(FeeRun.next_start, FeeRun.id)
    query = (
        select(FeeRun.id, FeeRun.account_id, Account.reseller_id)
        .join(Account, Account.id == FeeRun.account_id)
        .where(FeeRun.programme == programme, FeeRun.next_start <= today, OPEN)
        .where(position >= (first.day, first.run_id))
    )
    if before is not None:
        query = query.where(position < (before.day, before.run_id))
    return session.execute(query).all()


def due_of_reseller(session: Session, reseller_id: UUID, today: date) -> Sequence[Row[UUID, UUID, UUID | None]]:
    """Return the same as `due` for all clients of a reseller."""
    query = (
        select(FeeRun.id, FeeRun.account_id, Account.reseller_id)
        .join(Account, Account.id == FeeRun.account_id)
        .where(Account.reseller_id == reseller_id, FeeRun.next_start <= today, OPEN)
    )
    return session.execute(query).all()


def hold_accounts(session: Session, ids: Collection[UUID], resellers: Collection[UUID]) -> dict[UUID, Holder]:
    """Lock the resellers' rows against deletion, then the accounts' rows, each in the order of ids."""
    payers = select(Account.id).where(Account.id == among(resellers)).order_by(Account.id)
    session.execute(payers.with_for_update(read=True, key_share=True))
    query = select(Account.id, Account.reseller_id, Account.deleted_at).where(Account.id == among(ids))
    rows = session.execute(query.order_by(Account.id).with_for_update())
    return {row.id: Holder(row.id, row.reseller_id, row.deleted_at is None) for row in rows}


def still_due(session: Session, ids: Collection[UUID], today: date) -> list[FeeRun]:
    """Return those of the runs that are still due, locked; lock their accounts first."""
    query = select(FeeRun).where(FeeRun.id == among(ids), FeeRun.next_start <= today, OPEN)
    return _locked(session, query.order_by(FeeRun.id))


def open_of(session: Session, account_ids: Collection[UUID]) -> list[FeeRun]:
    """Return all runs of accounts that have not ended, locked, oldest first; lock the accounts first."""
    return _locked(session, select(FeeRun).where(FeeRun.account_id == among(account_ids), OPEN).order_by(FeeRun.id))


def among(ids: Collection[UUID]) -> CollectionAggregate[bool]:
    """Build `= ANY(ids)` with a single parameter for any number of ids."""
    return any_(literal(list(ids), ARRAY(Uuid())))


def _locked(session: Session, query: Any) -> list[FeeRun]:
    return list(session.scalars(query.with_for_update().execution_options(populate_existing=True)))


def running(session: Session, account_id: UUID, kind: FeeKind, day: date) -> list[FeeRun]:
    """Return an account's active runs on a day, by code, without locks."""
    query = select(FeeRun).where(FeeRun.account_id == account_id, FeeRun.kind == kind.value, OPEN, lasts(day))
    return list(session.scalars(query.order_by(FeeRun.code)))


def lasts(day: date) -> ColumnElement[bool]:
    """Build the condition for runs without an end or with an end after that day."""
    return or_(FeeRun.until.is_(None), FeeRun.until > day)


def plan_on(session: Session, account_id: UUID, day: date) -> FeeRun | None:
    """Return the run of the paid plan on a day, including past days."""
    conditions = (FeeRun.account_id == account_id, FeeRun.kind == FeeKind.PLAN.value, FeeRun.since <= day)
    latest = select(FeeRun).where(*conditions).order_by(FeeRun.since.desc(), FeeRun.id.desc()).limit(1)
    run = session.scalars(latest).one_or_none()
    return run if run is not None and (run.until is None or day < run.until) else None


def assigned_elsewhere(
    session: Session, reseller_id: UUID, products: Collection[str], account_id: UUID, day: date
) -> bool:
    """Whether another client of the reseller has one of these products."""
    others = and_(Account.reseller_id == reseller_id, Account.id != account_id)
    query = (
        select(FeeRun.id)
        .join(Account, Account.id == FeeRun.account_id)
        .where(others, FeeRun.kind == FeeKind.PRODUCT.value, FeeRun.code.in_(products), OPEN, lasts(day))
        .limit(1)
    )
    return session.execute(query).first() is not None


def in_use(session: Session, programme: str, kind: FeeKind, codes: Collection[str]) -> list[str]:
    """Return those of the plans or products that an account has, or will have as its next plan."""
    conditions = and_(FeeRun.programme == programme, FeeRun.kind == kind.value, OPEN)
    current = select(FeeRun.code.label("code")).where(conditions, FeeRun.code.in_(codes))
    following = select(FeeRun.then_plan.label("code")).where(conditions, FeeRun.then_plan.in_(codes))
    return sorted(set(session.scalars(current.union(following))))
