"""Nightly charging and lists of charges use indexes, however large the tables."""

import json
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from kontor.context import Context
from kontor.fees import queries as fees_queries
from kontor.fees import set_queries
from kontor.fees.queries import ChargeFilter, RunPosition
from kontor.kernel.database import psycopg_connection
from kontor.kernel.ids import new_id
from tests.support.query_plans import statements

ACCOUNTS = """
INSERT INTO accounts (id, programme, name, name_key, admin_email, email_key, locale, timezone, created_at)
SELECT gen_random_uuid(), 'booking', repeat('x', n % 30 + 1), n, 'a@a', 'a@a', 'en', 'UTC', now()
FROM generate_series(1, 60000) AS n
"""
RUNS = """
INSERT INTO fee_runs (id, programme, account_id, kind, code, anchor, since, next_start, ended, created_at)
SELECT gen_random_uuid(), 'booking', id, 'product', 'line', '2026-01-01', '2026-01-01',
 date '2026-03-01' + length(name), false, now()
FROM accounts
"""
CHARGES = """
INSERT INTO charges (id, run_id, programme, account_id, reseller_id, kind, product, period_start, period_end, currency,
 fee, percent, discount, total, how, created_at)
SELECT gen_random_uuid(), id, programme, account_id, account_id, kind, code, since, next_start, 'EUR', 1, 0, 0, 1,
 '{}', now()
FROM fee_runs
"""
FIRST, LAST = RunPosition(date(2026, 2, 1), new_id()), RunPosition(date(2026, 3, 3), new_id())
QUESTIONS: list[tuple[str, Callable[[Session], Any]]] = [
    ("ix_fee_runs_due", lambda session: fees_queries.range_starts(session, "booking", date(2026, 3, 2), 2_000)),
    ("ix_fee_runs_account_id", lambda session: fees_queries.lock_open(session, [new_id()])),
    (
        "ix_charges_reseller_id",
        lambda session: fees_queries.page(session, ChargeFilter(reseller_id=new_id()), None, 100),
    ),
    ("ix_charges_account_id", lambda session: fees_queries.page(session, ChargeFilter(account_id=new_id()), None, 100)),
]


@pytest.fixture
def ledger(session: Session, office: Context) -> Session:
    """A ledger of 60,000 runs and as many charges; a thirtieth of the runs is due per day."""
    session.execute(text(ACCOUNTS))
    session.execute(text(RUNS))
    session.execute(text(CHARGES))
    session.commit()
    session.execute(text("ANALYZE fee_runs, charges, accounts"))
    return session


def test_runs_and_charges_are_read_by_an_index(ledger: Session) -> None:
    engine = ledger.get_bind()
    assert isinstance(engine, Engine)
    for index, question in QUESTIONS:
        with statements(engine) as asked:
            question(ledger)
        plans = [
            json.dumps(ledger.connection().exec_driver_sql(f"EXPLAIN (FORMAT JSON) {statement}", values).scalar())
            for statement, values in asked
        ]
        assert index in plans[-1], plans
        assert (
            '"Seq Scan", "Parallel Aware": false, "Async Capable": false, "Relation Name": "fee_runs"' not in plans[-1]
        )


def test_due_runs_are_locked_by_an_index(ledger: Session) -> None:
    values = {"programme": "booking", "today": date(2026, 3, 2), "day": FIRST.day, "run": FIRST.run_id}
    values |= {"before_day": LAST.day, "before_run": LAST.run_id, "accounts": "{}"}
    driver = psycopg_connection(ledger)
    for statement in (set_queries.PAYERS, set_queries.ACCOUNTS, set_queries.RUNS):
        plan = "\n".join(row[0] for row in driver.execute(f"EXPLAIN {statement}", values).fetchall())
        assert "Seq Scan on fee_runs" not in plan, plan
