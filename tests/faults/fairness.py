"""One tenant's backlog against another tenant's single job, with real processes."""

import time
from collections.abc import Sequence

from tests.faults.fleet import Enqueuer, Fleet
from tests.support.polling import wait_for

CHUNK = 20_000
UNDER_WAY = "SELECT count(*) FROM jobs_archive"
DONE = "SELECT count(*) FROM jobs_archive WHERE id = ANY(%s::uuid[])"
LEFT = "SELECT count(*) FROM jobs WHERE tenant = 'big'"


def flood(fleet: Fleet, count: int) -> Enqueuer:
    """Enqueue `count` jobs of the tenant `big`, and wait until some are done."""
    client = next(member for member in fleet.members if isinstance(member, Enqueuer))
    for start in range(0, count, CHUNK):
        numbers = range(start, min(start + CHUNK, count))
        client.put([("fault.batch", {"number": number}, {"tenant": "big"}) for number in numbers])
    wait_for(lambda: fleet.ask(UNDER_WAY)[0][0] > 500, "the backlog under way")
    return client


def measure(fleet: Fleet, count: int, samples: int) -> tuple[Sequence[float], int]:
    """Seconds from enqueueing a job of the tenant `small` until it is done, and the remaining backlog."""
    client = flood(fleet, count)
    times = []
    for number in range(samples):
        asked = time.monotonic()
        ids = client.put([("fault.batch", {"number": -1 - number}, {"tenant": "small"})])
        wait_for(lambda ids=ids: fleet.ask(DONE, [ids])[0][0] == 1, "the small tenant's job")  # type: ignore[misc] # a default binds the loop's value
        times.append(time.monotonic() - asked)
    return times, fleet.ask(LEFT)[0][0]
