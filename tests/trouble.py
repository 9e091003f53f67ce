"""Ways to bring about what operators are alerted to, each through the system itself, and ways out again."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from adapters.http_fakes import refused
from tests.api_world import open_shop
from tests.discount_world import DiscountWorld

QUARTER = timedelta(minutes=15)
GONE = """
DELETE FROM schedule_occurrences WHERE schedule = 'accounts.tidy'
    AND slot = (SELECT max(slot) FROM schedule_occurrences WHERE schedule = 'accounts.tidy' AND due_at <= :by)
RETURNING 1
"""
LINES = [{"product": "excel-basics", "count": 3, "mode": "absolute", "term": "P1Y"}]


def offer(world: DiscountWorld, name: str) -> str:
    """Send an offer to a new client's instance; the id of the job that delivers it."""
    shop = open_shop(world.api, name)
    body = {"reseller_id": str(shop.reseller), "account_id": str(shop.client), "lines": LINES}
    made = world.api.ok("POST /v1/offers", body, key=world.key)
    query = "SELECT id::text FROM jobs WHERE task = 'offers.deliver' AND payload ->> 'offer_id' = :offer"
    return str(world.rows(query, offer=made["id"])[0][0])


def dead_job(world: DiscountWorld, message: str = "boo") -> str:
    """A job that killed its worker three times is buried instead of being run again."""
    body = {"task": "probe.echo", "args": {"message": message}, "queue": "upkeep"}
    job = str(world.api.ok("POST /v1/jobs", body, key=world.key)["id"])
    world.rows("UPDATE jobs SET crashes = 3 WHERE id = CAST(:job AS uuid)", job=job)
    world.works.inline.run(UUID(job))
    assert state(world, job) == "dead"
    return job


def held_lane(world: DiscountWorld, name: str = "Weser") -> str:
    """An instance refuses connections for twenty minutes."""
    job = offer(world, name)
    world.works.http.will(*[refused()] * 20)
    world.works.inline.drain()
    world.clock.advance(timedelta(minutes=20))
    return job


def late_work(world: DiscountWorld) -> str:
    """A job waits in a paused queue for twenty minutes."""
    world.api.ok("POST /v1/queues/probe/pause", {"reason": "test"}, key=world.key)
    job = world.api.ok("POST /v1/jobs", {"task": "probe.echo", "args": {}}, key=world.key)["id"]
    world.clock.advance(timedelta(minutes=20))
    return str(job)


def gap(world: DiscountWorld) -> None:
    """An occurrence of a schedule is gone, and reconciliation noticed."""
    world.clock.advance(timedelta(hours=3))
    world.settle()
    assert world.rows(GONE, by=world.clock.now() - timedelta(hours=1))
    world.api.ok("POST /v1/schedules/reconciliation.compare/run", key=world.key)
    world.works.inline.drain()


def state(world: DiscountWorld, job: str) -> str:
    """A job's state."""
    return str(world.api.ok(f"GET /v1/jobs/{job}", key=world.key)["state"])


def next_quarter(world: DiscountWorld) -> None:
    """Let a quarter of an hour pass, and do what is due."""
    world.clock.advance(QUARTER)
    world.settle()


def digest(world: DiscountWorld) -> dict[str, Any]:
    """Run the digest now, past its schedule; what its job says it did."""
    world.api.ok("POST /v1/schedules/alerts.digest/run", key=world.key)
    world.works.inline.drain()
    query = "SELECT result FROM jobs_archive WHERE task = 'alerts.digest' ORDER BY id DESC LIMIT 1"
    return dict(world.rows(query)[0][0])


def told(world: DiscountWorld, address: str = "duty@kontor.example") -> list[tuple[bool, list[tuple[str, int]]]]:
    """What one operator was told, mail by mail: whether all is clear, and (kind, count) of each line."""
    query = """
        SELECT m.facts FROM mails m JOIN mail_recipients r ON r.mail_id = m.id
        WHERE m.template = 'operator-alert' AND r.address = :address ORDER BY m.id
    """
    found = [row[0] for row in world.rows(query, address=address)]
    return [(one["all_clear"], [(line["kind"], line["count"]) for line in one["alerts"]]) for one in found]
