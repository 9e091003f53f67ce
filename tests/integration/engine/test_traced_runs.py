"""Jobs as spans: created, rung and processed, all under their trace."""

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from opentelemetry.trace import StatusCode
from sqlalchemy.orm import Session
from structlog.testing import capture_logs

from kontor.engine.enqueue import JobRequest
from kontor.engine.handlers import Cancel, Done, JobContext, Outcome, Snooze, Transient
from kontor.engine.tracing import TracedDoorbellChannel, TracedRunner, with_tracing
from kontor.kernel.doorbells import Doorbell
from kontor.kernel.ids import new_id
from kontor.kernel.tracing import job_context
from tests.integration.engine.conftest import EngineHarness
from tests.integration.engine.scripted_tasks import Send, Write
from tests.support.spans import SpanRecorder, parent_context, span_context


@pytest.fixture
def spans(world: EngineHarness) -> SpanRecorder:
    """The harness with traced jobs, doorbells and runner."""
    spans, inline = SpanRecorder(), world.inline
    inline.jobs = with_tracing(inline.jobs, spans.tracer)
    inline.relay.bells = TracedDoorbellChannel(inline.bells, inline.relay.connection, spans.tracer)
    inline.runner = TracedRunner(replace(inline.runtime, jobs=inline.jobs), spans.tracer)
    return spans


def trace_of(world: EngineHarness, job_id: UUID) -> Any:
    query = "SELECT trace_id FROM jobs WHERE id = :id UNION ALL SELECT trace_id FROM jobs_archive WHERE id = :id"
    return world.ask(query, id=job_id)


def test_job_is_created_rung_and_processed_in_its_trace(world: EngineHarness, spans: SpanRecorder) -> None:
    job_id = world.put(Write(note="one"))
    world.inline.drain()
    created = spans.single("create test.write")
    assert span_context(created) == job_context(job_id, trace_of(world, job_id))
    assert parent_context(created) is None
    for name in ("ring test.write", "process test.write"):
        assert parent_context(spans.single(name)) == span_context(created)
        assert spans.attribute_values(name, "messaging.message.id") == [str(job_id)]
    assert spans.attribute_values("process test.write", "kontor.outcome") == ["succeeded"]
    assert spans.attribute_values("process test.write", "messaging.destination.name") == ["write"]
    assert spans.attribute_values("process test.write", "kontor.attempt") == [1]
    assert len(spans.trace_ids()) == 1


def test_follow_up_jobs_are_children_of_the_attempt(world: EngineHarness, spans: SpanRecorder) -> None:
    def lead(job: JobContext, note: str) -> Outcome | None:
        with Session(world.engine) as session, session.begin():
            job.jobs.enqueue(session, "test.send", Send(note="child"))
            job.jobs.enqueue_many(session, [JobRequest("test.send", {"note": "many"}) for _ in range(2)])
        return None

    world.script.actions["parent"] = lead
    world.put(Write(note="parent"))
    world.inline.drain()
    attempt = spans.single("process test.write")
    assert [parent_context(span) for span in spans.named("create test.send")] == [span_context(attempt)] * 3
    assert len({span_context(span) for span in spans.named("create test.send")}) == 3
    assert spans.attribute_values("process test.send", "kontor.outcome") == ["succeeded"] * 3
    assert len(spans.trace_ids()) == 1


def test_jobs_of_different_traces_stay_separate_in_one_batch(world: EngineHarness, spans: SpanRecorder) -> None:
    ids = [world.put(Write(note=str(number))) for number in range(3)]
    assert len({trace_of(world, job_id) for job_id in ids}) == 3
    world.inline.run(*ids)
    assert {parent_context(span) for span in spans.named("process test.write")} == {
        job_context(job_id, trace_of(world, job_id)) for job_id in ids
    }


def test_rolled_back_batch_is_marked_and_each_job_has_its_own_outcome(
    world: EngineHarness, spans: SpanRecorder
) -> None:
    def fail(job: JobContext, note: str) -> Outcome | None:
        raise Transient("ann@customer.example said no")

    world.script.actions["bad"] = fail
    ids = [world.put(Write(note=note)) for note in ("good", "bad", "late")]
    world.inline.run(*ids)
    attributes = [(span.attributes or {}) for span in spans.named("process test.write")]
    by_job = {
        job_id: [w["kontor.outcome"] for w in attributes if w["messaging.message.id"] == str(job_id)] for job_id in ids
    }
    assert by_job[ids[0]] == ["rolled_back", "succeeded"]
    assert by_job[ids[1]] == ["rolled_back", "failed"]
    assert by_job[ids[2]] == ["succeeded"]
    failed = [span for span in spans.named("process test.write") if span.status.status_code is StatusCode.ERROR]
    assert [(span.attributes or {})["error.type"] for span in failed] == ["Transient"]
    assert "ann@" not in "".join(span.to_json() for span in spans.exporter.get_finished_spans())


