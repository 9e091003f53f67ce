from datetime import timedelta

import pytest

from kontor.kernel.errors import Conflict, FieldError, Forbidden, Gone, Invalid, KontorError, NotFound, TooManyAttempts


def test_conflict_carries_the_state() -> None:
    error = Conflict("illegal_transition", "The offer is accepted.", state="accepted")

    assert (error.code, error.state, error.data) == (
        "illegal_transition",
        "accepted",
        {"state": "accepted"},
    )


def test_conflict_without_a_state_carries_none() -> None:
    assert "state" not in Conflict("name_taken", "The name is taken.").data


def test_invalid_keeps_its_field_errors_in_order() -> None:
    fields = [FieldError("lines.0.count", "too small"), FieldError("name", "missing")]

    assert Invalid("invalid", "No.", errors=iter(fields)).errors == tuple(fields)


@pytest.mark.parametrize(
    ("left", "seconds"),
    [
        (timedelta(minutes=15), 900),
        (timedelta(seconds=2, microseconds=1), 3),
        (timedelta(0), 1),
        (timedelta(seconds=-5), 1),
    ],
)
def test_retry_after_is_rounded_up_and_never_zero(left: timedelta, seconds: int) -> None:
    assert TooManyAttempts(left).retry_after_seconds == seconds


def test_every_error_has_a_code_and_a_message() -> None:
    for error in (NotFound(), Forbidden(), Gone(), Invalid(), TooManyAttempts(timedelta(1))):
        assert isinstance(error, KontorError)
        assert error.code
        assert str(error) == error.message
