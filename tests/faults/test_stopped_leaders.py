"""Leaders that hang: SIGSTOP of the leading relay and of the leading scheduler beside a standby."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import pytest

from kontor.adapters.settings import Settings
from tests.faults.fleet import Enqueuer, Fleet, fleet
from tests.faults.stopping import LEADER, leader_of, stopped
from tests.support.polling import wait_for
from workers.migrations import ROOT

pytestmark = [pytest.mark.timeout(200), pytest.mark.slow]

TAKE_OVER_SECONDS = 10.0
DOCTOR_SECONDS = 15.0


@contextmanager
def two_of(settings: Settings, folder: Path, role: str, *others: str) -> Iterator[Fleet]:
    """A fleet in real time in which two processes may lead, once one of them does."""
    real = replace(settings, test_clock=False, test_clock_start=None)
    with fleet(real, folder / "fleet", role, role, *others) as made:
        beats = "SELECT count(*) FROM processes WHERE role = %s"
        wait_for(lambda: bool(made.ask(LEADER, [role])) and made.ask(beats, [role])[0][0] == 2, "both", 60)
        yield made


def put(made: Fleet, number: int) -> UUID:
    enqueuer = next(member for member in made.members if isinstance(member, Enqueuer))
    ids = enqueuer.put([("fault.single", {"number": number})])
    assert ids is not None
    return ids[0]


def is_done(made: Fleet, job: UUID) -> bool:
    return bool(made.ask("SELECT FROM jobs_archive WHERE id = %s AND state = 'succeeded'", [job]))


def test_job_is_done_within_ten_seconds_when_the_leading_relay_hangs(settings: Settings, tmp_path: Path) -> None:
    with two_of(settings, tmp_path, "relay", "worker", "enqueuer") as made:
        made.workers(1)
        former = leader_of(made, "relay")
        with stopped(former) as since:
            job = put(made, 1)
            wait_for(lambda: is_done(made, job), "the job", 60)
            assert time.monotonic() - since < TAKE_OVER_SECONDS
            assert leader_of(made, "relay") is not former
        resumed = "SELECT FROM processes WHERE pid = %s AND NOT leads AND beat_at > clock_timestamp() - interval '1 s'"
        wait_for(lambda: bool(made.ask(resumed, [former.pid])), "the former leader standing by", 30)
        assert leader_of(made, "relay") is not former
        job = put(made, 2)
        wait_for(lambda: is_done(made, job), "a job after it woke", 10)
        assert made.ask("SELECT fence FROM leaders WHERE role = 'relay'") == [(2,)]


def test_schedules_fire_within_ten_seconds_when_the_leading_scheduler_hangs(settings: Settings, tmp_path: Path) -> None:
    overdue = (
        "UPDATE schedules SET next_at = clock_timestamp(), checked_until = clock_timestamp() - interval '70 s'"
        " WHERE name = 'console.rollup' RETURNING name"
    )
    fired = "SELECT FROM schedule_occurrences WHERE schedule = 'console.rollup' AND fired_at > %s"
    with two_of(settings, tmp_path, "scheduler") as made:
        wait_for(lambda: bool(made.ask("SELECT FROM schedules")), "the schedules", 30)
        former = leader_of(made, "scheduler")
        with stopped(former) as since:
            [(now,)] = made.ask("SELECT clock_timestamp()")
            made.ask("DELETE FROM schedule_occurrences WHERE schedule = 'console.rollup' RETURNING slot")
            assert made.ask(overdue)
            wait_for(lambda: bool(made.ask(fired, [now])), "the schedule", 60)
            assert time.monotonic() - since < TAKE_OVER_SECONDS
            assert leader_of(made, "scheduler") is not former


def findings(made: Fleet) -> dict[str, str]:
    """Run `kontor doctor`; return the texts of its problems by subject."""
    command = [sys.executable, "-m", "kontor.cli.main", "doctor", "--json"]
    result = subprocess.run(command, cwd=ROOT, env=made.environ, capture_output=True, text=True, check=False)
    problems = {
        item["subject"]: item["text"] for item in json.loads(result.stdout)["items"] if item["state"] == "problem"
    }
    assert result.returncode == (1 if problems else 0)
    return problems


def test_doctor_names_the_relay_within_15_seconds_when_the_only_one_hangs(settings: Settings, tmp_path: Path) -> None:
    real = replace(settings, test_clock=False, test_clock_start=None)
    with fleet(real, tmp_path / "fleet", "relay", "scheduler", "worker") as made:
        made.workers(1)
        wait_for(lambda: bool(made.ask(LEADER, ["relay"]) and made.ask(LEADER, ["scheduler"])), "both leaders", 60)
        assert {"relay", "scheduler", "worker", "process"} & set(findings(made)) == set()
        with stopped(leader_of(made, "relay")) as since:
            wait_for(lambda: "no relay leads since" in findings(made).get("relay", ""), "the relay in doctor", 60)
            assert time.monotonic() - since < DOCTOR_SECONDS
            assert "scheduler" not in findings(made)
