"""`kontor tasks`: apply, list, show."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.test_cli import Run, environ, run

__all__ = ["environ", "run"]

FILE = """\
tasks:
  vps.create:
    args: {properties: {plan: {type: string}, root_password: {type: string, writeOnly: true}}}
    handler: {push: "https://93.184.215.14/kontor"}
  vps.snapshot:
    handler: pull
schedules:
  nightly-snapshots: {task: vps.snapshot, args: {}, cron: "0 3 * * *", timezone: Europe/Berlin}
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A task file whose handler has a public address."""
    path = tmp_path / "vps.yaml"
    path.write_text(FILE)
    return path


def applied(run: Run, file: Path, *flags: str) -> dict[str, Any]:
    """Apply the file; return the answer's document."""
    done = run("tasks", "apply", str(file), "--json", *flags)
    assert done.returncode == 0, done.stderr
    document: dict[str, Any] = json.loads(done.stdout)
    return document


def test_secret_is_shown_once_and_a_second_time_there_is_nothing_to_change(run: Run, file: Path) -> None:
    assert applied(run, file, "--dry-run")["applied"] is False
    first = applied(run, file)
    assert first["applied"] is True
    assert first["secrets"]["vps.create"].startswith("whsec_")
    again = run("tasks", "apply", str(file))
    assert (again.returncode, again.stdout) == (0, "nothing to change\n")
    assert "whsec_" not in run("tasks", "show", "vps.create", "--json").stdout


def test_types_and_their_schedules_are_listed(run: Run, file: Path) -> None:
    applied(run, file)
    items = json.loads(run("tasks", "list", "--json").stdout)["items"]
    assert [item["name"] for item in items] == ["vps.create", "vps.snapshot"]
    assert json.loads(run("tasks", "show", "vps.snapshot", "--json").stdout)["handler"] == "pull"
    assert "nightly-snapshots" in run("schedules", "list").stdout
    assert "vps" in run("queues", "list").stdout


def test_file_is_refused_at_its_line_when_it_is_wrong(run: Run, file: Path) -> None:
    file.write_text(FILE.replace("handler: pull", "handler: pool"))
    refused = run("tasks", "apply", str(file))
    assert refused.returncode == 1
    assert "6" in refused.stderr


def test_file_is_refused_when_a_handler_has_a_private_address(
    run: Run, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file.write_text(FILE.replace("https://93.184.215.14/kontor", "http://127.0.0.1:4096/kontor"))
    assert run("tasks", "apply", str(file)).returncode == 1
    monkeypatch.setenv("KONTOR_HANDLER_NETWORKS", "127.0.0.0/8")
    assert run("tasks", "apply", str(file)).returncode == 0


def test_unknown_type_is_named(run: Run) -> None:
    unknown = run("tasks", "show", "vps.create")
    assert (unknown.returncode, "no such task type" in unknown.stderr) == (1, True)
