"""Resellers for the portal's pages: one of `booking` with 200,000 clients and all that they have and are charged for.

Another one, of `hosting`, paid 200,000 times in two years.
"""

from datetime import UTC, datetime
from typing import Final
from uuid import UUID

import psycopg
from sqlalchemy.orm import Session

from bench.environment import libpq
from kontor.accounts import reseller_status
from kontor.accounts import service as accounts
from kontor.accounts.service import NewAccount
from kontor.context import Context
from kontor.programme import files
from workers.migrations import ROOT

CLIENT_ID: Final = "('01900000-0000-7000-9000-' || lpad(to_hex(n), 12, '0'))::uuid"
CLIENTS: Final = f"""
INSERT INTO accounts (id, programme, name, name_key, kind, reseller_id, admin_email, email_key, locale, timezone,
    plan, created_at, trial_state, trial_started_at, trial_ends_at, suspended, deleted_at)
SELECT {CLIENT_ID}, 'booking', 'Salon ' || word || ' ' || n, 'salon ' || word || ' ' || n, 'client', %(reseller)s,
    'chef' || n || '@' || word || '.example', 'chef' || n || '@' || word || '.example', 'fr', 'Europe/Paris',
    CASE WHEN n %% 3 = 0 THEN 'basic' ELSE 'free' END, now() - n * interval '1 minute',
    CASE WHEN n %% 50 = 1 THEN 'running' ELSE 'none' END, CASE WHEN n %% 50 = 1 THEN now() - interval '3 days' END,
    CASE WHEN n %% 50 = 1 THEN now() + interval '4 days' END, n %% 500 = 2,
    CASE WHEN n %% 1000 = 3 THEN now() - interval '3 days' END
FROM (SELECT n, (ARRAY['rose', 'bleu', 'figaro', 'tilleul', 'belle', 'soleil', 'lune'])[1 + n %% 7] AS word
      FROM generate_series(1, %(count)s) AS n) AS named
"""
USED: Final = f"""
INSERT INTO usage_days (account_id, metric, day, level, level_at, level_seq, deltas, after_level)
SELECT {CLIENT_ID}, 'appointments', current_date, CASE WHEN n %% 200 = 4 THEN 51 ELSE 31 END, now(), n, 0, 0
FROM generate_series(1, %(count)s) AS n
"""
INSTANCES: Final = f"""
INSERT INTO instances (account_id, url, secret_sealed, created_at, updated_at)
SELECT {CLIENT_ID}, 'https://customer.example/' || n, 'sealed', now(), now()
FROM generate_series(1, %(count)s) AS n WHERE n %% 2 = 0
"""
OFFERS: Final = f"""
INSERT INTO offers (id, programme, reseller_id, account_id, state, lines, created_at, expires_at, decided_at)
SELECT uuidv7(), 'booking', %(reseller)s, {CLIENT_ID},
    CASE WHEN n %% 40 = 0 THEN 'waiting_for_confirmation' ELSE 'accepted' END,
    '[{{"product": "sms-100", "count": 5, "mode": "relative", "term": "P1Y"}}]', now() - interval '9 days',
    now() + interval '9 days', CASE WHEN n %% 40 = 0 THEN NULL ELSE now() - interval '8 days' END
FROM generate_series(1, %(count)s) AS n
"""
ORDERS: Final = f"""
INSERT INTO orders (id, reseller_id, programme, order_ref, product, quantity, currency, list_price, percent, net,
    suppressed, as_of, created_at, state, account_id, service_id)
SELECT {CLIENT_ID}, %(reseller)s, 'booking', 'O-' || n, 'booking-widget', 1, 'EUR', 29, 20, 23.20, '[]', current_date,
    now(), CASE WHEN n %% 500 = 0 THEN 'failed' ELSE 'completed' END, {CLIENT_ID}, {CLIENT_ID}
FROM generate_series(1, %(count)s) AS n
"""
SERVICES: Final = f"""
INSERT INTO services (id, reseller_id, account_id, programme, order_id, product, quantity, renewal, state, since,
    created_at)
SELECT {CLIENT_ID}, %(reseller)s, {CLIENT_ID}, 'booking', {CLIENT_ID}, 'booking-widget', 1, 'none',
    CASE WHEN n %% 500 = 0 THEN 'failed' ELSE 'active' END, now(), now()
FROM generate_series(1, %(count)s) AS n
"""
EVENTS: Final = f"""
INSERT INTO domain_events (id, type, account_id, reseller_id, data, at)
SELECT uuidv7(), 'account.created', {CLIENT_ID}, %(reseller)s, '{{}}', now()
FROM generate_series(1, %(count)s) AS n
"""
RUNS: Final = f"""
INSERT INTO fee_runs (id, programme, account_id, kind, code, anchor, since, next_start, ended, created_at)
SELECT {CLIENT_ID}, 'booking', {CLIENT_ID}, 'plan', 'basic', '2026-03-01', '2026-03-01', '2026-04-01', true, now()
FROM generate_series(1, %(count)s) AS n
"""
CHARGES: Final = f"""
INSERT INTO charges (id, run_id, programme, account_id, reseller_id, kind, product, period_start, period_end, currency,
    fee, percent, discount, total, how, created_at, stated, voided_at, void_reason, void_stated)
SELECT {CLIENT_ID}, {CLIENT_ID}, 'booking', {CLIENT_ID}, %(reseller)s, 'plan', 'basic', '2026-03-01'::date + n %% 31,
    '2026-04-01'::date + n %% 31, 'EUR', 19, 20, 3.80, 15.20,
    '{{"version": 1, "list": {{"amount": "19.00", "currency": "EUR"}}, "percent": "20", "as_of": "2026-03-01"}}',
    '2026-03-01', CASE WHEN n %% 1000 = 0 THEN '2026-02-01' ELSE '2026-03-01' END::date,
    CASE WHEN n %% 1000 = 0 THEN '2026-03-20'::timestamptz END, CASE WHEN n %% 1000 = 0 THEN 'mistake' END,
    CASE WHEN n %% 1000 = 0 THEN '2026-03-01'::date END
FROM generate_series(1, %(count)s) AS n
"""
"""All of one statement, the greatest that there is."""
STATEMENTS: Final = """
INSERT INTO statements (reseller_id, month, currency, total, posted_at)
SELECT %(reseller)s, '2026-03-01'::date - n * interval '1 month', 'EUR', 10, now() FROM generate_series(0, 99) AS n
"""
FILLED: Final = (CLIENTS, USED, INSTANCES, OFFERS, ORDERS, SERVICES, EVENTS, RUNS, CHARGES, STATEMENTS)
TABLES: Final = (
    "accounts", "usage_days", "instances", "offers", "orders", "services", "domain_events", "account_book", "charges",
    "fee_runs", "statements", "payments", "discount_records",
)  # fmt: skip
PAYMENTS: Final = """
INSERT INTO payments (id, reseller_id, origin_id, reference, kind, amount, currency, paid_at, created_at)
SELECT gen_random_uuid(), %(reseller)s, %(reseller)s, 'P-' || n, CASE WHEN n %% 50 = 0 THEN 'refund' ELSE 'payment' END,
    100, 'RUB', now() - n * interval '2 years' / %(count)s, now()
FROM generate_series(1, %(count)s) AS n
"""
RECORDS: Final = """
INSERT INTO discount_records (reseller_id, day, turnover, tier, percent, at)
SELECT %(reseller)s, current_date - n, n * 100, NULL, '{"vps": 0, "dedicated": 0, "ssl": 0}', now()
FROM generate_series(1, 5000) AS n
"""


