"""Charging and statements, killed at any step: every period is charged once, every statement sent once."""

from datetime import timedelta

import pytest

from kontor.adapters.fakes import ManualClock
from kontor.engine.enqueue import JobRequest
from tests.support.api import Api
from tests.support.fees import FeeScenario, fee_scenario
from tests.support.sigkill import EVENTS, JOB_COUNTS, MAIL_JOBS, MAILS, DatabaseCopy, EndState, Kills, SigkillHarness

NEW_YORK = "America/New_York"
QUERIES = {
    "charges": (
        "SELECT account_id, reseller_id, kind, product, period_start, period_end, currency, fee, percent, discount,"
        " total, how, created_at FROM charges ORDER BY account_id, product, period_start"
    ),
    "balances": "SELECT reseller_id, currency, sum(total), count(*) FROM charges GROUP BY 1, 2 ORDER BY 1, 2",
    "runs": "SELECT account_id, code, anchor, since, until, next_start, monthly, ended FROM fee_runs ORDER BY 1, 2, 4",
    "plans": "SELECT name, plan FROM accounts ORDER BY 1",
    "mails": MAILS,
    "sendings": MAIL_JOBS,
    "events": EVENTS,
    "jobs": JOB_COUNTS,
}


def subscribe(world: FeeScenario) -> None:
    """On 15 January: six clients with a product, one of them with two, one leaving; three with a plan, one leaving."""
    ringers, sellers = world.reseller("telephony"), world.reseller("booking", "Weser")
    clients = [world.client(ringers) for _ in range(6)]
    booked = [world.client(sellers) for _ in range(3)]
    world.go("2026-01-15", NEW_YORK)
    for client in clients:
        assert world.assign(client, "call-recording").status_code == 201
    assert world.assign(clients[0], "voicemail").status_code == 201
    world.unassign(clients[1], "call-recording")
    for client in booked:
        world.take(client, "basic")
    world.cancel(booked[0])


@pytest.fixture
def due(harness: SigkillHarness, api: Api, clock: ManualClock) -> SigkillHarness:
    """On 20 March after an outage: two months of charges and one programme's statements are due."""
    harness.sizes["kontor.fees.statements.RANGE"] = 3
    with fee_scenario(api, clock) as world:
        world.rows("INSERT INTO queues (name, paused) VALUES ('mail', true)")
        subscribe(world)
        clock.advance(clock.now().replace(month=3, day=20) - clock.now() + timedelta(hours=1))
        with world.transaction() as session:
            enqueue_request = world.worker.inline.jobs.enqueue_request
            for programme in ("telephony", "booking"):
                enqueue_request(session, JobRequest("fees.charge", {"programme": programme}))
            enqueue_request(
                session, JobRequest("fees.statements", {"programme": "booking", "due": clock.now().isoformat()})
            )
    return harness


def charge(world: DatabaseCopy, kills: Kills) -> EndState:
    """Run the jobs of the scheduler."""
    world.run(kills=kills)
    return world.end_state(QUERIES)


def test_charging_after_an_outage_completes_after_sigkills(due: SigkillHarness) -> None:
    dividing = ("commit.before:1", "commit.after:1", "commit.after:2")
    charging = ("INSERT INTO charges:1", "INSERT INTO domain_events:1", "commit.before:2", "commit.after:1")
    telling = ("UPDATE accounts:1", "INSERT INTO mails:1", "commit.after:1", "step:9")
    anywhere = ("step:9",) * 4
    end_state = due.compare(charge, (*dividing, *charging), telling, anywhere)
    assert len(end_state["charges"]) == 7 + 3 + 2 * 6 + 2 * 2
    assert [mail[1] for mail in end_state["mails"]].count("statement") == 1
    assert {count for _, count in end_state["sendings"]} == {1}
