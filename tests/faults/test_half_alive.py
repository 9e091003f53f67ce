"""Workers that live and have lost something: a reply of Redis or PostgreSQL, all file descriptors."""

import resource
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from time import monotonic
from uuid import UUID

import pytest

from kontor.adapters.settings import Settings
from tests.faults.fleet import Enqueuer, Fleet, Member, fleet
from tests.support.cutting_proxy import CuttingProxy, before_postgres, before_redis
from tests.support.polling import wait_for

pytestmark = [pytest.mark.timeout(200), pytest.mark.slow]

RECOVERY_SECONDS = 15.0
"""The promise for outside work; a doorbell takes five on a machine that has nothing else to do."""


@pytest.fixture
def alone(settings: Settings, tmp_path: Path) -> Iterator[Fleet]:
    """A relay and an enqueuer; a test starts its worker."""
    real = replace(settings, test_clock=False, test_clock_start=None)
    with fleet(real, tmp_path / "fleet", "relay", "enqueuer") as made:
        yield made


def worker_through(fleet: Fleet, **urls: str) -> Member:
    """Start a worker that reaches a server at another address."""
    member = fleet.start("worker", **urls)
    fleet.workers(1)
    return member


def put(fleet: Fleet, *numbers: int, lane: str | None = None) -> list[UUID]:
    enqueuer = next(member for member in fleet.members if isinstance(member, Enqueuer))
    ids = enqueuer.put([("fault.rerun", {"number": number}, {"lane": lane}) for number in numbers])
    assert ids is not None
    return ids


def crashes(fleet: Fleet) -> list[int]:
    """How many crashed attempts each job with any has."""
    query = "SELECT count(*) FROM job_attempts WHERE outcome = 'crashed' GROUP BY job_id"
    return [count for (count,) in fleet.ask(query)]


def seconds_until_settled(fleet: Fleet, proxy: CuttingProxy) -> float:
    """How long after the loss every job was finished."""
    wait_for(proxy.lost.is_set, "the loss", 20)
    began = monotonic()
    fleet.settled(60)
    return monotonic() - began


@pytest.mark.parametrize("hang", [False, True], ids=["cut", "hanging"])
def test_job_is_done_in_seconds_when_the_reply_with_its_doorbell_is_lost(alone: Fleet, hang: bool) -> None:
    with before_redis(alone.settings.redis_url, hang=hang) as (proxy, url):
        worker = worker_through(alone, REDIS_URL=url)
        put(alone, 1)
        alone.settled(30)
        proxy.lose = b"BLMOVE"
        wait_for(lambda: proxy.lose is None, "a consumer that waits", 20)
        jobs = [job for number in range(2, 8) for job in put(alone, number)]
        assert seconds_until_settled(alone, proxy) < RECOVERY_SECONDS
        assert crashes(alone) == []
        assert len(alone.sink.lines()) == len(jobs) + 1
        worker.stop()


def test_job_runs_again_and_its_lane_is_free_when_the_answer_to_its_claim_is_lost(alone: Fleet) -> None:
    with before_postgres(alone.settings.database_url) as (proxy, url):
        worker = worker_through(alone, DATABASE_URL=url)
        put(alone, 1, lane="a")
        alone.settled(30)
        proxy.lose = b"COMMIT"
        put(alone, 2, 3, 4, lane="a")
        assert seconds_until_settled(alone, proxy) < RECOVERY_SECONDS
        assert crashes(alone) == [1]
        assert alone.ask("SELECT busy_with FROM lanes") == [(None,)]
        assert sorted(line["effect"] for line in alone.sink.lines()) == [1, 2, 3, 4]
        worker.stop()


def test_no_job_crashes_twice_when_a_worker_runs_out_of_file_descriptors(alone: Fleet) -> None:
    worker = worker_through(alone)
    pid = int(alone.ask("SELECT pid FROM worker_processes")[0][0])
    limits = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    beats = "SELECT beats FROM worker_processes"
    before = alone.ask(beats)[0][0]
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (3, limits[1]))
    put(alone, *range(30))
    wait_for(lambda: worker.dead or alone.ask(beats)[0][0] > before + 4, "four beats or the end", 30)
    if worker.dead:
        assert worker.process.exitcode == 75
        worker_through(alone)
    else:
        resource.prlimit(pid, resource.RLIMIT_NOFILE, limits)
    alone.settled(60)
    assert max(crashes(alone), default=0) <= 1
