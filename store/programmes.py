"""Queries of applied programmes."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.accounts import Account
from models.fees import Charge
from models.orders import OrderRow
from models.payments import PaymentRow
from models.programmes import ProgrammeRow


def by_code(session: Session, code: str, *, lock: bool = False) -> ProgrammeRow | None:
    """Return one programme, refreshed from the database."""
    query = select(ProgrammeRow).where(ProgrammeRow.code == code)
    if lock:
        query = query.with_for_update()
    fresh = query.execution_options(populate_existing=True)
    return session.scalars(fresh).one_or_none()


def digest(session: Session, code: str) -> str | None:
    """Return the digest of the applied document."""
    return session.scalar(select(ProgrammeRow.digest).where(ProgrammeRow.code == code))


def first_code(session: Session) -> str | None:
    """Return the first code in alphabetical order."""
    return session.scalar(select(ProgrammeRow.code).order_by(ProgrammeRow.code).limit(1))


def listed(session: Session) -> list[ProgrammeRow]:
    """Return all programmes, by code."""
    return list(session.scalars(select(ProgrammeRow).order_by(ProgrammeRow.code)))


def plans_in_use(session: Session, code: str, plans: Iterable[str]) -> list[str]:
    """Return those of the plans that an account of the programme is on."""
    query = select(Account.plan).where(Account.programme == code, Account.plan.in_(list(plans)))
    return sorted(session.scalars(query.where(Account.purged_at.is_(None)).distinct()))


def has_books(session: Session, code: str) -> bool:
    """Whether the programme has a payment, an order or a charge."""
    paid = select(PaymentRow.id).join(Account, Account.id == PaymentRow.reseller_id).where(Account.programme == code)
    ordered = select(OrderRow.id).where(OrderRow.programme == code)
    charged = select(Charge.id).where(Charge.programme == code)
    return bool(session.scalar(select(paid.exists() | ordered.exists() | charged.exists())))
