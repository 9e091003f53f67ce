import re
import subprocess
import sys
from pathlib import Path

import pytest
from alembic.script import ScriptDirectory

from devtools.source import ROOT, module_name, name, product
from kontor.accounts.personal_data import DERIVED
from models.base import metadata
from tasks.catalogue import PAYLOADS
from workers.schema import newest_migration

IMPORT_ALL = """
import importlib, socket, sys, threading

class NoSocket(socket.socket):
    def __init__(self, *arguments, **options):
        raise AssertionError("an import opened a socket")

socket.socket = NoSocket
for module in sys.argv[1:]:
    importlib.import_module(module)
    assert threading.active_count() == 1, f"{module} started a thread"
dramatiq = sys.modules["dramatiq"]
assert dramatiq.broker.global_broker is None, "an import built a broker"
"""


@pytest.mark.timeout(300)
def test_importing_any_module_has_no_side_effect() -> None:
    modules = [module_name(path) for path in product() if path.stem != "__main__" and name(path) != LAUNCH]
    command = [sys.executable, "-c", IMPORT_ALL, *modules]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""


LAUNCH = "kontor/adapters/embedded/launch.py"


REQUEST_LIBRARIES = {"alembic", "babel", "fastapi", "httpcore", "httpx", "jinja2", "starlette", "yaml"}


def modules_loaded_by(module: str) -> set[str]:
    code = f"import sys, {module}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_command_line_starts_without_heavy_libraries() -> None:
    heavy = {"alembic", "cryptography", "dramatiq", "fastapi", "jinja2", "redis", "sqlalchemy"}
    code = f"import sys; from kontor.cli.main import build; build(); print(*sorted({heavy!r} & sys.modules.keys()))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


@pytest.mark.parametrize(
    ("process", "libraries"), [("workers.relay", REQUEST_LIBRARIES | {"sqlalchemy"}), ("scheduler", REQUEST_LIBRARIES)]
)
def test_process_loads_payloads_alone_when_it_runs_no_handler(process: str, libraries: set[str]) -> None:
    loaded = modules_loaded_by(process)
    slices = {payload.__module__.rpartition(".")[0] for payload in PAYLOADS} - {"kontor.engine"}
    of_slices = {module for module in loaded if module.rpartition(".")[0] in slices}
    assert of_slices == {f"{name}.payloads" for name in slices}
    assert not loaded & {"tasks.registry", "kontor.context", "kontor.mailer", "kontor.http", "kontor.console"}
    assert not loaded & libraries


def test_worker_loads_no_request_layer() -> None:
    assert not modules_loaded_by("workers.worker") & {"alembic", "fastapi", "starlette"}


def test_newest_migration_is_the_only_head() -> None:
    heads = ScriptDirectory(str(ROOT / "migrations")).get_heads()
    assert heads == [newest_migration()]


def test_export_of_an_account_searches_every_table_in_whichever_process() -> None:
    searched = (
        "from kontor.accounts.personal_data import exported_tables; print(*[each.name for each in exported_tables()])"
    )
    done = subprocess.run([sys.executable, "-c", searched], cwd=ROOT, capture_output=True, text=True, check=True)
    assert set(done.stdout.split()) == {table.name for table in metadata().sorted_tables} - DERIVED


@pytest.mark.parametrize("path", sorted((ROOT / "models").glob("*.py")), ids=lambda path: path.stem)
def test_table_of_another_module_is_referred_to_by_its_class(path: Path) -> None:
    """A name in quotes is resolved at the first flush, in a process that may have imported no such table."""
    code = path.read_text()
    own = set(re.findall(r'__tablename__ = "(\w+)"', code))
    assert set(re.findall(r'ForeignKey\("(\w+)\.', code)) <= own
