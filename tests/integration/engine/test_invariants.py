"""Each broken invariant is named, and a deployment in order has none."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID, uuid4

import psycopg
import pytest

from kontor.adapters.clock import SystemClock
from kontor.engine.admin import invariants
from kontor.engine.admin.invariants import BrokenInvariant
from kontor.engine.holdings import Holdings
from tests.conftest import libpq
from tests.support.polling import wait_for

BEAT: Final = """
INSERT INTO processes (id, role, host, pid, version, started_at, beat_at, clock_offset_seconds)
VALUES (%(id)s, %(role)s, %(host)s, 1, '0', clock_timestamp() - make_interval(secs => %(started)s),
    clock_timestamp() - make_interval(secs => %(silent)s), %(offset)s)
"""
WORKER: Final = """
INSERT INTO worker_processes (id, host, pid, version, threads, queues, started_at, heartbeat_at, leases, bells,
    unrecorded_since)
VALUES (%(id)s, 'h', 1, '0', 8, '{probe}', clock_timestamp() - interval '1 hour',
    clock_timestamp() - make_interval(secs => %(silent)s), %(leases)s::uuid[], %(bells)s::text[],
    clock_timestamp() - make_interval(secs => %(unrecorded)s))
"""
LEADER: Final = """
INSERT INTO leaders (role, holder, host, pid, version, fence, acquired_at, expires_at)
VALUES (%s, %s, 'h', 1, '0', 1, clock_timestamp() - interval '1 hour', clock_timestamp() + make_interval(secs => %s))
"""
JOB: Final = """
INSERT INTO jobs (id, task, queue, state, payload, run_at, max_attempts, created_at, started_at, worker, lease, attempt)
VALUES (%(id)s, 'probe.echo', 'probe', %(state)s, '{}', clock_timestamp() - make_interval(secs => %(age)s), 3, now(),
    clock_timestamp() - make_interval(secs => %(age)s), %(worker)s, %(lease)s, 1)
"""
SCHEDULE: Final = """
INSERT INTO schedules (name, cron, timezone, task, payload, misfire, checked_until, next_at, error)
VALUES (%s, '* * * * *', 'UTC', 'probe.echo', '{}', 'once', now(),
    clock_timestamp() - make_interval(secs => %s), %s)
