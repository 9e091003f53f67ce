"""Random operations in random order: jobs keep to the transitions, and each effect exists once."""

from collections import Counter
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from sqlalchemy.orm import Session

from kontor.audit import Actor
from kontor.engine.admin.operations import Operations
from kontor.engine.handlers import Cancel, JobContext, Outcome, Permanent, RemoteUnavailable, Snooze, Transient
from kontor.kernel.errors import Conflict, NotFound
from kontor.kernel.states import FINISHED
from tests.integration.engine.conftest import EngineHarness
from tests.integration.engine.scripted_tasks import Send, Write

SOMEBODY = Actor("somebody")
MOODS = ("fine", "fine", "fine", "fails", "dies", "snoozes", "cancels", "down")
TABLES = "TRUNCATE jobs, jobs_archive, job_attempts, once_keys, lanes, queues, effects"
UNEQUAL = """
SELECT count(*) FROM (SELECT id FROM jobs_archive WHERE state = 'succeeded') AS done
FULL JOIN effects ON job_id = id WHERE id IS NULL OR job_id IS NULL
"""


class AnyOrder(RuleBasedStateMachine):
    """One example. The test sets `world` on a subclass."""

    world: EngineHarness

    def __init__(self) -> None:
        super().__init__()
        self.ids: list[UUID] = []
        self.world.ask(TABLES)
        self.world.inline.relay.begin()
        self.slept: set[UUID] = set()
        self.acted: set[UUID] = set()
        self.world.script.actions = dict.fromkeys(MOODS, self.act_out)
        self.world.script.claims = {"cancels": lambda job, note: Cancel("not due"), "snoozes": self.sleep_once}

    def act_out(self, job: JobContext, note: str) -> Outcome | None:
        """Behave as the job's mood says, the first time."""
        if job.id in self.acted:
            return None
        self.acted.add(job.id)
        match note:
            case "fails":
                raise Transient("not now")
            case "dies":
                raise Permanent("never")
            case "down":
                raise RemoteUnavailable("refused") if job.lane else Transient("refused")
            case _:
                return None

    def sleep_once(self, job: JobContext, note: str) -> Outcome | None:
        """Snooze a claim the first time."""
        if job.id in self.slept:
            return None
        self.slept.add(job.id)
        return Snooze(job.now + timedelta(minutes=1))

    @rule(
        mood=st.sampled_from(MOODS),
        outside=st.booleans(),
        lane=st.sampled_from([None, "a", "b"]),
        tenant=st.sampled_from(["", "t1", "t2"]),
        priority=st.integers(0, 9),
        minutes=st.integers(0, 5),
        key=st.sampled_from([None, None, "k"]),
    )
    def enqueue(self, mood: str, outside: bool, lane: str | None, minutes: int, key: str | None, **more: Any) -> None:
        run_at = self.world.clock.now() + timedelta(minutes=minutes)
        payload = Send(note=mood) if outside else Write(note=mood)
        options = {"lane": lane if outside else None, "run_at": run_at, "unique_key": key, **more}
        self.ids.append(self.world.put(payload, **options))

    @rule()
    def tick(self) -> None:
        self.world.inline.tick()

    @rule(minutes=st.integers(1, 30))
    def wait(self, minutes: int) -> None:
        self.world.clock.advance(timedelta(minutes=minutes))

    @rule(operation=st.sampled_from(["cancel", "retry"]), which=st.integers(0, 50))
    def steer(self, operation: str, which: int) -> None:
        if not self.ids:
            return
        control = Operations(self.world.inline.jobs)
        with Session(self.world.engine) as session:
            try:
                getattr(control, operation)(session, self.ids[which % len(self.ids)], SOMEBODY)
                session.commit()
            except (Conflict, NotFound):
                session.rollback()

    @rule(queue=st.sampled_from(["write", "send"]), operation=st.sampled_from(["pause_queue", "resume_queue"]))
    def switch(self, queue: str, operation: str) -> None:
        with Session(self.world.engine) as session, session.begin():
            getattr(Operations(self.world.inline.jobs), operation)(session, queue, SOMEBODY)

    @invariant()
    def every_success_has_its_one_effect(self) -> None:
        assert self.world.ask(UNEQUAL) == 0
        with self.world.engine.connect() as connection:
            rows = connection.exec_driver_sql("SELECT job_id FROM effects").all()
        assert max(Counter(rows).values(), default=1) == 1

    def teardown(self) -> None:
        """Resume everything and wait: no job is stuck."""
        for queue in ("write", "send"):
            self.switch(queue=queue, operation="resume_queue")
        for _ in range(6):
            self.world.clock.advance(timedelta(minutes=30))
            self.world.inline.drain()
        assert {self.world.state(job) for job in self.ids} <= FINISHED
        assert self.world.ask("SELECT count(*) FROM lanes WHERE busy_with IS NOT NULL") == 0


@pytest.mark.timeout(400)
def test_jobs_keep_their_guarantees_under_random_operations(world: EngineHarness) -> None:
    machine = type("Machine", (AnyOrder,), {"world": world})
    quiet = settings(
        max_examples=8,
        stateful_step_count=20,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(machine, settings=quiet)
