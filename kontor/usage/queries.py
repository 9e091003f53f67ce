"""Queries of usage and quota notices; a report costs the same however many came before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final
from uuid import UUID

from sqlalchemy import exists, or_, select, text, tuple_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from kontor.kernel.states import Threshold
from models.accounts import Account
from models.fees import FeeKind, FeeRun
from models.usage import QuotaHour, QuotaNotice, UsageDay

ADD: Final = text(
    "INSERT INTO usage_reports (account_id, metric, kind, amount, at, report_id, received_at)"
    " VALUES (:account_id, :metric, :kind, :amount, :at, :report_id, :received_at)"
    " ON CONFLICT (account_id, report_id) WHERE report_id IS NOT NULL DO NOTHING RETURNING seq"
)
ADD_DELTA: Final = text(
    "INSERT INTO usage_days AS d (account_id, metric, day, deltas, after_level)"
    " VALUES (:account_id, :metric, :day, :amount, :amount)"
    " ON CONFLICT (account_id, metric, day) DO UPDATE SET deltas = d.deltas + excluded.deltas,"
    "  after_level = d.after_level + CASE WHEN d.level_seq IS NULL"
    "   OR (CAST(:at AS timestamptz), CAST(:seq AS bigint)) > (d.level_at, d.level_seq)"
    "   THEN excluded.deltas ELSE 0 END"
)
# Only the last level of a day counts. A level that arrives late adds the deltas after it on that day.
SET_LEVEL: Final = text(
    "INSERT INTO usage_days AS d (account_id, metric, day, level, level_at, level_seq)"
    " VALUES (:account_id, :metric, :day, :amount, :at, :seq)"
    " ON CONFLICT (account_id, metric, day) DO UPDATE SET level = excluded.level,"
    "  level_at = excluded.level_at, level_seq = excluded.level_seq,"
    "  after_level = (SELECT coalesce(sum(r.amount), 0) FROM usage_reports AS r"
    "   WHERE r.account_id = d.account_id AND r.metric = d.metric AND r.kind = 'delta'"
    "   AND r.at < :day_end AND (r.at, r.seq) > (excluded.level_at, excluded.level_seq))"
    " WHERE d.level_seq IS NULL OR (d.level_at, d.level_seq) < (excluded.level_at, excluded.level_seq)"
)
# Joined to w (account_id, metric, first, until): the last level before the end, and the deltas since.
SINCE: Final = (
    " LEFT JOIN LATERAL (SELECT u.day, u.level FROM usage_days AS u"
    "  WHERE u.account_id = w.account_id AND u.metric = w.metric AND u.day < w.until"
    "  AND u.level_seq IS NOT NULL ORDER BY u.day DESC LIMIT 1) AS l ON true"
    " LEFT JOIN LATERAL (SELECT sum(CASE WHEN u.day = l.day THEN u.after_level ELSE u.deltas END) AS total"
    "  FROM usage_days AS u WHERE u.account_id = w.account_id AND u.metric = w.metric"
    "  AND u.day >= greatest(w.first, l.day) AND u.day < w.until) AS d ON true"
)
USED: Final = "(coalesce(l.level, 0) + coalesce(d.total, 0))::bigint"
READ: Final = text(
    f"SELECT w.account_id, w.metric, {USED}, l.day IS NOT NULL"  # noqa: S608 -- constants
    " FROM unnest(CAST(:accounts AS uuid[]), CAST(:metrics AS text[]), CAST(:starts AS date[]),"
    f"  CAST(:ends AS date[])) AS w (account_id, metric, first, until){SINCE}"
)
# At most what READ would say for a period that begins on `first` or later.
MAY_EXCEED: Final = """EXISTS (
 SELECT FROM unnest(CAST(:plans AS text[]), CAST(:metrics AS text[]), CAST(:limits AS bigint[]))
  AS w (plan, metric, allowed)
 CROSS JOIN LATERAL (SELECT max(u.level) AS level, sum(greatest(u.deltas, u.after_level, 0)) AS total
  FROM usage_days AS u WHERE u.account_id = a.id AND u.metric = w.metric AND u.day >= :first) AS d
 WHERE w.plan = CASE WHEN a.plan = ANY(CAST(:known_plans AS text[])) THEN a.plan ELSE :free_plan END
 AND coalesce(d.level, (SELECT u.level FROM usage_days AS u WHERE u.account_id = a.id AND u.metric = w.metric
  AND u.level_seq IS NOT NULL ORDER BY u.day DESC LIMIT 1), 0) + coalesce(d.total, 0) > w.allowed)
"""
"""Whether `a`, an account with `id` and `plan`, may use more than a limit of its plan: true of all that do.

