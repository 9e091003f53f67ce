"""Two resellers with 5,000 clients each: the worker is killed in the middle of the merge, then another one does it."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from kontor.accounts import merge, reseller_status
from kontor.accounts import service as accounts
from kontor.accounts.service import NewAccount
from kontor.http.context import Deps
from kontor.programme import files
from tests.support.sigkill import EVENTS, JOB_COUNTS, DatabaseCopy, EndState, Kills, SigkillHarness
from workers.migrations import ROOT

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
# The identity of a mail about an event contains the event's number, and a killed transaction leaves a gap in those.
QUERIES = {
    **{table: SUMS.format(table=table) for table in TABLES if table not in {"mails", "domain_events"}},
    "mails": "SELECT template, account_id, facts, refs, state FROM mails ORDER BY template, account_id, created_at",
    "events": EVENTS,
    "audit": "SELECT actor, action, target, detail FROM audit_log ORDER BY seq",
    "report": "SELECT result FROM jobs_archive WHERE task = 'resellers.merge'",
    "jobs": JOB_COUNTS,
}


def fill(deps: Deps, session: Session, name: str) -> UUID:
    """Create a reseller of `hosting` with 5,000 clients and rows in every table."""
    office = deps.context(deps.jobs)
    made = accounts.create(office, session, NewAccount("hosting", name, f"{name.lower()}@x.example"))
    reseller_id = reseller_status.become_reseller(office, session, made.id).account.id
    params = {"id": reseller_id, "name": name, "now": office.now, "count": CLIENTS}
    for statement in FILL.split(";\n"):
        names = [word for word in params if f":{word}" in statement]
        session.execute(text(statement), {word: params[word] for word in names})
    return reseller_id


@pytest.fixture
def pair(harness: SigkillHarness, deps: Deps) -> Mapping[str, Any]:
    """Elbe is about to be merged into Weser; returns the report of the dry run."""
    source = (ROOT / "examples" / "programmes" / "hosting.yaml").read_text()
    ctx = deps.context(deps.jobs)
    with deps.sessions() as session:
        session.execute(text("INSERT INTO queues (name, paused) VALUES ('mail', true)"))
        files.apply(session, "hosting", source, now=deps.clock.now(), actor="test")
        old, new = fill(deps, session, "Elbe"), fill(deps, session, "Weser")
        merge.enqueue(ctx, session, old, new)
        session.commit()
        return merge.preview(ctx, session, old, new).out().model_dump(mode="json")


def test_merge_completes_after_sigkills(harness: SigkillHarness, pair: Mapping[str, Any]) -> None:
    def merge(world: DatabaseCopy, kills: Kills) -> EndState:
        """Assert that a killed merge changed nothing; then merge."""
        before = everything(world)
        for kill in kills:
            world.run_killed(kill, world.task)
            assert everything(world) == before
        world.run()
        return world.end_state(QUERIES)

    end_state = harness.compare(merge, ("UPDATE offer_templates:1", "UPDATE payments:1", "commit.before:1"))
    assert end_state["report"] == [(pair,)]
    assert (pair["clients"], pair["payments"], pair["charges"], pair["templates"]) == (5_000, 5_000, 5_000, 40)
    assert (pair["running_trials"], pair["assignments"], len(pair["clashes"])) == (500, 5_000, 40)
    assert [mail[0] for mail in end_state["mails"]].count("merged") == 2


def everything(world: DatabaseCopy) -> list[Any]:
    """A checksum of every row of every table that a merge touches."""
    return [world.rows(SUMS.format(table=table)) for table in TABLES]
