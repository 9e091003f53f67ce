"""Records of outside work that PostgreSQL refuses for a while, and acts that end in unusual ways."""

import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta

import psycopg
import pytest
from psycopg import errors
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from kontor.adapters.fakes import ManualClock
from kontor.engine import ledger
from kontor.engine.handlers import Handler, JobContext, Outcome, Released
from kontor.engine.testing import InlineWorker
from kontor.engine.turns import Acted, CommitsAlone, Turn, TurnTransaction
from kontor.kernel.doorbells import HANDED_BACK
from tests.integration.engine.conftest import EngineHarness, guard
from tests.integration.engine.scripted_tasks import (
    Script,
    Send,
    Sender,
    SendParked,
    make_psycopg_drop_prepared_statements,
)

REFUSALS = [
    errors.ReadOnlySqlTransaction,
    errors.DiskFull,
    errors.LockNotAvailable,
    errors.QueryCanceled,
    errors.DeadlockDetected,
]


@dataclass
class StubbornSender(Sender):
    """Its record is refused a number of times."""

    refusals: list[psycopg.Error] = field(default_factory=list)
    on_record: Callable[[], None] = lambda: None
    before_write: Callable[[Session], None] = lambda session: None

    def record(self, job: JobContext, session: Session, payload: Send, plan: str, result: str) -> Outcome:
        self.on_record()
        if self.refusals:
            raise self.refusals.pop()
        self.before_write(session)
        return super().record(job, session, payload, plan, result)


@dataclass
class StubbornHarness(EngineHarness):
    """A harness with a handler whose record is refused; `waits` counts the pauses for PostgreSQL."""

    sender: StubbornSender
    waits: list[str]
    permits: list[bool]


@pytest.fixture
def stubborn(engine: Engine, script: Script) -> Iterator[StubbornHarness]:
    guard(engine)
    clock, waits, permits, sender = ManualClock(), list[str](), [True], StubbornSender(script)

    def wait() -> bool:
        waits.append("waited")
        return True

    handlers: list[Handler] = [sender, Sender(script, SendParked)]
    with InlineWorker(engine, handlers, clock, wait_for_database=wait, may_claim=lambda: permits[-1]) as inline:
        yield StubbornHarness(inline, script, engine, clock, sender, waits, permits)


@pytest.mark.parametrize("refusal", REFUSALS)
def test_record_is_tried_again_and_the_act_is_not_when_postgresql_refuses_it(
    stubborn: StubbornHarness, refusal: type[psycopg.Error]
) -> None:
    stubborn.sender.refusals = [refusal("refused") for _ in range(6)]
    job = stubborn.put(Send(note="x"))
    stubborn.inline.run(job)
    assert (stubborn.state(job), stubborn.outcomes(job), stubborn.effects()) == ("succeeded", [], ["x"])
    assert stubborn.script.sent[str(job)] == 1
    assert stubborn.waits
    assert stubborn.inline.runtime.holdings.leases() == ()


def test_act_waits_for_its_record_in_the_holdings_until_it_is_recorded(stubborn: StubbornHarness) -> None:
    holdings, seconds = stubborn.inline.runtime.holdings, []
    stubborn.script.actions["x"] = lambda job, note: seconds.append(holdings.now().unrecorded_seconds)
    stubborn.sender.refusals = [errors.DiskFull("refused")]
    stubborn.sender.on_record = lambda: seconds.append(holdings.now().unrecorded_seconds)
    stubborn.inline.run(stubborn.put(Send(note="x")))
    during, first, second = seconds
    assert (during, first is not None, second is not None) == (None, True, True)
    assert holdings.now().unrecorded_seconds is None


@pytest.mark.parametrize("end", [SystemExit, KeyboardInterrupt, GeneratorExit])
def test_only_its_own_job_fails_when_an_act_raises_a_base_exception(
    stubborn: StubbornHarness, end: type[BaseException]
) -> None:
    def leave(job: JobContext, note: str) -> Outcome | None:
        raise end

    stubborn.script.actions["bad"] = leave
    bad, good = stubborn.put(Send(note="bad")), stubborn.put(Send(note="good"))
    stubborn.inline.run(bad, good)
    assert (stubborn.state(bad), stubborn.outcomes(bad)) == ("retrying", ["failed"])
    assert stubborn.state(good) == "succeeded"


def test_sys_exit_in_an_act_does_not_end_the_worker(stubborn: StubbornHarness) -> None:
    stubborn.script.actions["bad"] = lambda job, note: sys.exit(3)
    job = stubborn.put(Send(note="bad"))
    assert stubborn.inline.run(job).claimed == 1
    assert stubborn.outcomes(job) == ["failed"]


@pytest.mark.parametrize("payload", [Send, SendParked])
def test_released_job_runs_again_without_a_used_attempt(stubborn: StubbornHarness, payload: type[Send]) -> None:
    def give_back(job: JobContext, note: str) -> Outcome | None:
        raise Released

    stubborn.script.actions["x"] = give_back
    job = stubborn.put(payload(note="x"))
    for _ in range(4):
        stubborn.inline.run(job)
    assert stubborn.outcomes(job) == ["released"] * 4
    del stubborn.script.actions["x"]
    stubborn.inline.run(job)
    row = stubborn.job(job)
    assert (row.state, row.attempt, row.crashes) == ("succeeded", 1, 0)


def test_doorbell_is_handed_back_when_the_worker_may_not_claim(stubborn: StubbornHarness) -> None:
    job = stubborn.put(Send(note="x"))
    stubborn.permits.append(False)
    assert stubborn.inline.run(job).claimed == HANDED_BACK
    assert stubborn.state(job) == "queued"


