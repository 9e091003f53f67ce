"""Queries on quota notices and on the copies a reseller gets per hour."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import exists, select, text, tuple_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from domain.quotas import Threshold
from models.accounts import Account
from models.quotas import QuotaHour, QuotaNotice
from models.usage import UsageDay

# The upsert locks the row to the end of the transaction, whether it is new or not.
LOCK_HOUR: Final = text(
    "INSERT INTO quota_hours AS h (reseller_id, hour) VALUES (:reseller_id, :hour)"
    " ON CONFLICT (reseller_id, hour) DO UPDATE SET copies = h.copies RETURNING copies, closed"
)


@dataclass(frozen=True, slots=True)
class Hour:
    """State of a reseller's clock hour, read under its lock."""

    copies: int
    closed: bool


def thresholds(session: Session, account_id: UUID, asked: Mapping[str, tuple[date, int]]) -> dict[str, list[Threshold]]:
    """Return the thresholds already notified; `asked` maps metrics to period start and limit."""
    notified: dict[str, list[Threshold]] = {metric: [] for metric in asked}
    keys = [(metric, start, limit) for metric, (start, limit) in asked.items()]
    row = tuple_(QuotaNotice.metric, QuotaNotice.period_start, QuotaNotice.allowed)
    query = select(QuotaNotice.metric, QuotaNotice.threshold).where(QuotaNotice.account_id == account_id, row.in_(keys))
    for metric, threshold in session.execute(query):
        notified[metric].append(Threshold(threshold))
    return notified


def add(session: Session, values: Mapping[str, Any]) -> bool:
    """Insert a notice; False if one exists for that account, metric, period, limit and threshold."""
    unique_columns = ["account_id", "metric", "period_start", "allowed", "threshold"]
    statement = insert(QuotaNotice).values(**values).on_conflict_do_nothing(index_elements=unique_columns)
    return session.scalar(statement.returning(QuotaNotice.id)) is not None


def untold(session: Session, notice_id: UUID) -> QuotaNotice | None:
    """Lock and return a notice whose mail was not posted yet."""
    query = select(QuotaNotice).where(QuotaNotice.id == notice_id, QuotaNotice.told_at.is_(None))
    locked = query.with_for_update().execution_options(populate_existing=True)
    return session.scalars(locked).one_or_none()


def lock_hour(session: Session, reseller_id: UUID, hour: datetime) -> Hour:
    """Lock a reseller's hour to the end of the transaction."""
    row = session.execute(LOCK_HOUR, {"reseller_id": reseller_id, "hour": hour}).one()
    return Hour(row[0], row[1])


def count_copy(session: Session, reseller_id: UUID, hour: datetime) -> None:
    """Count a copy in a locked hour."""
    _change(session, reseller_id, hour, {"copies": QuotaHour.copies + 1})


def close_hour(session: Session, reseller_id: UUID, hour: datetime) -> None:
    """Close a locked hour: it takes no further notices."""
    _change(session, reseller_id, hour, {"closed": True})


def _change(session: Session, reseller_id: UUID, hour: datetime, values: Mapping[str, Any]) -> None:
    conditions = (QuotaHour.reseller_id == reseller_id, QuotaHour.hour == hour)
    session.execute(update(QuotaHour).where(*conditions).values(**values))


def left_off(session: Session, reseller_id: UUID, hour: datetime) -> list[tuple[QuotaNotice, str]]:
    """Return the notices for an hour's digest, with the account's name, oldest first."""
    query = (
        select(QuotaNotice, Account.name)
        .join(Account, Account.id == QuotaNotice.account_id)
        .where(QuotaNotice.reseller_id == reseller_id, QuotaNotice.digest_hour == hour)
        .order_by(QuotaNotice.told_at, QuotaNotice.id)
    )
    return [(row[0], row[1]) for row in session.execute(query)]


def counted_accounts(session: Session, programme: str, after: UUID | None, limit: int) -> list[UUID]:
    """Return ids of accounts of a programme that have usage and are not deleted, in order."""
    counted = exists().where(UsageDay.account_id == Account.id)
    query = select(Account.id).where(Account.programme == programme, Account.deleted_at.is_(None), counted)
    if after is not None:
        query = query.where(Account.id > after)
    return list(session.scalars(query.order_by(Account.id).limit(limit)))