"""


class Ledger:
    """Rows of processes and jobs, and what is broken."""

    def __init__(self, connection: "psycopg.Connection[Any]") -> None:
        self.connection = connection

    def beat(self, role: str, member: str, *, silent: float = 0, started: float = 3600, **values: Any) -> None:
        row = {"id": member, "role": role, "silent": silent, "started": started, "host": "h", "offset": 0.0}
        self.connection.execute(BEAT, {**row, **values})

    def worker(self, member: str = "w", silent: float = 0, **values: Any) -> None:
        row = {"id": member, "silent": silent, "leases": [], "bells": [], "unrecorded": None}
        self.connection.execute(WORKER, {**row, **values})

    def lead(self, role: str, seconds: float = 4, holder: str | None = "leader") -> None:
        self.connection.execute(LEADER, (role, holder, seconds))

    def job(self, state: str, age: float, worker: str | None = None, lease: UUID | None = None) -> UUID:
        job = uuid4()
        values = {"id": job, "state": state, "age": age, "worker": worker, "lease": lease}
        self.connection.execute(JOB, values)
        return job

    def broken(self, now: datetime | None = None) -> list[BrokenInvariant]:
        return invariants.broken(self.connection, now or SystemClock().now())

    def texts(self, name: str) -> list[str]:
        return [entry.text for entry in self.broken() if entry.name == name]


@pytest.fixture
def ledger(database_url: str) -> Iterator[Ledger]:
    """The ledger of a deployment in order, of which PostgreSQL has run for a while."""
    with psycopg.connect(libpq(database_url), autocommit=True) as connection:
        age = "SELECT clock_timestamp() - pg_postmaster_start_time() > interval '9 s'"
        wait_for(lambda: connection.execute(age).fetchone() == (True,), "a server that has run for 9 s")
        yield Ledger(connection)


def lead_all(ledger: Ledger, roles: Sequence[str] = invariants.LEADING_ROLES) -> None:
    for role in roles:
        ledger.beat(role, f"{role}-1")
        ledger.lead(role)


def test_nothing_is_broken_while_no_process_runs(ledger: Ledger) -> None:
    assert ledger.broken() == []


def test_nothing_is_broken_when_all_beat_and_lead(ledger: Ledger) -> None:
    lead_all(ledger)
    lease = uuid4()
    ledger.worker(leases=[lease], bells=["b"])
    ledger.job("running", 30, "w", lease)
    ledger.job("queued", 70)
    ledger.connection.execute(SCHEDULE, ("minutely", 5, None))
    assert ledger.broken() == []
    assert invariants.stuck_lanes(ledger.connection) == []
    assert invariants.leading_roles(ledger.connection) == {"relay", "scheduler"}


@pytest.mark.parametrize("role", invariants.LEADING_ROLES)
def test_role_is_named_when_nobody_leads_it_and_something_is_alive(ledger: Ledger, role: str) -> None:
    [other] = set(invariants.LEADING_ROLES) - {role}
    ledger.lead(other)
    ledger.beat("web", "web-1")
    ledger.lead(role, -4, holder="former")
    [entry] = ledger.broken()
    assert (entry.name, f"no {role} leads since 20" in entry.text, "former" in entry.text) == (role, True, True)
    assert f"start `kontor {role}`" in entry.remedy
    assert invariants.leading_roles(ledger.connection) == {other}


def test_role_that_never_had_a_leader_is_named_and_one_that_was_released_is_given_three_seconds(ledger: Ledger) -> None:
    ledger.beat("web", "web-1")
    ledger.lead("relay", 0, holder=None)
    assert [entry.name for entry in ledger.broken()] == ["scheduler"]


def test_worker_is_named_when_it_is_silent_for_five_seconds(ledger: Ledger) -> None:
    lead_all(ledger)
    ledger.worker("w-7", silent=6)
    ledger.beat("web", "web-2", silent=6)
    assert [text.split(" on ")[0] for text in ledger.texts("worker")] == ["worker w-7"]
    assert [text.split(" on ")[0] for text in ledger.texts("process")] == ["web web-2"]
    ledger.beat("worker", "w-8", host="h", started=1)
    ledger.beat("web", "web-3", host="elsewhere", started=1)
    assert ledger.texts("worker") == []
    assert len(ledger.texts("process")) == 1


def test_silence_of_ten_minutes_is_a_process_that_ended(ledger: Ledger) -> None:
    lead_all(ledger)
    ledger.worker("w-7", silent=601)
    assert ledger.broken() == []


def test_schedule_is_named_when_it_fails_or_is_overdue_while_a_scheduler_leads(ledger: Ledger) -> None:
    ledger.connection.execute(SCHEDULE, ("torn", -60, "no such zone"))
    ledger.connection.execute(SCHEDULE, ("behind", 70, None))
    assert [text.split(":")[0] for text in ledger.texts("schedule")] == ["schedule torn fails"]
    lead_all(ledger)
    behind, torn = ledger.texts("schedule")
    assert (behind.startswith("schedule behind has been due since"), torn) == (
        True,
        "schedule torn fails: no such zone",
    )
    ledger.connection.execute("UPDATE schedules SET paused = true")
    assert ledger.texts("schedule") == []


def test_read_only_server_is_named(ledger: Ledger) -> None:
    ledger.connection.execute("SET default_transaction_read_only = on")
    assert ["read-only" in text for text in ledger.texts(invariants.READ_ONLY)] == [True]


def test_worker_is_named_when_it_cannot_record_for_ten_seconds(ledger: Ledger) -> None:
    lead_all(ledger)
    ledger.worker("w-1", unrecorded=9)
    ledger.worker("w-2", unrecorded=11)
    assert ledger.texts("record") == ["worker w-2 cannot record an act that ended 11 s ago"]


def test_holdings_count_from_the_end_of_the_first_act_until_it_is_recorded() -> None:
    now = [0.0]
    holdings = Holdings(elapsed=lambda: now[0])
    first, second = uuid4(), uuid4()
    holdings.take_lease(first)
    holdings.take_lease(second)
    assert holdings.now().unrecorded_seconds is None
    holdings.end_act(first)
    now[0] = 3.0
    holdings.end_act(second)
    now[0] = 4.0
    assert holdings.now().unrecorded_seconds == 4.0
    holdings.drop_lease(first)
    assert holdings.now().unrecorded_seconds == 1.0
    holdings.end_act(first)
    holdings.drop_lease(second)
    assert (holdings.now().leases, holdings.now().unrecorded_seconds) == ((), None)


def test_clock_is_named_when_it_is_over_a_second_off(ledger: Ledger) -> None:
    lead_all(ledger)
    ledger.beat("web", "web-1", offset=0.9)
    ledger.beat("web", "web-2", offset=-1.4, host="h2")
    assert ledger.texts("clock") == ["the clock of web web-2 is -1.4 s from PostgreSQL's"]
    assert ("web", "h2", -1.4) in invariants.clock_offsets(ledger.connection)


def test_job_is_named_when_no_worker_holds_its_lease(ledger: Ledger) -> None:
    lead_all(ledger)
    ledger.worker()
    unheld = ledger.job("running", 11, "w", uuid4())
    stranger = ledger.job("running", 11, "gone", uuid4())
    ledger.job("running", 9, "w", uuid4())
    ledger.beat("worker", "struck-off", silent=4)
    ledger.job("running", 11, "struck-off", uuid4())
    assert {text.split()[1] for text in ledger.texts(invariants.LEASE)} == {str(unheld), str(stranger)}


def test_job_is_named_when_it_waits_for_a_minute_beside_an_idle_worker(ledger: Ledger) -> None:
    lead_all(ledger)
    ledger.job("queued", 59)
    job = ledger.job("queued", 61)
    ledger.worker("busy", bells=["b"])
    assert ledger.texts(invariants.BELL) == []
    ledger.worker("idle")
    assert [str(job) in text for text in ledger.texts(invariants.BELL)] == [True]
    ledger.connection.execute("INSERT INTO queues (name, paused) VALUES ('probe', true)")
    assert ledger.texts(invariants.BELL) == []


def test_long_transaction_is_named(ledger: Ledger, monkeypatch: pytest.MonkeyPatch, database_url: str) -> None:
    lead_all(ledger)
    with psycopg.connect(libpq(database_url), application_name="nightly-dump") as other:
        other.execute("SELECT 1")
        assert ledger.texts(invariants.TRANSACTION) == []
        monkeypatch.setattr(invariants, "LONG_OPEN", invariants.LONG_OPEN.replace("60 s", "0 s"))
        [text] = [text for text in ledger.texts(invariants.TRANSACTION) if "nightly-dump" in text]
        assert f"(pid {other.info.backend_pid})" in text


def test_lane_is_named_when_it_is_free_and_its_jobs_are_held(ledger: Ledger) -> None:
    ledger.job("queued", 5)
    ledger.connection.execute("UPDATE jobs SET lane = 'acme', held = true")
    [entry] = invariants.stuck_lanes(ledger.connection)
    assert (entry.name, entry.text) == (invariants.LANE, "lane acme is free, and its jobs are held")


def test_every_name_is_known_to_the_metrics(ledger: Ledger) -> None:
    ledger.beat("web", "web-1", silent=6, offset=3.0)
    ledger.worker(unrecorded=20)
    ledger.connection.execute(SCHEDULE, ("torn", -60, "no such zone"))
    ledger.job("queued", 61)
    ledger.job("running", 61, "w", uuid4())
    ledger.connection.execute("SET default_transaction_read_only = on")
    assert {entry.name for entry in ledger.broken()} == set(invariants.NAMES) - {
        "clock",
        invariants.TRANSACTION,
        "worker",
    }
