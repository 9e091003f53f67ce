"""Two resellers with 5,000 clients each: the worker is killed in the middle of the merge, then another one does it."""

import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import Any, LiteralString
from uuid import UUID

import psycopg
import pytest
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from services import accounts, reselling
from services.account_book import AccountBook
from services.accounts import NewAccount
from services.discounts.book import DiscountBook
from services.merging import merges
from store.schema import ROOT
from tests import merge_child
from tests.conftest import libpq

CLIENTS = 5_000
FILL = """
INSERT INTO accounts (id, programme, name, name_key, kind, reseller_id, admin_email, email_key, locale, timezone,
    created_at, trial_state, trial_started_at, trial_ends_at)
SELECT gen_random_uuid(), 'hosting', :name || n, lower(:name) || n, 'client', :id, 'a@a.example', 'a@a.example', 'ru',
    'Europe/Moscow', :now, CASE WHEN n % 10 = 0 THEN 'running' ELSE 'none' END, :now,
    CAST(:now AS timestamptz) + interval '7 days' FROM generate_series(1, :count) AS n;
INSERT INTO offers (id, programme, reseller_id, account_id, state, lines, created_at, expires_at)
SELECT gen_random_uuid(), 'hosting', :id, id, CASE WHEN random() < 0.5 THEN 'waiting' ELSE 'accepted' END, '[]', :now,
    CAST(:now AS timestamptz) + interval '30 days' FROM accounts WHERE reseller_id = :id;
INSERT INTO offer_templates (id, reseller_id, name, lines, created_at, updated_at)
SELECT gen_random_uuid(), :id, 'Template ' || n, '[]', :now, :now FROM generate_series(1, 40) AS n;
INSERT INTO payments (id, reseller_id, origin_id, reference, kind, amount, currency, paid_at, created_at)
SELECT gen_random_uuid(), :id, :id, 'p' || n, 'payment', 10, 'RUB', :now, :now FROM generate_series(1, :count) AS n;
INSERT INTO fee_runs (id, programme, account_id, kind, code, anchor, since, next_start, created_at)
SELECT gen_random_uuid(), 'hosting', id, 'product', 'vps', '2026-01-31', '2026-01-31', '2026-03-31', :now
FROM accounts WHERE reseller_id = :id;
INSERT INTO charges (id, run_id, programme, account_id, reseller_id, kind, product, period_start, period_end,
    currency, fee, percent, discount, total, how, created_at)
SELECT gen_random_uuid(), r.id, 'hosting', a.id, a.reseller_id, 'product', 'vps', '2026-02-28', '2026-03-31', 'RUB',
    10, 0, 0, 10, '{}', :now FROM fee_runs AS r JOIN accounts AS a ON a.id = r.account_id WHERE a.reseller_id = :id
"""
SUMS = "SELECT count(*), coalesce(sum(hashtextextended(t::text, 0)::numeric), 0) FROM {table} AS t"
TABLES = (
    "accounts", "offers", "offer_templates", "payments", "charges", "fee_runs", "api_keys", "mails", "domain_events",
)  # fmt: skip
CHILD = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'merge-child'"
BLOCKED = f"{CHILD} AND wait_event_type = 'Lock'"


@pytest.fixture
def pair(office: AccountBook, session: Session) -> tuple[UUID, UUID]:
    """Two resellers of `hosting` with 5,000 clients each, and something of everything."""
    found = []
    for name in ("Elbe", "Weser"):
        made = accounts.create(office, session, NewAccount("hosting", name, f"{name.lower()}@x.example"))
        found.append(reselling.become_reseller(office, session, made.id).account.id)
        told = {"id": found[-1], "name": name, "now": office.now, "count": CLIENTS}
        for statement in FILL.split(";\n"):
            names = [word for word in told if f":{word}" in statement]
            session.execute(text(statement), {word: told[word] for word in names})
    session.commit()
    return found[0], found[1]


@pytest.fixture
def book(office: AccountBook) -> DiscountBook:
    return DiscountBook(office.jobs, office.programmes)


def everything(session: Session) -> dict[str, Any]:
    """A sum over every row of every table that a merge touches."""
    session.rollback()
    return {table: tuple(session.execute(text(SUMS.format(table=table))).one()) for table in TABLES}


@pytest.fixture
def children() -> Iterator[list[subprocess.Popen[bytes]]]:
    """Processes that do not outlive the test."""
    found: list[subprocess.Popen[bytes]] = []
    yield found
    for child in found:
        child.kill()
        child.wait()


@pytest.mark.parametrize("blocked_at", ["offer_templates", "payments", "charges"])
def test_killed_in_the_middle_nothing_moved_and_the_next_worker_moves_all(
    book: DiscountBook,
    session: Session,
    engine: Engine,
    database_url: str,
    pair: tuple[UUID, UUID],
    children: list[subprocess.Popen[bytes]],
    blocked_at: str,
) -> None:
    old, new = pair
    job = merges.enqueue(book, session, old, new)
    session.commit()
    promised = merges.look(book, session, old, new).document()
    before = everything(session)
    with psycopg.connect(libpq(database_url)) as holding:
        holding.execute(f"SELECT FROM {blocked_at} WHERE reseller_id = %s LIMIT 1 FOR UPDATE", (old,))
        command = [sys.executable, "-m", "tests.merge_child", database_url, str(job)]
        children.append(subprocess.Popen(command, cwd=ROOT))
        until(database_url, BLOCKED, 1)
        children[0].send_signal(signal.SIGKILL)
        children[0].wait()
    until(database_url, CHILD, 0)
    assert everything(session) == before
    merge_child.run(engine, job)
    done = session.scalar(text("SELECT result FROM jobs_archive WHERE id = :id"), {"id": job})
    assert done == promised
    assert (done["clients"], done["payments"], done["charges"], done["templates"]) == (5_000, 5_000, 5_000, 40)
    assert (done["running_trials"], done["assignments"], len(done["clashes"])) == (500, 5_000, 40)
    for table in ("accounts", "offer_templates", "payments", "charges"):
        left = text(f"SELECT count(*) FROM {table} WHERE reseller_id = :id")
        assert session.scalar(left, {"id": old}) == 0
    told = session.scalar(text("SELECT count(*) FROM mails WHERE template = 'merged'"))
    assert told == 2


def until(database_url: str, question: LiteralString, answer: int) -> None:
    """Wait until PostgreSQL counts so many of the child's sessions."""
    tick, patience = threading.Event(), 6_000
    with psycopg.connect(libpq(database_url), autocommit=True) as watching:
        while watching.execute(question).fetchone() != (answer,):
            patience -= 1
            assert patience, question
            tick.wait(0.01)
