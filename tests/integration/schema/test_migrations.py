from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from threading import Event
from time import monotonic
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from psycopg import sql
from sqlalchemy import Engine, create_engine, make_url, text

from kontor.kernel.ids import new_id
from models.base import metadata
from tests.conftest import Servers, admin
from workers.migrations import alembic_config, is_compared, migrate, newest_revision, revision

# Rows as the first release writes them, with its columns only.
PROGRAMME = """
INSERT INTO programmes (code, document, source, digest, applied_at) VALUES ('shop', '{}', '', '', now())
"""
ACCOUNT = """
INSERT INTO accounts (id, programme, name, name_key, admin_email, email_key, locale, timezone, created_at)
VALUES (:id, 'shop', :name, :name, 'a@b.example', 'a@b.example', 'en', 'UTC', now())
"""
JOB = """
INSERT INTO jobs (id, task, queue, tenant, priority, state, payload, run_at, max_attempts, created_at)
VALUES (:id, 'probe.echo', 'probe', '', 0, 'queued', '{}', now(), 3, now())
"""
FINISHED = """
INSERT INTO jobs_archive (id, task, queue, state, payload, run_at, attempt, max_attempts, created_at, finished_at)
VALUES (:id, 'probe.echo', 'probe', 'succeeded', '{}', now(), 1, 3, now(), now())
"""
COMPARED = {"compare_type": True, "compare_server_default": True, "include_name": is_compared}
TABLES = {"programmes": 1, "accounts": 2, "jobs": 2, "jobs_archive": 2}
CHECKS = """
SELECT conrelid::regclass || '.' || conname, pg_get_constraintdef(oid), convalidated FROM pg_constraint
WHERE contype = 'c' AND connamespace = 'public'::regnamespace AND conrelid <> 0
    AND NOT EXISTS (SELECT FROM pg_inherits WHERE inhrelid = conrelid)
"""


@pytest.fixture
def empty_url(servers: Servers) -> Iterator[str]:
    """SQLAlchemy's URL of an empty database."""
    name = f"kontor_empty_{uuid4().hex}"
    with admin(servers) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(name)))
    yield make_url(servers.database_url).set(database=name).render_as_string(hide_password=False)
    with admin(servers) as connection:
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def write(url: str, *statements: str) -> None:
    engine = create_engine(url)
    with engine.begin() as connection:
        for statement in statements:
            values: dict[str, Any] = {"id": new_id(), "name": uuid4().hex}
            connection.execute(text(statement), {k: v for k, v in values.items() if f":{k}" in statement})
    engine.dispose()


def test_migrated_tables_equal_the_models(engine: Engine) -> None:
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts=COMPARED)
        assert compare_metadata(context, metadata()) == []


def test_migrated_checks_equal_the_models(engine: Engine, empty_url: str) -> None:
    fresh = create_engine(empty_url)
    metadata().create_all(fresh)
    with engine.connect() as migrated, fresh.connect() as made:
        checks, expected = ({tuple(row) for row in c.execute(text(CHECKS))} for c in (migrated, made))
    fresh.dispose()
    assert checks == expected
    assert any(name == "jobs_archive.ck_jobs_archive_state" for name, _, _ in checks)


def test_first_release_keeps_writing_while_its_database_is_migrated(
    empty_url: str,
) -> None:
    command.upgrade(alembic_config(empty_url), "0001")
    write(empty_url, PROGRAMME, ACCOUNT, JOB, FINISHED)
    migrate(empty_url)
    write(empty_url, ACCOUNT, JOB, FINISHED)
    engine = create_engine(empty_url)
    with engine.connect() as connection:
        row_counts = {name: connection.execute(text(f"SELECT count(*) FROM {name}")).scalar() for name in TABLES}
    engine.dispose()
    assert row_counts == TABLES


def test_concurrent_migrations_run_once(empty_url: str) -> None:
    with ProcessPoolExecutor(2, get_context("spawn")) as pool:  # Alembic's environment is global to a process
        list(pool.map(migrate, [empty_url, empty_url]))
    assert revision(empty_url) == newest_revision()


