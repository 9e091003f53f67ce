"""The daily run and an import of payments, killed at any step: the same result, and no mail twice."""

import json
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from kontor.adapters.fakes import ManualClock
from kontor.adapters.settings import Settings
from kontor.engine.enqueue import JobRequest
from tests.support.api import Api
from tests.support.discounts import DiscountScenario, discount_scenario, moscow
from tests.support.sigkill import EVENTS, JOB_COUNTS, MAIL_JOBS, MAILS, DatabaseCopy, EndState, Kills, SigkillHarness

DISCOUNTS = {
    "percents": "SELECT reseller_id, day, turnover, tier, percent, version FROM discounts ORDER BY 1",
    "records": "SELECT reseller_id, day, turnover, tier, percent FROM discount_records ORDER BY 1, 2",
    "mails": MAILS,
    "sendings": MAIL_JOBS,
    "events": EVENTS,
    "jobs": JOB_COUNTS,
}
RUNS = "SELECT day, state, ranges, computed, applied, resellers, moved FROM discount_runs ORDER BY day"
MORE = """
INSERT INTO payments (id, reseller_id, origin_id, reference, kind, amount, currency, paid_at, created_at)
SELECT gen_random_uuid(), id, id, 'more', 'payment', 60000, 'RUB', :now, :now FROM accounts WHERE name LIKE 'R0105-%'
"""
LINES = 25
FILE = "reference,amount,paid_at,kind\n" + "".join(f"P-{n},100.00,2026-01-31,payment\n" for n in range(LINES))
TABLES = {
    "payments": "SELECT reseller_id, reference, kind, amount, currency, paid_at FROM payments ORDER BY reference",
    "imports": "SELECT reseller_id, programme, digest, lines, summary, finished_at FROM payment_imports",
}


def silence(world: DiscountScenario) -> None:
    """Pause mails, so that only the jobs in question run."""
    world.rows("INSERT INTO queues (name, paused) VALUES ('mail', true)")


@pytest.fixture
def daily(harness: SigkillHarness, api: Api, clock: ManualClock) -> SigkillHarness:
    """On 12 January a run is due: of 30 resellers 8 lose their tier that day, 7 rise, 5 will fall tomorrow."""
    harness.sizes["kontor.discounts.daily_run.CHUNK"] = 3
    with discount_scenario(api, clock) as world:
        silence(world)
        world.reach(moscow("2026-01-10"))
        for count, paid_on, amount in ((8, "2025-12-11", "3000"), (7, "2026-01-05", "500"), (5, "2025-12-12", "3000")):
            world.many(count, paid_on, amount)
        world.many(10, "2025-10-01")
        world.reach(moscow("2026-01-11"))
        clock.advance(timedelta(hours=13))
        world.rows(MORE, now=clock.now())
        with world.transaction() as session:
            args = {"programme": "hosting", "range_size": 8}
            world.worker.inline.jobs.enqueue_request(session, JobRequest("discounts.run", args))
    return harness


def run(world: DatabaseCopy, kills: Kills) -> EndState:
    """Run the daily run."""
    world.run(kills=kills)
    return world.end_state({**DISCOUNTS, "runs": RUNS})


def test_daily_run_completes_after_sigkills(daily: SigkillHarness) -> None:
    dividing = ("commit.before:1", "commit.after:1")
    computing = ("INSERT INTO discount_findings:1", "commit.before:2", "commit.after:2")
    deciding = ("commit.before:5", "commit.after:4", "UPDATE discounts:1", "commit.before:1", "commit.after:1")
    telling = ("INSERT INTO mails:1", "commit.before:9", "INSERT INTO mails:1", "commit.after:1", "step:9")
    anywhere = ("step:23",) * 6
    end_state = daily.compare(run, (*dividing, *computing), deciding, telling, anywhere)
    assert end_state["runs"][-1][1:] == ("done", 4, 4, 4, 30, 15)
    mail_counts = Counter((mail[1], mail[3].split(":")[1]) for mail in end_state["mails"])
    assert (mail_counts["tier-changed", "2026-01-12"], mail_counts["tier-drop-tomorrow", "2026-01-13"]) == (15, 5)
    assert {count for _, count in end_state["sendings"]} == {1}


@pytest.fixture
def importing(harness: SigkillHarness, api: Api, clock: ManualClock) -> SigkillHarness:
    """On 1 February there is one reseller without a payment."""
    harness.sizes["kontor.payments.import_commit.CHUNK"] = 10
    with discount_scenario(api, clock) as world:
        silence(world)
        world.reseller()
        world.reach(moscow("2026-02-01"))
    return harness


def test_import_of_payments_completes_after_sigkills(
    importing: SigkillHarness, settings: Settings, tmp_path: Path
) -> None:
    file = tmp_path / "payments.csv"
    file.write_text(FILE)

    def take(world: DatabaseCopy, kills: Kills) -> EndState:
        """Repeat the command after each kill, then run the resulting jobs."""
        [(reseller,)] = world.rows("SELECT id FROM accounts WHERE kind = 'reseller'")
        environment = replace(settings, database_url=world.task.database_url).environ()
        environ = {**environment, "KONTOR_TEST_CLOCK": world.task.now}
        command = ("import", "payments", str(file), "--reseller", str(reseller), "--json")
        for kill in kills:
            world.run_killed(kill, replace(world.task, command=command, environ=environ))
            assert world.rows("SELECT count(*) FROM payments")[0][0] in {0, LINES}
        summary = json.loads(world.run(*command, environ=environ).printed)
        assert (summary["rows"], summary["imported"] + summary["already_there"], summary["doubtful_rows"]) == (
            LINES,
            LINES,
            0,
        )
        assert world.rows("SELECT 1 FROM payment_import_rows") == []
        world.run()
        return world.end_state({**DISCOUNTS, **TABLES})

    staging = ("INSERT INTO payment_imports:1", "commit.before:3", "commit.after:3", "commit.after:3")
    entering = ("INSERT INTO payments:1", "DELETE FROM payment_import_rows:1", "commit.before:3", "commit.after:3")
    end_state = importing.compare(take, staging, entering)
    assert (len(end_state["payments"]), len(end_state["imports"])) == (LINES, 1)
    assert [(mail[1], str(mail[4]).count("2500.00")) for mail in end_state["mails"] if mail[1] == "tier-changed"] != []