def fill(ctx: Context, session: Session, url: str, count: int, password: str) -> UUID:
    """Make the resellers, whose names are `Salons` and `Volga`, and the clients of the first; return its id."""
    owner_id = _reseller(ctx, session, "booking", "Salons", password)
    payer_id = _reseller(ctx, session, "hosting", "Volga", password)
    session.commit()
    with psycopg.connect(libpq(url), autocommit=True) as connection:
        connection.execute("SET synchronous_commit = off")
        for statement in FILLED:
            connection.execute(statement, {"reseller": owner_id, "count": count})
        for statement in (PAYMENTS, RECORDS):
            connection.execute(statement, {"reseller": payer_id, "count": count})
        for table in TABLES:
            connection.execute(f"VACUUM (ANALYZE) {table}")
    return owner_id


def _reseller(ctx: Context, session: Session, code: str, name: str, password: str) -> UUID:
    """Apply an example programme and make a reseller of it."""
    source = (ROOT / "examples" / "programmes" / f"{code}.yaml").read_text()
    files.apply(session, code, source, now=datetime.now(UTC), actor="bench")
    account = accounts.create(ctx, session, NewAccount(code, name, f"chef@{name.lower()}.example", password))
    reseller_status.become_reseller(ctx, session, account.id)
    return account.id


def client(number: int) -> UUID:
    """The id of a client, from 1; also of its order, its service and its charge."""
    return UUID(f"01900000-0000-7000-9000-{number:012x}")
