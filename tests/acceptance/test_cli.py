import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from kontor.adapters.clock import SystemClock
from kontor.adapters.settings import Settings
from kontor.cli.main import main
from kontor.engine.admin import invariants
from kontor.engine.enqueue import JobRequest
from tests.support.wiring import silent_jobs
from workers.migrations import ROOT

KONTOR = Path(sys.executable).with_name("kontor")
Run = Callable[..., "subprocess.CompletedProcess[str]"]
UNKNOWN = """
INSERT INTO jobs (id, task, queue, state, payload, run_at, max_attempts, created_at, held, unsupported)
VALUES (gen_random_uuid(), 'gone.task', 'probe', 'queued', '{}', now(), 3, now(), true, true)
"""

WRONG_CLOCK = """
INSERT INTO processes (id, role, host, pid, version, started_at, beat_at, clock_offset_seconds)
VALUES ('web-1', 'web', 'h', 1, '0', clock_timestamp() - interval '1 hour', clock_timestamp(), 2.5)
"""


@pytest.fixture
def environ(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment of a command that uses this test's database."""
    for name in os.environ:
        if name.startswith(("KONTOR_", "PORT", "PUBLIC_URL", "SMTP_URL")):
            monkeypatch.delenv(name)
    for name in ("DATABASE_URL", "REDIS_URL", "SMTP_URL", "SECRET_KEY", "KONTOR_DATA_DIR", "KONTOR_NAMESPACE"):
        monkeypatch.setenv(name, settings.environ()[name])


@pytest.fixture
def run(environ: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command in this process, handling its errors as the interpreter would."""
    monkeypatch.setattr("kontor.cli.context.configure_logs", lambda *_: None)
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)

    def start(*arguments: str) -> "subprocess.CompletedProcess[str]":
        monkeypatch.setattr(sys, "argv", ["kontor", *arguments])
        try:
            code = main()
        except SystemExit as error:
            code = int(error.code or 0)
        except Exception as error:  # noqa: BLE001 -- the interpreter hands every error to the hook
            sys.excepthook(type(error), error, error.__traceback__)
            code = 1
        out, err = capsys.readouterr()
        return subprocess.CompletedProcess(arguments, code, out, err)

    return start


@pytest.fixture
def installed(environ: None) -> Run:
    """Run the installed command as a separate process."""

    def start(*arguments: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run([KONTOR, *arguments], cwd=ROOT, capture_output=True, text=True, check=False)

    return start


def printed(done: "subprocess.CompletedProcess[str]") -> dict[str, object]:
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert isinstance(document, dict)
    return document


def test_key_is_created_shown_once_listed_and_revoked(run: Run) -> None:
    made = printed(run("keys", "create", "--name", "shop", "--scope", "read", "--scope", "enqueue", "--json"))
    assert list(made) == ["id", "name", "scopes", "reseller_id", "account_id", "secret"]
    assert made["scopes"] == ["read", "enqueue"]
    bound = printed(
        run(
            "keys", "create", "--name", "n", "--scope", "enqueue:vps.*", "--from", "10.0.0.0/8", "--rate", "9", "--json"
        )
    )
    (row,) = [row for row in json.loads(run("keys", "list", "--json").stdout)["items"] if row["id"] == bound["id"]]
    assert (row["scopes"], row["from"], row["rate"]) == (["enqueue:vps.*"], ["10.0.0.0/8"], 9)
    assert (row["expires_at"], row["last_used_at"]) == (None, None)
    assert run("accounts", "suspend", bound["id"], "--reason", "abuse").returncode == 1
    assert UUID(str(made["id"])).version == 7
    listed = run("keys", "list", "--json")
    assert str(made["id"]) in listed.stdout
    assert str(made["secret"]) not in listed.stdout
    assert printed(run("keys", "revoke", str(made["id"]), "--json"))["revoked_at"] is not None


def test_failure_is_one_line_and_exit_1_with_a_traceback_on_demand(installed: Run) -> None:
    unknown = str(UUID(int=7))
    done = installed("jobs", "show", unknown, "--json")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"kontor: There is no job {unknown}.\n"
    assert "Traceback" in installed("jobs", "show", unknown, "--debug").stderr


def test_list_of_jobs_continues_at_the_cursor(run: Run, engine: Engine) -> None:
    with Session(engine) as session:
        jobs = silent_jobs(SystemClock())
        ids = jobs.enqueue_many(session, [JobRequest("probe.echo", {"message": str(n)}) for n in range(3)])
        session.commit()
    first = run("jobs", "list", "--limit", "2")
    assert first.stderr == f"More: --cursor {ids[1]}\n"
    assert str(ids[2]) in first.stdout
    rest = run("jobs", "list", "--limit", "2", "--cursor", str(ids[1]), "--json")
    assert [job["id"] for job in listed(rest)] == [str(ids[0])]
    assert json.loads(rest.stdout)["next"] is None
    assert "Use the `next` value" in run("jobs", "list", "--cursor", "x").stderr


@pytest.mark.parametrize("arguments", [["jobs", "show", "x"], ["keys", "create"], ["nonsense"], ["up", "--port", "0"]])
def test_wrong_usage_exits_with_2(run: Run, arguments: list[str]) -> None:
    done = run(*arguments)
    assert (done.returncode, done.stdout) == (2, "")


def test_invalid_setting_stops_a_command_before_it_starts(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KONTOR_LGO", "json")
    done = run("migrate")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "kontor: KONTOR_LGO is not a setting of Kontor: remove it or see .env.example\n"


def test_migrating_a_migrated_database_changes_nothing(run: Run) -> None:
    done = printed(run("migrate", "--json"))
    assert done["from"] == done["to"]


def test_example_programmes_apply_once(run: Run) -> None:
    for file in sorted((ROOT / "examples" / "programmes").glob("*.yaml")):
        assert printed(run("programme", "apply", str(file), "--dry-run", "--json"))["applied"] is False
        assert printed(run("programme", "apply", str(file), "--json"))["applied"] is True
        again = printed(run("programme", "apply", str(file), "--json"))
        assert (again["applied"], again["changes"]) == (False, [])
    names = {row["name"] for row in listed(run("schedules", "list", "--json"))}
    assert {"fees.charge.booking", "fees.statements.telephony"} <= names


def test_invalid_programme_file_is_refused_with_every_error_and_its_line(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "bad.yaml"
    file.write_text("name: Bad\ncurrency: XXX\nnonsense: 1\n")
    done = run("programme", "apply", str(file))
    assert (done.returncode, done.stdout) == (1, "")
    assert "line 2" in done.stderr
    assert "line 3" in done.stderr
    assert run("programme", "show", "bad").returncode == 1


def test_queue_is_paused_with_a_reason_in_the_audit_log(run: Run, engine: Engine) -> None:
    assert printed(run("queues", "pause", "probe", "--reason", "storm", "--json"))["paused"] is True
    with engine.connect() as connection:
        row = connection.execute(text("SELECT action, target, reason FROM audit_log")).one()
    assert tuple(row) == ("queue.pause", "queue:probe", "storm")
    assert printed(run("queues", "resume", "probe", "--json"))["paused"] is False


def test_doctor_reports_problems_with_remedies(run: Run, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    well = json.loads(run("doctor", "--json").stdout)["items"]
    states = {finding["subject"]: finding["state"] for finding in well}
    assert states["PostgreSQL"] in {"ok", "problem"}  # the scratch servers of a test run are not durable
    assert (states["Redis"], states["migrations"]) == ("ok", "ok")
    assert states["SMTP"] == "problem"
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '0000'"))
    monkeypatch.setenv("KONTOR_TEST_CLOCK", "1")
    ill = run("doctor", "--json")
    findings = {finding["subject"]: finding for finding in json.loads(ill.stdout)["items"]}
    assert ill.returncode == 1
    assert findings["migrations"]["remedy"] == "run `kontor migrate`"
    assert findings["clock"]["state"] == "warning"


def test_doctor_names_an_unknown_task(run: Run, engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(text(UNKNOWN))
    ill = run("doctor", "--json")
    finding = next(item for item in json.loads(ill.stdout)["items"] if item["subject"] == "tasks")
    assert (ill.returncode, finding["text"]) == (1, "1 job(s) of unknown task gone.task")
    assert finding["remedy"].startswith("deploy the release that knows it, or cancel them")


def problems(result: "subprocess.CompletedProcess[str]") -> dict[str, tuple[str, str]]:
    """(text, remedy) of the problems of `kontor doctor --json` by subject."""
    items = json.loads(result.stdout)["items"]
    return {item["subject"]: (item["text"], item["remedy"]) for item in items if item["state"] == "problem"}


def test_doctor_names_a_broken_invariant_with_its_remedy(run: Run, engine: Engine) -> None:
    assert "clock" not in problems(run("doctor", "--json"))
    with engine.begin() as connection:
        connection.execute(text(WRONG_CLOCK))
    ill = run("doctor", "--json")
    wrong = ("the clock of web web-1 is +2.5 s from PostgreSQL's", "synchronise both hosts with NTP")
    assert (ill.returncode, problems(ill)["clock"]) == (1, wrong)


def test_doctor_names_a_held_job_in_a_free_lane_after_a_second_look(
    run: Run, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    with engine.begin() as connection:
        connection.execute(text(UNKNOWN))
        connection.execute(text("UPDATE jobs SET unsupported = false, lane = 'acme'"))

    def release(seconds: float) -> None:
        with engine.begin() as connection:
            connection.execute(text("UPDATE jobs SET held = false"))

    assert problems(run("doctor", "--json"))["lane"][0] == "lane acme is free, and its jobs are held"
    monkeypatch.setattr("workers.doctor.time.sleep", release)
    assert "lane" not in problems(run("doctor", "--json"))


def test_doctor_warns_of_a_long_transaction(run: Run, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(invariants, "LONG_OPEN", invariants.LONG_OPEN.replace("60 s", "0 s"))
    with engine.connect() as connection:
        pid = connection.execute(text("SELECT pg_backend_pid()")).scalar_one()
        items = json.loads(run("doctor", "--json").stdout)["items"]
    warnings = [item["text"] for item in items if (item["subject"], item["state"]) == ("transaction", "warning")]
    assert any(f"(pid {pid})" in warning for warning in warnings)


def test_doctor_names_a_read_only_server(run: Run, engine: Engine) -> None:
    name = engine.url.database
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(f'ALTER DATABASE "{name}" SET default_transaction_read_only = on'))
    ill = run("doctor", "--json")
    assert (ill.returncode, "read-only" in problems(ill)["read-only"][0]) == (1, True)


def test_cancel_of_a_locked_job_is_remembered(run: Run, engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(text(UNKNOWN))
    with engine.begin() as connection:
        job_id = connection.execute(text("SELECT id FROM jobs FOR UPDATE")).scalar_one()
        cancelled = run("jobs", "cancel", str(job_id), "--json")
    assert printed(cancelled)["state"] == "queued"
    assert "as soon as it no longer is" in cancelled.stderr
    with engine.connect() as connection:
        assert connection.execute(text("SELECT job_id FROM cancel_requests")).scalar_one() == job_id


def test_operator_gets_a_one_time_password_and_a_unique_login(run: Run) -> None:
    made = printed(run("operator", "create", "--email", "ann@kontor.example", "--role", "viewer", "--json"))
    assert len(str(made["password"])) >= 16
    again = run("operator", "create", "--email", "ANN@kontor.example", "--role", "viewer")
    assert again.returncode == 1
    assert run("operator", "create", "--email", "bob@kontor.example", "--role", "king").returncode == 1


def test_gap_is_reported_and_repaired(run: Run, engine: Engine) -> None:
    assert printed(run("reconcile", "--json")) == {"items": [], "next": None}
    assert run("reconcile").stdout == "Nothing is missing.\n"
    with engine.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO mails (id, template, locale, facts, fact_key, identity, created_at)"
                " VALUES (gen_random_uuid(), 'activation', 'en', '{}', 'x', 'x', now())"
            )
        )
    (gap,) = listed(run("reconcile", "--json"))
    assert (gap["kind"], gap["mendable"], gap["job_id"]) == ("mail_unsent", True, None)
    (mended,) = listed(run("reconcile", "--mend", "--reason", "a test", "--json"))
    assert printed(run("jobs", "show", str(mended["job_id"]), "--json"))["task"] == "mail.send"
    assert listed(run("reconcile", "--json")) == []


def listed(done: "subprocess.CompletedProcess[str]") -> list[dict[str, object]]:
    """The items of a printed list."""
    items: list[dict[str, object]] = json.loads(done.stdout)["items"]
    return items


def test_command_leaves_nothing_and_says_where_it_looked_when_run_in_a_wrong_directory(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("DATABASE_URL", "REDIS_URL", "KONTOR_DATA_DIR"):
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    for arguments in (["keys", "list"], ["doctor"], ["migrate"], ["web"], ["mails", "list", "--data-dir", "other"]):
        refused = run(*arguments)
        folder = "other" if "other" in arguments else ".kontor"
        assert refused.returncode == 1
        assert refused.stderr.startswith(f"kontor: the data directory {tmp_path / folder} does not exist")
        assert len(refused.stderr.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []
