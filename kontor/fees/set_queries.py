"""Charging in sets: lock what is due, and write charges, runs and events of a range in a few statements."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Final, NamedTuple
from uuid import UUID

from pydantic import JsonValue
from pydantic_core import to_json
from sqlalchemy.orm import Session

from kontor.fees.queries import RunPosition
from kontor.kernel.database import psycopg_connection
from kontor.kernel.ids import SQL_NEW_ID
from kontor.webhooks import events

DUE: Final = """
FROM fee_runs r WHERE r.programme = %(programme)s AND r.next_start <= %(today)s AND NOT r.ended
    AND (r.next_start, r.id) >= (%(day)s, %(run)s)
    AND (%(before_day)s::date IS NULL OR (r.next_start, r.id) < (%(before_day)s, %(before_run)s))
"""
PAYERS: Final = f"""
WITH payers AS (SELECT DISTINCT a.reseller_id FROM accounts a WHERE a.id IN (SELECT r.account_id {DUE}))
SELECT 1 FROM accounts p WHERE p.id IN (SELECT reseller_id FROM payers) ORDER BY p.id FOR KEY SHARE
"""  # noqa: S608 -- constants
ACCOUNTS: Final = f"""
WITH locked AS MATERIALIZED (
    SELECT a.id FROM accounts a WHERE a.id IN (SELECT r.account_id {DUE}) ORDER BY a.id FOR UPDATE
)
SELECT array_agg(id)::text FROM locked
"""  # noqa: S608 -- constants
RUNS: Final = f"""
WITH locked AS MATERIALIZED (
    SELECT r.id {DUE} AND r.account_id = ANY(%(accounts)s::uuid[]) ORDER BY r.id FOR UPDATE
)
SELECT array_agg(id)::text, count(*) FROM locked
"""  # noqa: S608 -- constants
NOBODY: Final = UUID(int=0)
KEY: Final = (
    f"coalesce(a.reseller_id, '{NOBODY}') AS payer, r.kind, r.code, r.anchor,"
    " coalesce(r.until, '9999-12-31') AS until, r.next_start"
)
GROUPS: Final = """
SELECT a.reseller_id, r.kind, r.code, r.anchor, r.until, r.next_start, count(*)
FROM fee_runs r JOIN accounts a ON a.id = r.account_id
WHERE r.id = ANY(%(runs)s::uuid[]) AND (r.until IS NULL OR r.until > %(today)s)
GROUP BY 1, 2, 3, 4, 5, 6
"""
WRITE: Final = f"""
WITH groups AS MATERIALIZED (
    SELECT * FROM unnest(%(payers)s::uuid[], %(kinds)s::text[], %(codes)s::text[], %(anchors)s::date[],
        %(untils)s::date[], %(starts)s::date[], %(terms)s::int[])
        AS g (payer, kind, code, anchor, until, next_start, terms)
), terms AS MATERIALIZED (
    SELECT * FROM jsonb_to_recordset(%(rows)s::jsonb) AS t (terms int, last boolean, period_start date, period_end date,
        currency text, fee numeric, percent numeric, discount numeric, total numeric, how jsonb, event jsonb)
), due AS MATERIALIZED (
    SELECT r.id, r.account_id, a.reseller_id, {KEY}
    FROM fee_runs r JOIN accounts a ON a.id = r.account_id WHERE r.id = ANY(%(runs)s::uuid[])
), priced AS MATERIALIZED (
    SELECT {SQL_NEW_ID} AS id, d.id AS run_id, d.account_id, d.reseller_id, d.kind, d.code, t.*
    FROM due d JOIN groups g USING (payer, kind, code, anchor, until, next_start) JOIN terms t USING (terms)
), moved AS (
    UPDATE fee_runs r SET next_start = p.period_end, monthly = p.total FROM priced p WHERE r.id = p.run_id AND p.last
), written AS (
    INSERT INTO charges (id, run_id, programme, account_id, reseller_id, kind, product, period_start, period_end,
        currency, fee, percent, discount, total, how, created_at)
    SELECT id, run_id, %(programme)s, account_id, reseller_id, kind, code, period_start, period_end,
        currency, fee, percent, discount, total, how || jsonb_build_object('discount_of', reseller_id), %(now)s
    FROM priced ON CONFLICT (run_id, period_start) DO NOTHING RETURNING id
), news AS MATERIALIZED (
    SELECT 'charge.created' AS type, account_id, reseller_id, %(programme)s AS programme, %(now)s::timestamptz AS at,
        event || jsonb_build_object('id', id, 'account_id', account_id, 'reseller_id', reseller_id) AS data
    FROM priced WHERE (id IN (SELECT id FROM written)) IS TRUE ORDER BY run_id, period_start
), emitted AS (
    {events.add_from("news")}
)
SELECT seq, reseller_id FROM emitted
"""  # noqa: S608 -- constants
LEFT_OVER: Final = """
SELECT r.id, r.account_id, a.reseller_id FROM fee_runs r JOIN accounts a ON a.id = r.account_id
WHERE r.id = ANY(%(runs)s::uuid[]) AND r.next_start <= %(today)s AND NOT r.ended
"""


class RunGroup(NamedTuple):
    """`size` runs that are charged alike: payer (None: the account), subject, anchor, end and first day due."""

    payer: UUID | None
    kind: str
    code: str
    anchor: date
    until: date | None
    next_start: date
    size: int


@dataclass(frozen=True, slots=True)
class TermsRow:
    """What one period of a run of these `terms` is charged; `last`: of the last period due."""

    terms: int
    last: bool
    period_start: date
    period_end: date
    currency: str
    fee: Decimal
    percent: Decimal
    discount: Decimal
    total: Decimal
    how: dict[str, JsonValue]
    event: dict[str, object]


@dataclass(frozen=True, slots=True)
class LockedRuns:
    """`count` due runs of locked accounts; `ids` is their array as PostgreSQL writes it."""

    programme: str
    today: date
    ids: str
    count: int


def lock_range(
    session: Session, programme: str, today: date, first: RunPosition, before: RunPosition | None
) -> LockedRuns | None:
    """Lock payers, accounts and the runs still due from `first` to before `before`, each in the order of ids."""
    values: dict[str, object] = {"programme": programme, "today": today, "day": first.day, "run": first.run_id}
    values |= {"before_day": before and before.day, "before_run": before and before.run_id}
    session.flush()
    driver = psycopg_connection(session)
    driver.execute(PAYERS, values, prepare=False)
    accounts = driver.execute(ACCOUNTS, values, prepare=False).fetchone()
    runs = driver.execute(RUNS, {**values, "accounts": accounts and accounts[0]}, prepare=False).fetchone()
    return None if runs is None or runs[0] is None else LockedRuns(programme, today, *runs)


def groups(session: Session, runs: LockedRuns) -> list[RunGroup]:
    """Return the groups of the runs that go on after today."""
    values = {"runs": runs.ids, "today": runs.today}
    return [RunGroup(*row) for row in psycopg_connection(session).execute(GROUPS, values, prepare=False)]


def write(
    session: Session, runs: LockedRuns, priced: Sequence[tuple[RunGroup, int]], rows: Sequence[TermsRow], now: datetime
) -> list[tuple[int, UUID | None]]:
    """Charge the runs of the groups by their terms, and emit the events; return (seq, reseller) of each."""
    columns = zip(*(group for group, _ in priced), strict=True)
    payers, kinds, codes, anchors, untils, starts, _ = (list(column) for column in columns)
    values = {
        "runs": runs.ids,
        "programme": runs.programme,
        "now": now,
        "payers": [payer or NOBODY for payer in payers],
        "kinds": kinds,
        "codes": codes,
        "anchors": anchors,
        "untils": [until or date.max for until in untils],
        "starts": starts,
        "terms": [terms for _, terms in priced],
        "rows": to_json(rows).decode(),
    }
    return psycopg_connection(session).execute(WRITE, values, prepare=False).fetchall()


def left_over(session: Session, runs: LockedRuns) -> list[tuple[UUID, UUID, UUID | None]]:
    """Return (run, account, reseller) of the locked runs that are still due."""
    values = {"runs": runs.ids, "today": runs.today}
    return psycopg_connection(session).execute(LEFT_OVER, values, prepare=False).fetchall()
