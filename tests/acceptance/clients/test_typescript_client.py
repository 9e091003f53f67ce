"""`clients/typescript` against a running Kontor, by node."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.acceptance.clients.conftest import RunningKontor, node
from workers.migrations import ROOT

pytestmark = pytest.mark.timeout(300)  # the first test of a run starts Kontor
FOLDER = ROOT / "clients" / "typescript"
TSC = os.environ.get("TSC") or shutil.which("tsc")


def test_client_works_on_a_running_kontor(kontor: RunningKontor) -> None:
    environ = {**os.environ, "KONTOR_URL": kontor.url, "KONTOR_KEY": kontor.api.key, "RESELLER": kontor.reseller()}
    suite = Path(__file__).with_name("typescript.mjs")
    command = [node(), "--test", "--test-reporter=tap", str(suite)]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=110, check=False)
    assert done.returncode == 0, done.stdout[-6_000:] + done.stderr[-2_000:]
    assert "# pass 10" in done.stdout


def test_nothing_else_is_needed_to_run_it() -> None:
    package = json.loads((FOLDER / "package.json").read_text())
    assert "dependencies" not in package
    sources = {path.stem for path in (FOLDER / "src").glob("*.ts")}
    assert {path.name for path in (FOLDER / "lib").iterdir()} == {
        f"{name}.{kind}" for name in sources for kind in ("js", "d.ts")
    }


@pytest.mark.skipif(TSC is None, reason="no tsc on this machine: set TSC to one")
def test_committed_library_is_what_tsc_makes(tmp_path: Path) -> None:
    command = [str(TSC), "--project", str(FOLDER), "--outDir", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    stale = [path.name for path in tmp_path.iterdir() if path.read_text() != (FOLDER / "lib" / path.name).read_text()]
    assert stale == [], "run `tsc --project clients/typescript`"
