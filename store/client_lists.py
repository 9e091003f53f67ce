"""Export query of a reseller's clients: one statement, one snapshot, copied to a file by the server."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import IO, Any, Final
from uuid import UUID

from psycopg import Connection

from store.usage import SINCE, USED

INSTANT: Final = '\'YYYY-MM-DD"T"HH24:MI:SS.US"Z"\''
# The paid period that contains a day, as in domain.periods: months from the anchor, clamped to the month's end.
PERIOD: Final = """
 LEFT JOIN LATERAL (
  SELECT f.anchor FROM fee_runs AS f
  WHERE %(paid_periods)s AND f.account_id = a.id AND f.kind = 'plan' AND NOT f.ended
   AND (f.until IS NULL OR f.until > %(today)s OR f.then_plan IS NOT NULL)
 ) AS f ON true
 CROSS JOIN LATERAL (
  SELECT ((extract(year FROM %(today)s::date) - extract(year FROM f.anchor)) * 12
   + extract(month FROM %(today)s::date) - extract(month FROM f.anchor))::int AS months
 ) AS m
 CROSS JOIN LATERAL (
  SELECT m.months - (f.anchor + make_interval(months => m.months) > %(today)s)::int AS n
 ) AS p
 CROSS JOIN LATERAL (
  SELECT coalesce((f.anchor + make_interval(months => p.n))::date, %(first)s) AS first,
   coalesce((f.anchor + make_interval(months => p.n + 1))::date, %(until)s) AS until
 ) AS period
"""
COPY: Final = f"""
COPY (
 SELECT a.name, a.admin_email, a.plan,
  coalesce(a.trial_state = 'running' AND a.trial_ends_at > %(now)s, false),
  to_char(a.trial_ends_at AT TIME ZONE 'UTC', {INSTANT}), to_char(a.created_at AT TIME ZONE 'UTC', {INSTANT}),
  used.by_metric, coalesce(o.open, 0), coalesce(fees.monthly, 0)
 FROM accounts AS a {PERIOD}
 CROSS JOIN LATERAL (
  SELECT jsonb_object_agg(w.metric, {USED}) AS by_metric
  FROM (SELECT a.id AS account_id, metric, period.first, period.until
   FROM unnest(%(metrics)s::text[]) AS metric) AS w {SINCE}
 ) AS used
 CROSS JOIN LATERAL (
  SELECT sum(r.monthly) AS monthly FROM fee_runs AS r
  WHERE r.account_id = a.id AND NOT r.ended AND (r.until IS NULL OR r.until > %(today)s)
 ) AS fees
 LEFT JOIN (
  SELECT account_id, count(*) AS open FROM offers
  WHERE reseller_id = %(reseller_id)s AND expires_at > %(now)s
   AND state IN ('waiting', 'waiting_for_confirmation')
  GROUP BY account_id
 ) AS o ON o.account_id = a.id
 WHERE a.reseller_id = %(reseller_id)s AND a.deleted_at IS NULL AND a.purged_at IS NULL
 ORDER BY a.id
) TO STDOUT (FORMAT csv)
"""  # noqa: S608 -- constants


@dataclass(frozen=True, slots=True)
class Asked:
    """Parameters of the export: reseller and instant (`today` in the programme's zone).

    Usage is counted from day `first` to before `until`; with `paid_periods`, in the plan's own period if there
    is one.
    """

    reseller_id: UUID
    now: datetime
    today: date
    metrics: Sequence[str]
    first: date
    until: date
    paid_periods: bool


def copy_clients(connection: Connection[Any], query: Asked, file: IO[bytes]) -> None:
    """Write the clients that are not deleted, oldest first, as CSV in PostgreSQL's format; times in UTC.

    Columns: name, address, plan, trial running (t or f), trial end, created, usage by metric (JSON), open
    offers, monthly fee.
    """
    params = {**asdict(query), "metrics": list(query.metrics)}
    with connection.cursor() as cursor, cursor.copy(COPY, params) as rows:
        for chunk in rows:
            file.write(chunk)