def test_migration_waits_for_a_long_transaction_without_blocking_others(empty_url: str) -> None:
    command.upgrade(alembic_config(empty_url), "0001")
    url = make_url(empty_url).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(url) as reader, ThreadPoolExecutor(1) as pool:
        reader.execute("SELECT count(*) FROM jobs")
        running = pool.submit(migrate, empty_url)
        write(empty_url, JOB)
        reader.rollback()
        running.result(timeout=60)
    assert revision(empty_url) == newest_revision()


ATTEMPT = "INSERT INTO job_attempts (job_id, number, ended_at, outcome) VALUES (:id, 1, now(), 'failed')"
SLOW_SECONDS = 1.0


def test_finished_jobs_move_into_months_while_others_write_and_a_reader_holds_them(empty_url: str) -> None:
    command.upgrade(alembic_config(empty_url), "0070")
    write(empty_url, *[FINISHED, ATTEMPT] * 20)
    url = make_url(empty_url).set(drivername="postgresql").render_as_string(hide_password=False)
    longest, moved = 0.0, Event()
    with psycopg.connect(url) as reader, ThreadPoolExecutor(1) as pool:
        reader.execute("SELECT count(*) FROM jobs_archive")
        migration = pool.submit(migrate, empty_url)
        migration.add_done_callback(lambda _: moved.set())
        written = 20
        while not moved.is_set():
            begun = monotonic()
            write(empty_url, FINISHED, ATTEMPT)
            longest, written = max(longest, monotonic() - begun), written + 1
            if written == 40:
                reader.rollback()
        migration.result()
    write(empty_url, FINISHED, ATTEMPT)
    assert longest < SLOW_SECONDS
    with psycopg.connect(url) as connection:
        for table, indexes in (("jobs_archive", 8), ("job_attempts", 1)):
            rows = connection.execute(f"SELECT tableoid::regclass::text, count(*) FROM {table} GROUP BY 1").fetchall()
            assert rows == [(f"{table}_first", written + 1)]
            own = "SELECT count(*) FROM pg_index WHERE indrelid = %s::regclass AND indisvalid"
            assert connection.execute(own, (f"{table}_first",)).fetchall() == [(indexes,)], "an index was built again"
        numbers = connection.execute("SELECT seq FROM job_attempts ORDER BY job_id").fetchall()
        assert numbers == sorted(set(numbers))


