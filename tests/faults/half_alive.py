"""Faults of processes and of their connections, beyond SIGKILL: rows of `make chaos`."""

import hashlib
import resource
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from kontor.adapters.redis_doorbell import RING
from tests.faults.fleet import Member
from tests.faults.scene import EXTERNAL, REPLY, TAKE_OVER, TRANSACTIONAL, Fault, Scene
from tests.faults.stopping import has_leader, leader_of, stands_by, stopped
from tests.support.cutting_proxy import before_postgres, before_redis
from tests.support.polling import wait_for

OVERDUE = """
UPDATE schedules SET next_at = clock_timestamp(), checked_until = clock_timestamp() - interval '70 s'
WHERE name = 'console.rollup' RETURNING name
"""
FORGET = "DELETE FROM schedule_occurrences WHERE schedule = 'console.rollup' RETURNING slot"
FIRED = "SELECT FROM schedule_occurrences WHERE schedule = 'console.rollup' AND fired_at > %s"
WORKER = "SELECT beats FROM worker_processes WHERE pid = %s"
RELEASED = "SELECT count(*) FROM job_attempts WHERE outcome = 'released' AND job_id = %s"
ATTEMPTS = "SELECT attempt, crashes FROM jobs_archive WHERE id = %s"
CRASHED = "SELECT count(*) FROM job_attempts WHERE outcome = 'crashed'"
LANE = "SELECT busy_with FROM lanes WHERE name = 'remote'"
FEW_DESCRIPTORS = 3
JOBS = 12


def stop_relay(scene: Scene) -> float:
    """SIGSTOP of the leading relay; SIGCONT when the standby serves."""
    wait_for(lambda: has_leader(scene.made, "relay", 2), "a leader and a standby")
    former = leader_of(scene.made, "relay")
    with stopped(former) as since:
        seconds = scene.until_served(since)
    wait_for(lambda: stands_by(scene.made, former), "the former leader standing by")
    return seconds


def stop_scheduler(scene: Scene) -> float:
    """SIGSTOP of the leading scheduler with an occurrence due; SIGCONT when it was fired."""
    wait_for(lambda: has_leader(scene.made, "scheduler", 2), "a leader and a standby")
    wait_for(lambda: bool(scene.ask("SELECT FROM schedules WHERE name = 'console.rollup'")), "the schedule")
    former = leader_of(scene.made, "scheduler")
    with stopped(former) as since:
        [(now,)] = scene.ask("SELECT clock_timestamp()")
        scene.ask(FORGET)
        assert scene.ask(OVERDUE)
        seconds = scene.until(since, lambda: bool(scene.ask(FIRED, [now])), "the occurrence")
    wait_for(lambda: stands_by(scene.made, former), "the former leader standing by")
    assert len(scene.ask(FIRED, [now])) == len(set(scene.ask("SELECT slot " + FIRED.removeprefix("SELECT"), [now])))
    return seconds


def stop_worker(scene: Scene, kind: str) -> float:
    """SIGSTOP of a worker with work in hand; SIGCONT when all of it began elsewhere."""
    worker, mine, others = scene.in_hand(kind, JOBS)
    scene.ended = 1
    with stopped(worker) as since:
        scene.open_gates(others)
        seconds = scene.until(since, lambda: scene.have_begun(mine, 2), "the second start")
    scene.open_gates(mine)
    scene.until(since, lambda: scene.effects([*mine, *others]), "the jobs in hand")
    wait_for(lambda: bool(scene.ask(WORKER, [worker.pid])), "the worker registered again")
    return seconds


def stop_web(scene: Scene) -> float:
    """SIGSTOP of one of two web processes; the other answers, and both do after SIGCONT."""
    ports = [free_port(), free_port()]
    webs = [scene.made.start("web", PORT=str(port)) for port in ports]
    wait_for(lambda: all(answers(port) for port in ports), "both web processes")
    with stopped(webs[0]) as since:
        seconds = scene.until(since, lambda: answers(ports[1]), "the other web process")
        assert not answers(ports[0])
    wait_for(lambda: answers(ports[0]), "the web process that was stopped")
    return seconds


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def answers(port: int) -> bool:
    """Whether a web process answers within a second."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=1) as response:
            return bool(response.status == 200)
    except (urllib.error.URLError, OSError):
        return False


@contextmanager
def redis_through_proxy(scene: Scene, role: str, lose: bytes) -> Iterator[float]:
    """Start a process behind a proxy that loses the reply to the next request of this kind; yields when."""
    with before_redis(scene.made.settings.redis_url) as (proxy, url):
        member = scene.made.start(role, REDIS_URL=url)
        scene.go_on()
        proxy.lose = lose
        wait_for(proxy.lost.is_set, "the loss")
        yield time.monotonic()
        scene.go_on()
        end(scene, member)


def end(scene: Scene, member: Member) -> None:
    """Stop a process before its proxy ends."""
    member.stop()
    scene.made.members.remove(member)
    scene.made.start(member.role)


def drop_reply_to_worker(scene: Scene) -> float:
    """The only worker's BLMOVE is answered and the answer is lost, a doorbell with it."""
    with redis_through_proxy(scene, "worker", b"BLMOVE") as since:
        ids = [*scene.load.ids, *scene.ids]
        return scene.until(since, lambda: scene.done(ids), "every job enqueued before the loss")


