"""Causes incidents that operators are alerted to, through the system itself."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from kontor.adapters.fakes import refused
from tests.support.api import create_reseller_with_client
from tests.support.discounts import DiscountScenario

QUARTER = timedelta(minutes=15)
DELETE_OCCURRENCE = """
DELETE FROM schedule_occurrences WHERE schedule = 'accounts.tidy'
    AND slot = (SELECT max(slot) FROM schedule_occurrences WHERE schedule = 'accounts.tidy' AND due_at <= :by)
RETURNING 1
"""
LINES = [{"product": "excel-basics", "count": 3, "mode": "absolute", "term": "P1Y"}]


def enqueue_delivery(world: DiscountScenario, name: str) -> str:
    """Send an offer to a new client's instance; returns the id of its delivery job."""
    accounts = create_reseller_with_client(world.api, name)
    body = {"reseller_id": str(accounts.reseller), "account_id": str(accounts.client), "lines": LINES}
    created = world.api.ok("POST /v1/offers", body, key=world.key)
    query = "SELECT id::text FROM jobs WHERE task = 'offers.deliver' AND payload ->> 'offer_id' = :offer"
    return str(world.rows(query, offer=created["id"])[0][0])


def create_dead_job(world: DiscountScenario, message: str = "boo") -> str:
    """Create a job that is dead because it crashed its worker three times."""
    body = {"task": "probe.echo", "args": {"message": message}, "queue": "upkeep"}
    job = str(world.api.ok("POST /v1/jobs", body, key=world.key)["id"])
    world.rows("UPDATE jobs SET crashes = 3 WHERE id = CAST(:job AS uuid)", job=job)
    world.worker.inline.run(UUID(job))
    assert state(world, job) == "dead"
    return job


def create_unknown_job(world: DiscountScenario, task: str = "gone.task") -> None:
    """Create a job of a task that this release does not know, and let the relay see it."""
    world.rows("""
        INSERT INTO jobs (id, task, queue, state, payload, run_at, max_attempts, created_at)
        VALUES (gen_random_uuid(), :task, 'probe', 'queued', '{}', now(), 3, now())
    """, task=task)  # fmt: skip
    world.worker.inline.tick()
    assert world.rows("SELECT unsupported FROM jobs WHERE task = :task", task=task)


def hold_lane(world: DiscountScenario, name: str = "Weser") -> str:
    """Make an instance refuse connections for twenty minutes."""
    job = enqueue_delivery(world, name)
    world.worker.http.queue_replies(*[refused()] * 20)
    world.worker.inline.drain()
    world.clock.advance(timedelta(minutes=20))
    return job


def delay_job(world: DiscountScenario) -> str:
    """Keep a job waiting in a paused queue for twenty minutes."""
    world.api.ok("POST /v1/queues/probe/pause", {"reason": "test"}, key=world.key)
    job = world.api.ok("POST /v1/jobs", {"task": "probe.echo", "args": {}}, key=world.key)["id"]
    world.clock.advance(timedelta(minutes=20))
    return str(job)


def create_gap(world: DiscountScenario) -> None:
    """Delete an occurrence of a schedule and run reconciliation."""
    world.clock.advance(timedelta(hours=3))
    world.settle()
    assert world.rows(DELETE_OCCURRENCE, by=world.clock.now() - timedelta(hours=1))
    world.api.ok("POST /v1/schedules/reconciliation.compare/run", key=world.key)
    world.worker.inline.drain()


def state(world: DiscountScenario, job: str) -> str:
    """The state of a job."""
    return str(world.api.ok(f"GET /v1/jobs/{job}", key=world.key)["state"])


def next_quarter(world: DiscountScenario) -> None:
    """Advance the clock by a quarter of an hour and run everything due."""
    world.clock.advance(QUARTER)
    world.settle()


def digest(world: DiscountScenario) -> dict[str, Any]:
    """Run the digest now; returns the result of its job."""
    world.api.ok("POST /v1/schedules/alerts.digest/run", key=world.key)
    world.worker.inline.drain()
    query = "SELECT result FROM jobs_archive WHERE task = 'alerts.digest' ORDER BY id DESC LIMIT 1"
    return dict(world.rows(query)[0][0])


def alerts_received(
    world: DiscountScenario, address: str = "duty@kontor.example"
) -> list[tuple[bool, list[tuple[str, int]]]]:
    """The alert mails of one operator: whether all is clear, and (kind, count) of each line."""
    query = """
        SELECT m.facts FROM mails m JOIN mail_recipients r ON r.mail_id = m.id
        WHERE m.template = 'operator-alert' AND r.address = :address ORDER BY m.id
    """
    mails = [row[0] for row in world.rows(query, address=address)]
    return [(facts["all_clear"], [(line["kind"], line["count"]) for line in facts["alerts"]]) for facts in mails]
