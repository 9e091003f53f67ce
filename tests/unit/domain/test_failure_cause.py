"""Causes of failed calls, as a reader of a mail needs them."""

import pytest

from kontor.kernel.ports import FailureCause, failure_cause


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        ("answered 302", FailureCause.REDIRECTED),
        ("answered 400: no", FailureCause.REJECTED),
        ("answered 401", FailureCause.ACCESS_DENIED),
        ('answered 403: {"status": 403}', FailureCause.ACCESS_DENIED),
        ("answered 404: Not Found", FailureCause.NOT_FOUND),
        ("answered 410", FailureCause.NOT_FOUND),
        ("answered 429", FailureCause.OVERLOADED),
        ("answered 503: busy", FailureCause.SERVER_ERROR),
        ("no answer in 15 s", FailureCause.TIMED_OUT),
        ("not sent: no connection in 15 s", FailureCause.TIMED_OUT),
        ("not sent: no connection: refused", FailureCause.UNREACHABLE),
        ("the connection broke: reset", FailureCause.UNREACHABLE),
        ("not sent: 10.0.0.1 is not an address that may be called.", FailureCause.ADDRESS_FORBIDDEN),
        ("answered 100", FailureCause.OTHER),
        ("the worker died", FailureCause.OTHER),
    ],
)
def test_an_error_is_classified_by_its_text(error: str, cause: FailureCause) -> None:
    assert failure_cause(error) is cause