def drop_reply_to_relay(scene: Scene) -> float:
    """The relay rings, and the answer is lost."""
    with redis_through_proxy(scene, "relay", hashlib.sha1(RING.encode()).hexdigest().encode()) as since:
        ids = [*scene.load.ids, *scene.ids]
        return scene.until(since, lambda: scene.done(ids), "every job enqueued before the loss")


def drop_answer_to_claim(scene: Scene) -> float:
    """The only worker's COMMIT of a claim is done and answered by a reset; its lane has more jobs.

    It has run one job before: after five a COMMIT goes out as a prepared statement, which the proxy does not see.
    """
    with before_postgres(scene.made.settings.database_url) as (proxy, url):
        member = scene.made.start("worker", DATABASE_URL=url)
        first = scene.put("rerun", lane="remote")
        wait_for(lambda: scene.effects(first), "the first job")
        proxy.lose = b"COMMIT"
        numbers = scene.put("rerun", 4, lane="remote")
        wait_for(proxy.lost.is_set, "the loss")
        since = time.monotonic()
        seconds = scene.until(since, lambda: scene.effects(numbers), "the jobs of the lane")
        assert scene.ask(CRASHED) == [(1,)]
        wait_for(lambda: scene.ask(LANE) == [(None,)], "the free lane")
        scene.load.start()
        scene.go_on()
        end(scene, member)
    return seconds


def exhaust_descriptors(scene: Scene) -> float:
    """No file descriptors for a worker with work in hand; a supervisor starts it again when it ended itself."""
    worker, mine, others = scene.in_hand("rerun", JOBS)
    pid = worker.pid
    limits = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    beats = scene.ask(WORKER, [pid])[0][0]
    since, scene.ended = time.monotonic(), 1
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (FEW_DESCRIPTORS, limits[1]))
    more = scene.put("rerun", JOBS)
    scene.open_gates([*mine, *others])
    wait_for(lambda: worker.dead or scene.ask(WORKER, [pid]) > [(beats + 4,)], "four beats or the end")
    if worker.dead:
        assert worker.process.exitcode == 75
        scene.made.replace(worker)
    else:
        resource.prlimit(pid, resource.RLIMIT_NOFILE, limits)
    seconds = scene.until(since, lambda: scene.effects([*mine, *others, *more]), "the jobs of that time")
    assert scene.ask("SELECT FROM jobs_archive WHERE crashes > 1") == []
    return seconds


def deploy_thrice(scene: Scene) -> float:
    """Three deploys during one long job: SIGTERM of its worker, another one in its place."""
    [number] = scene.put("rerun", gated=True)
    job = scene.ids[-1]
    for deploys in range(3):
        wait_for(lambda n=deploys: len(scene.made.sink.lines(began=number)) == n + 1, "the act")  # type: ignore[misc] # a default binds the loop's value
        pid = scene.made.sink.lines(began=number)[-1]["pid"]
        worker = next(member for member in scene.members("worker") if member.pid == pid)
        worker.stop()
        since = time.monotonic()
        scene.made.replace(worker)
    seconds = scene.until(since, lambda: len(scene.made.sink.lines(began=number)) == 4, "the last act")
    assert scene.ask(RELEASED, [job]) == [(3,)]
    scene.open_gates([number])
    scene.until(since, lambda: scene.effects([number]), "the long job")
    assert scene.ask(ATTEMPTS, [job]) == [(1, 0)]
    return seconds


BOTH_RELAYS = ("relay", "relay", "worker", "worker", "enqueuer")
SCHEDULERS = ("relay", "worker", "worker", "scheduler", "scheduler", "enqueuer")
NO_WORKER = ("relay", "enqueuer")
NO_RELAY = ("worker", "worker", "enqueuer")

PROCESS_FAULTS: Sequence[Fault] = (
    Fault("relay stopped (SIGSTOP), then continued", "all work", TAKE_OVER, stop_relay, BOTH_RELAYS),
    Fault("scheduler stopped, then continued", "all schedules", TAKE_OVER, stop_scheduler, SCHEDULERS),
    Fault("worker stopped: transactional", "its jobs", TRANSACTIONAL, lambda scene: stop_worker(scene, "single")),
    Fault("worker stopped: external", "its jobs", EXTERNAL, lambda scene: stop_worker(scene, "rerun")),
    Fault("web stopped, then continued", "its requests", 1.0, stop_web),
    Fault("reply of Redis to a worker lost", "one doorbell", REPLY, drop_reply_to_worker, NO_WORKER),
    Fault("reply of Redis to the relay lost", "some doorbells", REPLY, drop_reply_to_relay, NO_RELAY),
    Fault("claim's COMMIT answered by a reset", "one lane", EXTERNAL, drop_answer_to_claim, NO_WORKER, quiet=True),
    Fault("no file descriptors in a worker", "its jobs", EXTERNAL, exhaust_descriptors),
    Fault("three deploys during one long job", "that job", EXTERNAL, deploy_thrice, stop_milliseconds=500),
)
