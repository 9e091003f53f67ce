"""Tasks of installed packages: the example is installed from a wheel, named, and its job runs."""

import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from importlib.metadata import distributions
from pathlib import Path

import pytest
from sqlalchemy import Engine

from kontor.adapters.fakes import ManualClock
from kontor.engine.enqueue import Jobs
from kontor.engine.testing import InlineWorker, MemoryRelayHint
from kontor.kernel.errors import Invalid
from tasks.catalogue import FAMILIES, catalogue
from tasks.packages import handlers_of

PACKAGE = Path(__file__).parents[3] / "examples" / "task-package"
NAME = "kontor-dns-tasks"


def wheel_of(folder: Path, target: Path) -> Path:
    """Pack a folder as its pyproject.toml says; a build program would come from the network."""
    project = tomllib.loads((folder / "pyproject.toml").read_text())["project"]
    name, version = project["name"].replace("-", "_"), project["version"]
    points = "\n".join(f"{key} = {value}" for key, value in project["entry-points"]["kontor.tasks"].items())
    info = f"{name}-{version}.dist-info"
    path = target / f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        for file in sorted((folder / "src").rglob("*.py")):
            wheel.write(file, str(file.relative_to(folder / "src")))
        wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {version}\n")
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/entry_points.txt", f"[kontor.tasks]\n{points}\n")
        wheel.writestr(f"{info}/RECORD", "")
    return path


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the example package installed, without the network."""
    folder, wheel = tmp_path_factory.mktemp("installed"), wheel_of(PACKAGE, tmp_path_factory.mktemp("wheel"))
    flags = ["--no-index", "--no-deps", "--no-compile", "--quiet", "--disable-pip-version-check"]
    subprocess.run([sys.executable, "-m", "pip", "install", *flags, "--target", str(folder), str(wheel)], check=True)
    return folder


@pytest.fixture
def importable(installed: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The installed package can be imported; afterwards nothing of it is left."""
    monkeypatch.syspath_prepend(installed)
    yield
    for module in [name for name in sys.modules if name.partition(".")[0] == "zone_file_tasks"]:
        del sys.modules[module]
    handlers_of.cache_clear()


@pytest.mark.usefixtures("importable")
def test_job_of_a_package_runs_when_the_package_is_named(
    engine: Engine, clock: ManualClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DNS_ZONES", str(tmp_path))
    with InlineWorker(engine, handlers_of((NAME,), FAMILIES), clock) as inline:
        jobs = Jobs(catalogue((NAME,)), clock, MemoryRelayHint())
        with inline.runtime.transaction() as (session, connection):
            connection.execute("BEGIN")
            jobs.enqueue(session, "dns.add", {"zone": "example.org", "name": "www", "address": "192.0.2.7"})
            connection.execute("COMMIT")
        inline.drain()
    assert (tmp_path / "example.org.zone").read_text() == "www IN A 192.0.2.7\n"


@pytest.mark.usefixtures("importable")
def test_package_is_not_imported_when_nobody_names_it() -> None:
    assert any(each.name == NAME for each in distributions())
    assert "dns.add" not in catalogue()
    assert "zone_file_tasks" not in sys.modules


@pytest.mark.usefixtures("importable")
def test_named_package_is_refused_when_its_family_is_kontors_own() -> None:
    with pytest.raises(Invalid, match=r"dns\.add needs a name"):
        handlers_of((NAME,), FAMILIES | {"dns"})


def test_named_package_is_refused_when_it_is_not_installed() -> None:
    with pytest.raises(Invalid, match="KONTOR_TASK_PACKAGES: acme-tasks is not installed"):
        catalogue(("acme-tasks",))


def test_example_imports_the_sdk_alone() -> None:
    source = (PACKAGE / "src" / "zone_file_tasks" / "tasks.py").read_text()
    modules = [line.split()[1] for line in source.splitlines() if line.startswith(("from ", "import "))]
    assert [module for module in modules if module.partition(".")[0] not in sys.stdlib_module_names] == ["kontor.sdk"]
