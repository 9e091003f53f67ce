"""A grown deployment for the console's pages: jobs, figures, accounts, payments, offers with their events."""

from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

import psycopg
from sqlalchemy import create_engine
from sqlalchemy.orm import Session

from bench.daily_fill import Ledger, fill, libpq, reseller
from bench.ledger_fill import QUEUED, insert_finished
from kontor.monitoring import queries as monitoring_queries
from kontor.programme import files
from workers.migrations import ROOT

DEAD: Final = """
INSERT INTO jobs (id, task, queue, tenant, priority, state, payload, run_at, max_attempts, attempt, created_at,
    finished_at, error, fingerprint, reason)
SELECT uuidv7(), 'mail.send', 'bench', 'tenant-' || n %% 100, 0, 'dead', jsonb_build_object('n', n), now(), 3, 3, now(),
    now(), jsonb_build_object('type', 'OSError', 'message', 'disk ' || n %% 40 || ' is full'), 'f' || n %% 40, 'failed'
FROM generate_series(1, %s) AS n
"""
CLIENTS: Final = """
INSERT INTO accounts (id, programme, name, name_key, kind, reseller_id, admin_email, email_key, locale, timezone,
    created_at)
SELECT ('01900000-0000-7000-9000-' || lpad(to_hex(n), 12, '0'))::uuid, 'hosting', 'C' || n, 'c' || n, 'client',
    %(reseller)s, 'c' || n || '@client.example', 'c' || n || '@client.example', 'de', 'Europe/Berlin', now()
FROM generate_series(1, %(clients)s) AS n
"""
OFFERS: Final = """
INSERT INTO offers (id, programme, reseller_id, account_id, state, lines, created_at, expires_at, decided_at)
SELECT ('01900000-0000-7000-a000-' || lpad(to_hex(n), 12, '0'))::uuid, 'hosting', %(reseller)s,
    ('01900000-0000-7000-9000-' || lpad(to_hex(1 + n %% %(clients)s), 12, '0'))::uuid,
    'accepted', '[]', now() - interval '9 days', now() + interval '9 days', now() - interval '8 days'
FROM generate_series(0, %(offers)s - 1) AS n
"""
FINISHED_CALLS: Final = """
INSERT INTO jobs_archive (id, task, queue, tenant, lane, priority, state, payload, run_at, attempt, max_attempts,
    created_at, started_at, finished_at)
SELECT uuidv7(), 'offers.deliver', 'deliver', %(reseller)s, 'instance:' || %(client)s, 0, 'succeeded', '{}', now(), 1,
    3, now(), now(), now()
FROM generate_series(1, %(finished)s)
"""
WAITING_MAILS: Final = """
INSERT INTO jobs (id, task, queue, tenant, priority, state, payload, run_at, max_attempts, created_at)
SELECT uuidv7(), 'mail.send', 'mail', %(reseller)s, 0, 'queued', '{}', now(), 3, now()
FROM generate_series(1, %(waiting)s)
"""
CLIENTS_COUNT: Final = 50_000
OFFERS_COUNT: Final = 200_000
PAYMENTS_EACH: Final = 30


def fill_jobs(url: str, finished: int, queued: int, dead: int) -> None:
    """Jobs of 90 days, a backlog of 100 tenants, dead jobs in 40 groups, and their figures."""
    with psycopg.connect(libpq(url), autocommit=True) as connection:
        connection.execute("SET synchronous_commit = off")
        insert_finished(connection, finished, lambda step: print(step, flush=True))
        connection.execute(QUEUED, {"first": 1, "last": queued})
        connection.execute(DEAD, (dead,))
        connection.execute("VACUUM (ANALYZE) jobs")
        now = datetime.now(UTC)
        monitoring_queries.roll(
            connection, (now - timedelta(days=7)).replace(second=0, microsecond=0), now, {"probe.echo": 30.0}
        )


def fill_books(url: str, resellers: int) -> None:
    """Resellers of `hosting` with a year of payments.

    The first has 50,000 clients, made 200,000 offers, all through one client's lane, and has 50,000 mails waiting.
    """
    now = datetime.now(UTC)
    engine = create_engine(url)
    with Session(engine) as session:
        source = (ROOT / "examples" / "programmes" / "hosting.yaml").read_text()
        files.apply(session, "hosting", source, now=now, actor="bench")
        session.commit()
    engine.dispose()
    fill(url, Ledger(resellers, resellers * PAYMENTS_EACH, 12), now)
    values = {"reseller": reseller(1), "clients": CLIENTS_COUNT, "offers": OFFERS_COUNT}
    calls = {"reseller": str(reseller(1)), "client": str(client(1)), "finished": OFFERS_COUNT, "waiting": CLIENTS_COUNT}
    with psycopg.connect(libpq(url), autocommit=True) as connection:
        connection.execute(CLIENTS, values)
        connection.execute(OFFERS, values)
        connection.execute(FINISHED_CALLS, calls)
        connection.execute(WAITING_MAILS, calls)
        connection.execute("VACUUM (ANALYZE) accounts")
        connection.execute("VACUUM (ANALYZE) offers")
        connection.execute("VACUUM (ANALYZE) jobs")


def client(number: int) -> UUID:
    """The id of a client of the first reseller, from 1."""
    return UUID(f"01900000-0000-7000-9000-{number:012x}")


def offer(number: int) -> UUID:
    """The id of an offer, from 0; offer 0 is to client 1, and so on."""
    return UUID(f"01900000-0000-7000-a000-{number:012x}")
