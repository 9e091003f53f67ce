"""Queries of assignments, charges and fee runs."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Final
from uuid import UUID

from pydantic import JsonValue
from pydantic_core import to_json
from sqlalchemy import (
    ARRAY,
    CollectionAggregate,
    ColumnElement,
    Row,
    ScalarSelect,
    Select,
    Uuid,
    and_,
    any_,
    literal,
    or_,
    select,
    text,
    tuple_,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from models.accounts import Account
from models.fees import Charge, ChargeKind, FeeKind, FeeRun, ProductOverride

COLUMNS: Final = (
    "id, run_id, programme, account_id, reseller_id, kind, product, period_start, period_end, currency,"
    " fee, percent, discount, total, how, created_at, credits"
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


@dataclass(frozen=True, slots=True)
class NewCharge:
    """The columns of a charge; `how` is how it was computed. A credit has no run but the charge that it `credits`."""

    id: UUID
    run_id: UUID | None
    programme: str
    account_id: UUID
    reseller_id: UUID | None
    kind: str
    product: str
    period_start: date
    period_end: date
    currency: str
    fee: Decimal
    percent: Decimal
    discount: Decimal
    total: Decimal
    how: Mapping[str, JsonValue]
    created_at: datetime
    credits: UUID | None = None


def add(session: Session, charges: Sequence[NewCharge]) -> set[UUID]:
    """Insert charges, skipping periods that were charged before; return the ids inserted."""
    return set(session.scalars(ADD, {"rows": to_json(charges).decode()})) if charges else set()


def by_id(session: Session, charge_id: UUID, *, lock: bool = False) -> Charge | None:
    """Return one charge, optionally locked."""
    return session.get(Charge, charge_id, with_for_update=lock or None, populate_existing=lock)


def last_plan_payer(session: Session, account_id: UUID) -> UUID | None:
    """Return the reseller that paid for the last period of an account's plan; None: the account, or nobody."""
    query = select(Charge.reseller_id).where(Charge.account_id == account_id, Charge.kind == ChargeKind.PLAN.value)
    return session.scalar(query.order_by(Charge.period_start.desc(), Charge.id.desc()).limit(1))


def last_charge(session: Session, run: FeeRun) -> Charge | None:
    """Return the charge of a run's last period."""
    query = select(Charge).where(Charge.run_id == run.id).order_by(Charge.period_start.desc()).limit(1)
    return session.scalars(query).first()


def lock_unused(session: Session, run: FeeRun, day: date) -> list[Charge]:
    """Return the charges of a run whose periods end after a day, locked, oldest first; without void ones."""
    query = select(Charge).where(Charge.run_id == run.id, Charge.period_end > day, Charge.voided_at.is_(None))
    locked = query.order_by(Charge.period_start).with_for_update()
    return list(session.scalars(locked.execution_options(populate_existing=True)))


def credit_of(session: Session, charge_id: UUID) -> Charge | None:
    """Return the credit of a charge."""
    return session.scalars(select(Charge).where(Charge.credits == charge_id)).one_or_none()


def lock_credit(session: Session, charge_id: UUID) -> Charge | None:
    """Return the credit of a charge, locked."""
    query = select(Charge).where(Charge.credits == charge_id).with_for_update()
    return session.scalars(query.execution_options(populate_existing=True)).one_or_none()


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


def edits_of(session: Session, programme: str, reseller_id: UUID) -> dict[str, ProductOverride]:
    """Return a reseller's edits by product."""
    query = select(ProductOverride).where(
        ProductOverride.programme == programme, ProductOverride.reseller_id == reseller_id
    )
    return {edit.product: edit for edit in session.scalars(query.execution_options(populate_existing=True))}


def upsert(
    session: Session, programme: str, product: str, reseller_id: UUID, changes: Mapping[str, object], now: datetime
) -> None:
    """Set the fields in `changes`; other fields keep their values."""
    keys = {"programme": programme, "product": product, "reseller_id": reseller_id}
    statement = insert(ProductOverride).values(**keys, **changes, updated_at=now)
    key_columns = ["programme", "product", "reseller_id"]
    session.execute(statement.on_conflict_do_update(index_elements=key_columns, set_={**changes, "updated_at": now}))


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
class RunPosition:
    """A position in the order in which due runs are charged."""

    day: date
    run_id: UUID


@dataclass(frozen=True, slots=True)
class RunOwner:
    """The account of a run and its payer: the reseller, or otherwise the account itself."""

    account_id: UUID
    reseller_id: UUID | None
    active: bool


def range_starts(session: Session, programme: str, today: date, size: int) -> list[RunPosition]:
    """Return the first position of every group of `size` due runs of a programme."""
    rows = session.execute(STARTS, {"programme": programme, "today": today, "size": size})
    return [RunPosition(day, run_id) for day, run_id in rows]