@pytest.mark.parametrize(
    ("outcome", "expected"), [(Done(), "succeeded"), (Cancel("not due"), "cancelled"), (None, "succeeded")]
)
def test_claim_that_ends_a_job_ends_its_span(
    world: EngineHarness, spans: SpanRecorder, outcome: Outcome | None, expected: str
) -> None:
    world.script.claims["one"] = lambda job, note: outcome
    world.put(Send(note="one"))
    world.inline.drain()
    assert spans.attribute_values("process test.send", "kontor.outcome") == [expected]


def test_failed_act_is_a_failed_attempt_and_the_next_attempt_is_numbered(
    world: EngineHarness, spans: SpanRecorder
) -> None:
    tries: list[int] = []

    def once(job: JobContext, note: str) -> Outcome | None:
        tries.append(job.attempt)
        if len(tries) == 1:
            raise Transient("not now")
        return None

    world.script.actions["one"] = once
    world.put(Send(note="one"))
    world.inline.drain()
    world.clock.advance(timedelta(minutes=5))
    world.inline.drain()
    assert spans.attribute_values("process test.send", "kontor.outcome") == ["failed", "succeeded"]
    assert spans.attribute_values("process test.send", "kontor.attempt") == [1, 2]
    assert spans.attribute_values("process test.send", "error.type") == ["Transient", None]
    assert len(spans.trace_ids()) == 1


def test_log_names_the_trace_of_a_failed_attempt(world: EngineHarness, spans: SpanRecorder) -> None:
    def fail(job: JobContext, note: str) -> Outcome | None:
        raise Transient("not now")

    world.script.actions["one"] = fail
    world.put(Write(note="one"))
    with capture_logs() as lines:
        world.inline.drain()
    assert [line["trace"] for line in lines if line["event"] == "job.failed"] == list(spans.trace_ids())


def test_job_without_a_trace_starts_one_with_its_first_doorbell(world: EngineHarness, spans: SpanRecorder) -> None:
    with Session(world.engine) as session, session.begin():
        job_id = world.inline.runtime.jobs.enqueue(session, "test.write", Write(note="old")).id
    world.inline.drain()
    assert trace_of(world, job_id) is None
    assert spans.trace_ids() == {job_id.hex}


def test_snoozed_attempt_is_not_an_error(world: EngineHarness, spans: SpanRecorder) -> None:
    until = world.clock.now().replace(year=2030)
    world.script.actions["one"] = lambda job, note: Snooze(until)
    world.put(Write(note="one"))
    world.inline.drain()
    assert spans.attribute_values("process test.write", "kontor.outcome") == ["snoozed"]
    assert spans.single("process test.write").status.status_code is StatusCode.UNSET


def test_deduplicated_job_has_one_creation_span(world: EngineHarness, spans: SpanRecorder) -> None:
    first = world.put(Write(note="one"), unique_key="k")
    assert world.put(Write(note="two"), unique_key="k") == first
    assert len(spans.named("create test.write")) == 1


def test_each_new_job_of_a_batch_has_one_creation_span(world: EngineHarness, spans: SpanRecorder) -> None:
    plain, keyed = (
        JobRequest("test.write", {"note": "plain"}),
        JobRequest("test.write", {"note": "keyed"}, unique_key="k"),
    )
    with Session(world.engine) as session, session.begin():
        ids = world.inline.jobs.enqueue_many(session, [plain, keyed, plain, keyed])
    assert spans.attribute_values("create test.write", "messaging.message.id") == [
        str(job_id) for job_id in (ids[1], ids[0], ids[2])
    ]
    assert len(spans.trace_ids()) == 1


def test_doorbell_for_a_deleted_job_has_no_span(world: EngineHarness, spans: SpanRecorder) -> None:
    world.inline.relay.bells.ring([Doorbell("bell", "write", "test.write", (new_id(),))])
    assert len(world.inline.bells.dispatched) == 1
    assert spans.trace_ids() == set()
