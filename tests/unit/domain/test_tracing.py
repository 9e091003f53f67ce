import pytest

from kontor.kernel.ids import new_id
from kontor.kernel.tracing import TraceContext, job_context, parse_traceparent

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
SPAN = "00f067aa0ba902b7"


def test_traceparent_is_parsed_and_formatted() -> None:
    header = f"00-{TRACE}-{SPAN}-01"
    assert parse_traceparent(header) == TraceContext(TRACE, SPAN)
    assert TraceContext(TRACE, SPAN).header() == header
    assert TraceContext(TRACE, SPAN, sampled=False).header() == f"00-{TRACE}-{SPAN}-00"


def test_later_version_may_have_more_fields() -> None:
    assert parse_traceparent(f"cc-{TRACE}-{SPAN}-01-what-the-future-will-be-like") == TraceContext(TRACE, SPAN)


@pytest.mark.parametrize(
    "header",
    [
        "",
        TRACE,
        f"00-{TRACE}-{SPAN}",
        f"00-{TRACE}-{SPAN}-01-more",
        f"ff-{TRACE}-{SPAN}-01",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{'z' * 32}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}-01\n00-{TRACE}-{SPAN}-01",
    ],
)
def test_any_other_header_is_ignored(header: str) -> None:
    assert parse_traceparent(header) is None


def test_span_context_of_a_job_is_derived_from_its_id() -> None:
    first, second = new_id(), new_id()
    assert job_context(first, TRACE) == job_context(first, TRACE)
    assert job_context(first, TRACE).trace_id == job_context(second, TRACE).trace_id == TRACE
    assert job_context(first, TRACE).span_id != job_context(second, TRACE).span_id


@pytest.mark.parametrize("trace_id", [None, "", "0" * 32, "a word of an older release"])
def test_job_without_a_trace_starts_its_own(trace_id: str | None) -> None:
    job_id = new_id()
    place = job_context(job_id, trace_id)
    assert parse_traceparent(place.header()) == place
    assert place.trace_id == job_id.hex
