"""`.ci/run` with a `make` that only says what it would make: what runs beside other steps counts and is shown whole."""

import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

from workers.migrations import ROOT

TOOLS = ("cat", "date", "dirname", "id", "mktemp", "mv", "nice", "rm", "setsid", "sh", "sleep")
MAKE = """#!/bin/sh
echo "begins: $*"
case "$*" in *"$SLOW"*) sleep 0.3 ;; esac
echo "ends: $*"
case "$*" in *"$BROKEN"*) case "$*" in deploy*) exit 8 ;; *) exit 7 ;; esac ;; esac
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A folder with the script, and a PATH of the tools that it needs."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in TOOLS:
        program = shutil.which(name)
        assert program is not None
        (programs / name).symlink_to(program)
    for name, text in (("make", MAKE), ("git", "#!/bin/sh\nexit 1\n"), ("chromium", "#!/bin/sh\n")):
        (programs / name).write_text(text)
        (programs / name).chmod(0o755)
    (tmp_path / ".ci").mkdir()
    shutil.copy(ROOT / ".ci" / "run", tmp_path / ".ci" / "run")
    return tmp_path


def run(checkout: Path, *, slow: str = "nothing", broken: str = "nothing") -> tuple[int, list[str]]:
    """Run the script; return its status and the lines of its log that have no time."""
    environ = {"PATH": str(checkout / "bin"), "SLOW": slow, "BROKEN": broken, "TMPDIR": str(checkout)}
    done = subprocess.run(
        [checkout / ".ci" / "run"], env=environ, capture_output=True, text=True, check=False, timeout=60
    )
    return done.returncode, done.stdout.splitlines()


def position(lines: list[str], part: str) -> int:
    """Return the number of the only line with this part."""
    (number,) = [number for number, line in enumerate(lines) if part in line]
    return number


def test_every_step_runs_and_its_log_is_whole_when_one_runs_beside_others(checkout: Path) -> None:
    status, lines = run(checkout, slow="chaos")
    assert (status, lines[-1][:7]) == (0, "== done")
    steps = ["install", "quick", "deploy-check docs", "test PYTEST", "browser", "chaos attack demo", "mutate"]
    ended = [position(lines, f"ends: {step}") for step in steps]
    assert ended == sorted(ended)
    assert all(position(lines, f"begins: {step}") == end - 1 for step, end in zip(steps, ended, strict=True))
    assert list(checkout.glob("tmp.*")) == []  # the logs


def test_run_fails_when_the_step_beside_the_others_fails(checkout: Path) -> None:
    status, lines = run(checkout, broken="chaos")
    assert status == 7
    assert position(lines, "demo: status 7") < position(lines, "ends: chaos") < position(lines, "guards: status 0")
    assert lines[-1].startswith("ends: mutate")


def test_first_failure_counts_and_the_log_beside_it_is_whole_when_both_fail(checkout: Path) -> None:
    status, lines = run(checkout, slow="deploy-check", broken="k")
    assert status == 7
    assert position(lines, "ends: quick") < position(lines, "site: status 8") < position(lines, "ends: deploy-c")
    assert not any("ends: test" in line for line in lines)


def test_guards_are_tried_once_more_when_they_fail(checkout: Path) -> None:
    status, lines = run(checkout, broken="mutate")
    assert (status, len([line for line in lines if line.startswith("ends: mutate")])) == (7, 2)


def test_tests_that_fail_twice_fail_the_run(checkout: Path) -> None:
    status, lines = run(checkout, broken="test PYTEST")
    assert status == 7
    assert position(lines, "ends: test PYTEST=--quiet --last-failed") == len(lines) - 1


def test_spelling_is_not_looked_up_in_what_a_step_beside_it_builds() -> None:
    # The other tools of `make quick` heed .gitignore or name their folders; hidden ones are left out by all of them.
    ignored = {line.strip("/") for line in (ROOT / ".gitignore").read_text().splitlines() if line.endswith("/")}
    skipped = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["codespell"]["skip"].split(",")
    built = {name for name in ignored if not name.startswith((".", "__", "*"))}
    assert built
    assert built <= set(skipped)
