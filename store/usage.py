"""Queries on usage; the cost of a report does not depend on the number of earlier ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

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


@dataclass(frozen=True, slots=True)
class NewReport:
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
class Asked:
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


def add(session: Session, new: NewReport) -> bool:
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


def read(session: Session, queries: Sequence[Asked]) -> dict[tuple[UUID, str], Reading]:
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