The highest level since `first` is at least the last one; an older one is looked for only where there is none.
"""


@dataclass(frozen=True, slots=True)
class UsageReportValues:
    """A report to store; `day` is the local day of `at`, `day_end` its exclusive end (UTC)."""

    account_id: UUID
    metric: str
    kind: str
    amount: int
    at: datetime
    day: date
    day_end: datetime
    report_id: str | None
    received_at: datetime


@dataclass(frozen=True, slots=True)
class UsageQuery:
    """One metric of one account in the local days from `start` to before `end`."""

    account_id: UUID
    metric: str
    start: date
    end: date


@dataclass(frozen=True, slots=True)
class Reading:
    """Usage of a metric; `carried`: it includes a level, which a new period does not reset."""

    value: int
    carried: bool


def add(session: Session, new: UsageReportValues) -> bool:
    """Insert a report and add it to its day; False for a known `report_id`. The caller locks the account."""
    values = {
        "account_id": new.account_id,
        "metric": new.metric,
        "kind": new.kind,
        "amount": new.amount,
        "at": new.at,
    }
    report = values | {"report_id": new.report_id, "received_at": new.received_at}
    seq = session.execute(ADD, report).scalar()
    if seq is None:
        return False
    if new.kind == "delta":
        day = values | {"day": new.day, "seq": seq}
        session.execute(ADD_DELTA, {name: day[name] for name in day if name != "kind"})
    else:
        level = values | {"day": new.day, "seq": seq, "day_end": new.day_end}
        session.execute(SET_LEVEL, {name: level[name] for name in level if name != "kind"})
    return True


def read_usage(session: Session, queries: Sequence[UsageQuery]) -> dict[tuple[UUID, str], Reading]:
    """Return the usage by (account, metric), in one query."""
    if not queries:
        return {}
    columns = {
        "accounts": [query.account_id for query in queries],
        "metrics": [query.metric for query in queries],
        "starts": [query.start for query in queries],
        "ends": [query.end for query in queries],
    }
    rows = session.execute(READ, columns)
    return {(row[0], row[1]): Reading(row[2], row[3]) for row in rows}


def anchors(session: Session, account_ids: Sequence[UUID], today: date) -> dict[UUID, date]:
    """Return the anchor day, by account, of each paid plan that runs on a local day."""
    runs_on = or_(FeeRun.until.is_(None), FeeRun.until > today, FeeRun.then_plan.is_not(None))
    query = select(FeeRun.account_id, FeeRun.anchor).where(
        FeeRun.account_id.in_(account_ids), FeeRun.kind == FeeKind.PLAN, ~FeeRun.ended, runs_on
    )
    return {row[0]: row[1] for row in session.execute(query)}


# The upsert locks the row to the end of the transaction, whether it is new or not.
LOCK_HOUR: Final = text(
    "INSERT INTO quota_hours AS h (reseller_id, hour) VALUES (:reseller_id, :hour)"
    " ON CONFLICT (reseller_id, hour) DO UPDATE SET copies = h.copies RETURNING copies, closed"
)


@dataclass(frozen=True, slots=True)
class CopyHour:
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


def add_quota_mail(session: Session, values: Mapping[str, object]) -> bool:
    """Insert a notice; False if one exists for that account, metric, period, limit and threshold."""
    unique_columns = ["account_id", "metric", "period_start", "allowed", "threshold"]
    statement = insert(QuotaNotice).values(**values).on_conflict_do_nothing(index_elements=unique_columns)
    return session.scalar(statement.returning(QuotaNotice.id)) is not None


def lock_unmailed(session: Session, notice_id: UUID) -> QuotaNotice | None:
    """Lock and return a notice whose mail was not posted yet."""
    query = select(QuotaNotice).where(QuotaNotice.id == notice_id, QuotaNotice.told_at.is_(None))
    locked = query.with_for_update().execution_options(populate_existing=True)
    return session.scalars(locked).one_or_none()


def lock_hour(session: Session, reseller_id: UUID, hour: datetime) -> CopyHour:
    """Lock a reseller's hour to the end of the transaction."""
    row = session.execute(LOCK_HOUR, {"reseller_id": reseller_id, "hour": hour}).one()
    return CopyHour(row[0], row[1])


def count_copy(session: Session, reseller_id: UUID, hour: datetime) -> None:
    """Count a copy in a locked hour."""
    _change(session, reseller_id, hour, {"copies": QuotaHour.copies + 1})


def close_hour(session: Session, reseller_id: UUID, hour: datetime) -> None:
    """Close a locked hour: it takes no further notices."""
    _change(session, reseller_id, hour, {"closed": True})


def _change(session: Session, reseller_id: UUID, hour: datetime, values: Mapping[str, object]) -> None:
    conditions = (QuotaHour.reseller_id == reseller_id, QuotaHour.hour == hour)
    session.execute(update(QuotaHour).where(*conditions).values(**values))


def digest_notices(session: Session, reseller_id: UUID, hour: datetime) -> list[tuple[QuotaNotice, str]]:
    """Return the notices for an hour's digest, with the account's name, oldest first."""
    query = (
        select(QuotaNotice, Account.name)
        .join(Account, Account.id == QuotaNotice.account_id)
        .where(QuotaNotice.reseller_id == reseller_id, QuotaNotice.digest_hour == hour)
        .order_by(QuotaNotice.told_at, QuotaNotice.id)
    )
    return [(row[0], row[1]) for row in session.execute(query)]


def accounts_with_usage(session: Session, programme: str, after: UUID | None, limit: int) -> list[UUID]:
    """Return ids of accounts of a programme that have usage and are not deleted, in order."""
    counted = exists().where(UsageDay.account_id == Account.id)
    query = select(Account.id).where(Account.programme == programme, Account.deleted_at.is_(None), counted)
    if after is not None:
        query = query.where(Account.id > after)
    return list(session.scalars(query.order_by(Account.id).limit(limit)))