def test_rest_of_a_doorbell_is_handed_back_when_the_worker_may_no_longer_claim(stubborn: StubbornHarness) -> None:
    jobs = [stubborn.put(Send(note=str(number))) for number in range(3)]

    def stop(job: JobContext, note: str) -> Outcome | None:
        stubborn.permits.append(False)
        return None

    stubborn.script.actions["0"] = stop
    assert stubborn.inline.run(*jobs).claimed == 1
    assert [stubborn.state(job) for job in jobs] == ["succeeded", "queued", "queued"]


def test_rest_of_a_slow_doorbell_is_handed_back(stubborn: StubbornHarness) -> None:
    jobs = [stubborn.put(Send(note=str(number))) for number in range(3)]

    def slow(job: JobContext, note: str) -> Outcome | None:
        stubborn.clock.advance(timedelta(seconds=0.3))
        return None

    stubborn.script.actions["0"] = slow
    assert stubborn.inline.run(*jobs).claimed == 1
    assert [stubborn.state(job) for job in jobs] == ["succeeded", "queued", "queued"]


def test_shared_commit_records_only_the_leases_that_still_stand(stubborn: StubbornHarness) -> None:
    jobs = [stubborn.put(Send(note=str(number))) for number in range(3)]
    transaction = TurnTransaction(stubborn.inline.runtime)
    claims = [Turn(None, job) for job in jobs]
    transaction.apply(claims)
    assert len({claim.claimed.lease for claim in claims if claim.claimed}) == 3
    stubborn.ask("UPDATE jobs SET lease = gen_random_uuid() WHERE id = :id", id=jobs[1])
    acted = [Turn(Acted(claim.claimed, str(number)), None) for number, claim in enumerate(claims) if claim.claimed]
    transaction.apply(acted)
    assert [stubborn.state(job) for job in jobs] == ["succeeded", "running", "succeeded"]
    assert sorted(stubborn.effects()) == ["0", "2"]


def test_job_that_crashed_before_shares_no_commit(stubborn: StubbornHarness) -> None:
    crashed, other = (stubborn.put(Send(note=note)) for note in ("crashed", "other"))
    stubborn.ask("UPDATE jobs SET crashes = 1 WHERE id = :id", id=crashed)
    transaction = TurnTransaction(stubborn.inline.runtime)
    with pytest.raises(CommitsAlone):
        transaction.apply([Turn(None, crashed), Turn(None, other)])
    alone = [Turn(None, job) for job in (crashed, other)]
    for turn in alone:
        transaction.apply([turn])
    with pytest.raises(CommitsAlone):
        transaction.apply([Turn(Acted(turn.claimed, "x"), None) for turn in alone if turn.claimed])
    assert [stubborn.state(job) for job in (crashed, other)] == ["running", "running"]
    assert stubborn.effects() == []


def test_job_of_a_stopping_worker_goes_back_without_a_used_attempt(stubborn: StubbornHarness) -> None:
    job = stubborn.put(Send(note="x"), lane="a")
    transaction = TurnTransaction(stubborn.inline.runtime)
    turn = Turn(None, job)
    transaction.apply([turn])
    assert turn.claimed is not None
    with stubborn.inline.runtime.transaction() as (_, connection):
        released = ledger.release(connection, "inline", [turn.claimed.lease], stubborn.clock.now())
    row = stubborn.job(job)
    assert (released, row.state, row.attempt, row.crashes, row.reason) == ([job], "queued", 0, 0, "released")
    assert (stubborn.outcomes(job), stubborn.ask("SELECT busy_with FROM lanes")) == (["released"], None)
    transaction.apply([Turn(Acted(turn.claimed, "x"), None)])
    assert (stubborn.state(job), stubborn.effects()) == ("queued", [])


def test_record_is_written_when_its_handler_drops_a_table(stubborn: StubbornHarness) -> None:
    stubborn.sender.before_write = make_psycopg_drop_prepared_statements
    jobs = [stubborn.put(Send(note=str(number))) for number in range(3)]
    # A record that is refused each time is tried for ever.
    run = threading.Thread(target=stubborn.inline.run, args=jobs, daemon=True)
    run.start()
    run.join(20)
    assert not run.is_alive()
    assert [(stubborn.state(job), stubborn.outcomes(job)) for job in jobs] == [("succeeded", [])] * 3
    assert (stubborn.effects(), set(stubborn.script.sent.values())) == (["0", "1", "2"], {1})


def test_failure_is_counted_once_when_its_group_was_rolled_back(stubborn: StubbornHarness) -> None:
    jobs = [stubborn.put(Send(note=note)) for note in ("fails", "refused")]
    transaction, stats = TurnTransaction(stubborn.inline.runtime), stubborn.inline.runtime.stats
    claims = [Turn(None, job) for job in jobs]
    transaction.apply(claims)
    failed, refused = (turn.claimed for turn in claims)
    assert failed is not None
    assert refused is not None
    stubborn.sender.refusals = [errors.DiskFull("refused")]
    with pytest.raises(errors.DiskFull):
        transaction.apply([Turn(Acted(failed, error=ValueError("no")), None), Turn(Acted(refused, "x"), None)])
    assert stats._stats == {}
    transaction.apply([Turn(Acted(failed, error=ValueError("no")), None)])
    assert {key: each.jobs for key, each in stats._stats.items()} == {("test.send", "failed"): 1}
