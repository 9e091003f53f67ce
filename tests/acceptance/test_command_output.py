"""What every command has in common: one line for an error, tables that fit (contract.md section 1)."""

import pytest
from sqlalchemy import Engine, make_url
from sqlalchemy.orm import Session

from kontor.adapters.clock import SystemClock
from kontor.adapters.settings import Settings
from kontor.engine.enqueue import JobRequest
from tests.acceptance.test_cli import Run, environ, run
from tests.support.wiring import silent_jobs

__all__ = ["environ", "run"]


@pytest.mark.parametrize(
    ("arguments", "code", "line"),
    [
        (("keys", "create", "--name", "x", "--scope", "bogus"), 1, "scopes: must be one of read, enqueue"),
        (
            ("operator", "create", "--email", "bad", "--role", "viewer"),
            1,
            "email: An email address must have an @-sign",
        ),
        (("keys", "revoke", "nope"), 2, "Invalid value for 'ID'"),
        (("keys", "create", "--name", "x"), 2, "Missing option '--scope'"),
        (("jobs", "list", "--state", "lost"), 2, "Invalid value for '--state'"),
        (("nothing",), 2, "No such command 'nothing'. (kontor --help tells more)"),
    ],
)
def test_error_is_one_line_on_stderr(run: Run, arguments: tuple[str, ...], code: int, line: str) -> None:
    refused = run(*arguments)
    assert (refused.returncode, refused.stdout) == (code, "")
    assert refused.stderr.startswith(f"kontor: {line}")
    assert refused.stderr.count("\n") == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ("keys", "list"),
        ("operator", "list"),
        ("schedules", "list"),
        ("queues", "list"),
        ("limits", "list"),
        ("jobs", "list"),
    ],
)
def test_table_fits_eighty_columns(
    run: Run, engine: Engine, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]
) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    long = "a-name-that-is-longer-than-anybody-needs-for-a-key"
    assert run("keys", "create", "--name", long, "--scope", "read", "--scope", "enqueue:vps.*").returncode == 0
    assert run("operator", "create", "--email", f"{long}@kontor.example", "--role", "viewer").returncode == 0
    with Session(engine) as session, session.begin():
        silent_jobs(SystemClock()).enqueue_request(session, JobRequest("probe.echo", {"message": long}))
    listed = run(*arguments).stdout
    assert max(map(len, listed.splitlines())) <= 80
    assert len(run(*arguments, "--wide").stdout) >= len(listed)


def test_missing_database_is_told_from_a_server_that_is_away(
    run: Run, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    missing = make_url(settings.database_url).set(database="never_made").render_as_string(hide_password=False)
    monkeypatch.setenv("DATABASE_URL", missing)
    refused = run("keys", "list")
    assert refused.returncode == 1
    assert 'database "never_made" does not exist: create it' in refused.stderr
    assert refused.stderr.count("\n") == 1