def test_move_into_months_that_fails_leaves_no_check_that_refuses_later_jobs(
    empty_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    command.upgrade(alembic_config(empty_url), "0070")
    url = make_url(empty_url).set(drivername="postgresql").render_as_string(hide_password=False)
    script = ScriptDirectory.from_config(alembic_config(empty_url)).get_revision("0071")
    assert script is not None
    with psycopg.connect(url, autocommit=True) as connection:
        limit = script.module.first_limit(connection)
        script.module.prepare(connection, "jobs_archive", limit)
        monkeypatch.setattr(script.module, "swapping", lambda *_: "SELECT 1 / 0")
        with pytest.raises(psycopg.errors.DivisionByZero):
            script.module.swap(connection, "jobs_archive", limit)
        left = "SELECT count(*) FROM pg_constraint WHERE conname = 'ck_jobs_archive_first'"
        assert connection.execute(left).fetchall() == [(0,)]
    migrate(empty_url)
    assert revision(empty_url) == newest_revision()


OLD, NEW = new_id(), new_id()
FACTS_OF_BEFORE = f"""
INSERT INTO programmes (code, document, source, digest, applied_at)
VALUES ('books', '{{"timezone": "Europe/Moscow"}}', '', '', now());
INSERT INTO accounts (id, programme, name, name_key, kind, admin_email, email_key, locale, timezone, created_at)
SELECT id, 'books', id, id, 'reseller', '', '', 'en', 'UTC', now() FROM unnest(ARRAY['{OLD}', '{NEW}']::uuid[]) AS id;
INSERT INTO payments (id, reseller_id, origin_id, reference, kind, amount, currency, paid_at, created_at) VALUES
    (gen_random_uuid(), '{NEW}', '{OLD}', 'P-1', 'payment', 100, 'RUB', '2026-01-01Z', '2026-01-02Z'),
    (gen_random_uuid(), '{NEW}', '{NEW}', 'P-1', 'refund', 7, 'RUB', '2026-02-01Z', '2026-02-01Z');
INSERT INTO orders (id, reseller_id, programme, order_ref, product, quantity, currency, list_price, percent, net,
    suppressed, as_of, created_at)
VALUES (gen_random_uuid(), '{OLD}', 'books', 'O-1', 'vps', 2, 'RUB', 20, 0, 20, '[]', '2026-01-03', '2026-01-03Z');
INSERT INTO fee_runs (id, programme, account_id, kind, code, anchor, since, next_start, created_at)
SELECT '{OLD}', 'books', '{OLD}', 'product', 'line', '2026-01-05', '2026-01-05', '2026-03-05', now();
INSERT INTO charges (id, run_id, programme, account_id, reseller_id, kind, product, period_start, period_end, currency,
    fee, percent, discount, total, how, created_at, voided_at, void_reason, voided_by)
SELECT gen_random_uuid(), '{OLD}', 'books', '{OLD}', '{NEW}', 'product', 'line', start, start + 28, 'RUB', 5, 0, 0, 5,
    jsonb_build_object('discount_of', payer), start + interval '1 day', voided, left(voided::text, 1), 'me'
FROM (VALUES ('2026-01-05'::date, '{OLD}', '2026-02-10Z'::timestamptz), ('2026-02-05', '{NEW}', NULL))
    AS c (start, payer, voided);
INSERT INTO domain_events (id, account_id, reseller_id, programme, type, data, at)
VALUES (gen_random_uuid(), '{OLD}', '{NEW}', 'books', 'account.merged', '{{"into": "{NEW}"}}', '2026-01-20Z');
UPDATE accounts SET kind = 'regular' WHERE id = '{OLD}'
"""
LINES = """
SELECT to_char(at AT TIME ZONE 'UTC', 'MM-DD HH24:MI'), kind, CAST(amount AS float) FROM account_book
WHERE reseller_id = :id ORDER BY at, number
"""


def test_migration_fills_the_account_books_of_what_is_there(empty_url: str) -> None:
    command.upgrade(alembic_config(empty_url), "0031")
    engine = create_engine(empty_url)
    with engine.begin() as connection:
        connection.exec_driver_sql(FACTS_OF_BEFORE)
    migrate(empty_url)
    with engine.connect() as connection:
        old, new = ([tuple(row) for row in connection.execute(text(LINES), {"id": each})] for each in (OLD, NEW))
        merged = connection.execute(text("SELECT merged_into FROM accounts WHERE id = :id"), {"id": OLD}).scalar()
    engine.dispose()
    assert merged == NEW
    assert old == [
        ("01-01 00:00", "payment", 100),
        ("01-03 00:00", "order", -20),
        ("01-04 21:00", "charge", -5),
        ("01-20 00:00", "transfer", -75),
    ]
    assert new == [
        ("01-20 00:00", "transfer", 75),
        ("02-01 00:00", "refund", -7),
        ("02-04 21:00", "charge", -5),
        ("02-10 00:00", "void", 5),
    ]


def test_present_file_becomes_a_version_that_names_resellers_by_id(empty_url: str) -> None:
    command.upgrade(alembic_config(empty_url), "0031")
    managed = '{"products": {"own": {"managed_by": "reseller", "reseller": "ACME Ltd"}}}'
    write(
        empty_url,
        PROGRAMME.replace("'{}'", f"'{managed}'".replace(":", "\\:")),
        ACCOUNT.replace(":name, :name", "'Acme Ltd', 'acme ltd'")
        .replace("created_at)", "created_at, kind)", 1)
        .replace("now())", "now(), 'reseller')"),
    )
    migrate(empty_url)
    engine = create_engine(empty_url)
    with engine.connect() as connection:
        [reseller] = connection.execute(text("SELECT id::text FROM accounts")).scalars()
        [row] = connection.execute(
            text("SELECT number, document, digest, applied_at = effective_at FROM programme_versions")
        )
        [digest] = connection.execute(text("SELECT digest FROM programmes")).scalars()
    engine.dispose()
    assert (row[0], row[2], row[3]) == (1, digest, True)
    assert row[1]["products"]["own"]["reseller"] == reseller
