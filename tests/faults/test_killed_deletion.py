"""Final deletion, killed at any step: every account is purged once, completely or not at all."""

import pytest

from kontor.accounts.deletion import RESTORE_PERIOD
from kontor.adapters.fakes import ManualClock
from kontor.engine.enqueue import JobRequest
from tests.support.api import Api
from tests.support.fees import FeeScenario, fee_scenario
from tests.support.sigkill import EVENTS, JOB_COUNTS, MAILS, DatabaseCopy, EndState, Kills, SigkillHarness

GONE = 8
QUERIES = {
    "accounts": "SELECT id, name, admin_email, email_key, email_version, purged_at FROM accounts ORDER BY 1",
    "keys": "SELECT id, account_id, revoked_at FROM api_keys ORDER BY 1",
    "instances": "SELECT account_id, url FROM instances ORDER BY 1",
    "brands": "SELECT account_id FROM brands ORDER BY 1",
    "mails": MAILS,
    "reasons": "SELECT account_id, template, reason FROM mails WHERE reason IS NOT NULL ORDER BY 1, 2",
    "events": EVENTS,
    "progress": "SELECT result -> 'purged', result -> 'left' FROM jobs_archive WHERE result ? 'purged' ORDER BY id",
    "jobs": JOB_COUNTS,
}
HALF = """
SELECT count(*) FROM accounts a LEFT JOIN instances i ON i.account_id = a.id
WHERE a.kind = 'client' AND (a.purged_at IS NULL) <> (i.account_id IS NOT NULL)
"""


def client(world: FeeScenario, reseller: str) -> str:
    """Create a client with everything that a deletion removes."""
    made = world.client(reseller)
    world.api.ok(f"PUT /v1/accounts/{made}/instance", {"url": "https://customer.example/hook"}, key=world.key)
    world.api.ok(f"PUT /v1/accounts/{made}/brand", {"name": "Their own"}, key=world.key)
    return made


@pytest.fixture
def deleted(harness: SigkillHarness, api: Api, clock: ManualClock) -> SigkillHarness:
    """Eight clients whose thirty days are over, and one that stays."""
    harness.sizes["tasks.accounts.CHUNK"] = 3
    with fee_scenario(api, clock) as world:
        world.rows("INSERT INTO queues (name, paused) VALUES ('mail', true)")
        reseller = world.reseller("telephony")
        for made in [client(world, reseller) for _ in range(GONE + 1)][1:]:
            world.api.ok(f"DELETE /v1/accounts/{made}", key=world.key)
        world.worker.inline.drain()
        clock.advance(RESTORE_PERIOD)
        with world.transaction() as session:
            world.worker.inline.jobs.enqueue_request(session, JobRequest("accounts.tidy", {}))
    return harness


def tidy(world: DatabaseCopy, kills: Kills) -> EndState:
    """Run the hourly job; every account is purged completely or not at all after each kill."""
    for kill in kills:
        world.run_killed(kill, world.task)
        assert world.rows(HALF) == [(0,)]
    world.run()
    return world.end_state(QUERIES)


def test_final_deletion_completes_after_sigkills(deleted: SigkillHarness) -> None:
    erasing = ("UPDATE accounts:1", "DELETE FROM instances:1", "UPDATE mails:1", "commit.before:1", "commit.after:1")
    going_on = ("UPDATE mails:2", "INSERT INTO domain_events:1", "commit.before:2", "step:5")
    end_state = deleted.compare(tidy, erasing, going_on)
    assert end_state["progress"] == [(3, 5), (6, 2), (8, 0)]
    assert [row[0] for row in end_state["events"]].count("account.purged") == GONE
    assert (len(end_state["instances"]), len(end_state["brands"])) == (1, 1)
