"""The time until the work of a killed worker runs again."""

import time
from collections.abc import Sequence
from dataclasses import replace
from itertools import count

from sqlalchemy import create_engine
from sqlalchemy.orm import Session

from kontor.adapters.clock import DatabaseClock
from kontor.adapters.redis_doorbell import RedisRelayHint
from kontor.engine.catalogue import Catalogue
from kontor.engine.enqueue import JobRequest, Jobs
from kontor.kernel.ports import Clock
from tests.faults.fleet import Fleet, Member
from tests.faults.tasks import PAYLOADS
from tests.support.polling import wait_for
from workers.connections import clock_for, redis_client
from workers.namespaces import redis_keys

CONCURRENT = 3
NUMBERS = count(1_000_000)


def percentile(values: Sequence[float], percent: int) -> float:
    """The smallest value that `percent` of the values do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, -(-len(ordered) * percent // 100) - 1)]


def measure(fleet: Fleet, task: str, samples: int) -> list[float]:
    """Seconds from SIGKILL to the next start, for at least `samples` running jobs."""
    times: list[float] = []
    while len(times) < samples:
        times += one_round(fleet, task)
    return times


def one_round(fleet: Fleet, task: str) -> list[float]:
    """Let jobs hang in the workers, kill the worker that runs the first, wait until its jobs run again."""
    numbers = [next(NUMBERS) for _ in range(CONCURRENT)]
    put(fleet, [JobRequest(f"fault.{task}", {"number": number, "holds": 1}) for number in numbers])
    wait_for(lambda: len(begun(fleet, numbers, 1)) == len(numbers), "jobs in hand")
    pids = begun(fleet, numbers, 1)
    victims = {pids[number] for number in numbers}
    times: list[float] = []
    for pid in victims:
        mine = [number for number in numbers if pids[number] == pid]
        times += kill_and_wait(fleet, pid, mine)
    fleet.settled()
    return times


def kill_and_wait(fleet: Fleet, pid: int, numbers: Sequence[int]) -> list[float]:
    """Kill one worker and start another; returns how long each of its jobs took to run again."""
    victim = owner(fleet, pid)
    killed = time.monotonic()
    victim.kill()
    fleet.replace(victim)
    wait_for(lambda: len(begun(fleet, numbers, 2)) == len(numbers), "the second start")
    times = [line["at"] - killed for number in numbers for line in fleet.sink.lines(began=number, attempt=2)]
    fleet.workers(2)
    return times


def owner(fleet: Fleet, pid: int) -> Member:
    """The member with this process id."""
    return next(member for member in fleet.members if member.pid == pid)


def begun(fleet: Fleet, numbers: Sequence[int], attempt: int) -> dict[int, int]:
    """The process id of each job that began an attempt."""
    lines = fleet.sink.lines(attempt=attempt)
    return {line["began"]: line["pid"] for line in lines if line["began"] in numbers}


def put(fleet: Fleet, requests: Sequence[JobRequest]) -> None:
    """Enqueue from this process."""
    client = redis_client(fleet.settings)
    doorbell = RedisRelayHint(client, redis_keys(fleet.settings))
    engine = create_engine(fleet.settings.database_url)
    clock = clock_of(fleet)
    with Session(engine) as session, session.begin():
        Jobs(Catalogue(PAYLOADS), clock, doorbell).enqueue_many(session, requests)
    if isinstance(clock, DatabaseClock):
        clock.close()
    doorbell.close()
    client.close()
    engine.dispose()


def clock_of(fleet: Fleet) -> Clock:
    """The clock of the fleet's processes."""
    test_clock = "KONTOR_TEST_CLOCK" in fleet.environ
    return clock_for(replace(fleet.settings, test_clock=test_clock))
