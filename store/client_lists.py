"""SQL of a reseller's list of clients as a whole: one statement, one snapshot, written to a file by the server."""

from __future__ import annotations

from datetime import datetime
from typing import IO, Any, Final
from uuid import UUID

from psycopg import Connection

INSTANT: Final = '\'YYYY-MM-DD"T"HH24:MI:SS.US"Z"\''
COPY: Final = f"""
COPY (
 SELECT a.name, a.admin_email, a.plan,
  coalesce(a.trial_state = 'running' AND a.trial_ends_at > %(now)s, false),
  to_char(a.trial_ends_at AT TIME ZONE 'UTC', {INSTANT}),
  to_char(a.created_at AT TIME ZONE 'UTC', {INSTANT}),
  coalesce(o.open, 0)
 FROM accounts AS a
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
"""Columns: name, address, plan, trial running (t or f), trial end, created, open offers."""


def copy_clients(driver: Connection[Any], reseller_id: UUID, now: datetime, file: IO[bytes]) -> None:
    """Write the clients that are not deleted, in the order of their making, as PostgreSQL's CSV; times in UTC."""
    with driver.cursor() as cursor, cursor.copy(COPY, {"reseller_id": reseller_id, "now": now}) as rows:
        for part in rows:
            file.write(part)