def due_of_reseller(session: Session, reseller_id: UUID, today: date) -> Sequence[Row[UUID, UUID, UUID | None]]:
    """Return (run, account, reseller) of the due runs of a reseller's clients, without locks."""
    query = (
        select(FeeRun.id, FeeRun.account_id, Account.reseller_id)
        .join(Account, Account.id == FeeRun.account_id)
        .where(Account.reseller_id == reseller_id, FeeRun.next_start <= today, OPEN)
    )
    return session.execute(query).all()


def lock_accounts(session: Session, ids: Collection[UUID], resellers: Collection[UUID]) -> dict[UUID, RunOwner]:
    """Lock the resellers' rows against deletion, then the accounts' rows, each in the order of ids."""
    payers = select(Account.id).where(Account.id == any_of(resellers)).order_by(Account.id)
    session.execute(payers.with_for_update(read=True, key_share=True))
    query = select(Account.id, Account.reseller_id, Account.deleted_at).where(Account.id == any_of(ids))
    rows = session.execute(query.order_by(Account.id).with_for_update())
    return {row.id: RunOwner(row.id, row.reseller_id, row.deleted_at is None) for row in rows}


def lock_due(session: Session, ids: Collection[UUID], today: date) -> list[FeeRun]:
    """Return those of the runs that are still due, locked; lock their accounts first."""
    query = select(FeeRun).where(FeeRun.id == any_of(ids), FeeRun.next_start <= today, OPEN)
    return _locked(session, query.order_by(FeeRun.id))


def lock_open(session: Session, account_ids: Collection[UUID]) -> list[FeeRun]:
    """Return all runs of accounts that have not ended, locked, oldest first; lock the accounts first."""
    return _locked(session, select(FeeRun).where(FeeRun.account_id == any_of(account_ids), OPEN).order_by(FeeRun.id))


def any_of(ids: Collection[UUID]) -> CollectionAggregate[bool]:
    """Build `= ANY(ids)` with a single parameter for any number of ids."""
    return any_(literal(list(ids), ARRAY(Uuid())))


def _locked(session: Session, query: Select[FeeRun]) -> list[FeeRun]:
    return list(session.scalars(query.with_for_update().execution_options(populate_existing=True)))


def payer_of_run() -> ScalarSelect[UUID | None]:
    """Select the reseller that paid a run's last period, whose run it is; null: the account itself."""
    last = select(Charge.reseller_id).where(Charge.run_id == FeeRun.id).order_by(Charge.period_start.desc())
    return last.limit(1).correlate(FeeRun).scalar_subquery()


def payers_of(session: Session, runs: Collection[FeeRun]) -> dict[UUID, UUID | None]:
    """Return who paid the last period of each run, by its id."""
    query = select(FeeRun.id, payer_of_run()).where(FeeRun.id == any_of([run.id for run in runs]))
    return {run_id: payer for run_id, payer in session.execute(query)}  # noqa: C416 -- mypy does not accept rows as pairs


def active_runs(session: Session, account_id: UUID, kind: FeeKind, day: date) -> list[FeeRun]:
    """Return an account's active runs on a day, by code, without locks."""
    query = select(FeeRun).where(FeeRun.account_id == account_id, FeeRun.kind == kind.value, OPEN, active_on(day))
    return list(session.scalars(query.order_by(FeeRun.code)))


def active_on(day: date) -> ColumnElement[bool]:
    """Build the condition for runs without an end or with an end after that day."""
    return or_(FeeRun.until.is_(None), FeeRun.until > day)


def assigned_elsewhere(
    session: Session, reseller_id: UUID, products: Collection[str], account_id: UUID, day: date
) -> bool:
    """Whether another client of the reseller has one of these products."""
    others = and_(Account.reseller_id == reseller_id, Account.id != account_id)
    query = (
        select(FeeRun.id)
        .join(Account, Account.id == FeeRun.account_id)
        .where(others, FeeRun.kind == FeeKind.PRODUCT.value, FeeRun.code.in_(products), OPEN, active_on(day))
        .where(payer_of_run() == reseller_id)
        .limit(1)
    )
    return session.execute(query).first() is not None


def in_use(session: Session, programme: str, kind: FeeKind, codes: Collection[str]) -> list[str]:
    """Return those of the plans or products that an account has, or will have as its next plan."""
    conditions = and_(FeeRun.programme == programme, FeeRun.kind == kind.value, OPEN)
    current = select(FeeRun.code.label("code")).where(conditions, FeeRun.code.in_(codes))
    following = select(FeeRun.then_plan.label("code")).where(conditions, FeeRun.then_plan.in_(codes))
    return sorted(set(session.scalars(current.union(following))))
