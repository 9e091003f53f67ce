"""Log lines are structured and never contain secrets or mail content."""

import json
import logging
from collections.abc import Iterator
from threading import Thread
from typing import Any

import pytest
import structlog

from kontor.adapters.logs import configure_logs

SECRETS = {
    "a key": "kontor_WYCFQiHbc0rR0-OYcHhKnA28F2kqFE9LeDXKX7kjF58",
    "a signing secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    "a decision link": "https://kontor.example/offers/eyJvIjoiMDE5OCJ9.aGVsbG8gd29ybGQgaGVsbG8",
    "a password in a URL": "smtp://mailer:hunter2hunter2@mx.example:587",
    "a header": "Authorization: Bearer abcdefghijklmnopqrstuvwxyz",
}
NEEDLES = ("WYCFQiHb", "MfKQ9r8G", "aGVsbG8", "hunter2", "abcdefghijkl", "Dear customer", "s3cret-field")


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    """Restore the logging of the test run afterwards."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


def spill(kind: Any) -> None:
    configure_logs(kind, "worker")
    log = structlog.get_logger("test")
    for text in SECRETS.values():
        log.warning("job.failed", says=text)
        logging.getLogger("a.library").info("%s", f"GET {text}")
    log.info("mail.sent", body="Dear customer", raw="Dear customer", facts={"name": "Dear customer"})
    log.info(
        "call", headers={"webhook": ["plain", SECRETS["a key"]], "password": "s3cret-field"}, api_key="s3cret-field"
    )
    log.error("request.failed", exc_info=ValueError(SECRETS["a signing secret"]))


@pytest.mark.parametrize("kind", ["json", "console"])
def test_log_lines_contain_no_secret_and_no_mail_content(capsys: pytest.CaptureFixture[str], kind: str) -> None:
    spill(kind)
    text = capsys.readouterr().err
    assert text.count("\n") >= 13
    assert [needle for needle in NEEDLES if needle in text] == []
    assert "mx.example" in text
    assert "ValueError" in text


def test_json_line_of_any_thread_is_one_document_with_time_level_and_role(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs("json", "relay")
    log = structlog.get_logger("kontor.engine.recovery")
    thread = Thread(target=lambda: log.warning("job.crashed", job="1", attempt=2, tenant="t", trace="abc"))
    thread.start()
    thread.join()
    (line,) = capsys.readouterr().err.splitlines()
    entry = json.loads(line)
    assert {
        "event": "job.crashed",
        "level": "warning",
        "role": "relay",
        "job": "1",
        "attempt": 2,
    }.items() <= entry.items()
    assert entry["timestamp"].endswith("Z")
