"""Causes of failed calls, as a reader of a mail needs them."""

import pytest

from kontor.kernel.failure_causes import FailureCause, failure_cause, public_error


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
        ("not sent: no connection: [Errno 111] Connection refused", FailureCause.CONNECTION_REFUSED),
        ("not sent: no connection: [SSL: CERTIFICATE_VERIFY_FAILED] (_ssl.c:1006)", FailureCause.TLS_FAILED),
        ("not sent: no connection: shop.example cannot be resolved", FailureCause.NAME_UNKNOWN),
        ("not sent: no connection: [Errno 101] Network is unreachable", FailureCause.UNREACHABLE),
        ("the endpoint is disabled", FailureCause.ENDPOINT_DISABLED),
        ("the connection broke: reset", FailureCause.UNREACHABLE),
        ("not sent: 10.0.0.1 is not an address that may be called.", FailureCause.ADDRESS_FORBIDDEN),
        ("answered 100", FailureCause.OTHER),
        ("the worker died", FailureCause.OTHER),
    ],
)
def test_an_error_is_classified_by_its_text(error: str, cause: FailureCause) -> None:
    assert failure_cause(error) is cause


@pytest.mark.parametrize(
    ("error", "shown"),
    [
        ("answered 403: token=abc", "answered 403"),
        ("no answer in 15 s", "timed_out"),
        ("not sent: no connection: 10.0.0.7 refused", "connection_refused"),
        ("Traceback of a handler", "other"),
    ],
)
def test_public_error_holds_a_status_or_a_cause_and_no_text_of_others(error: str, shown: str) -> None:
    assert public_error(error) == shown
