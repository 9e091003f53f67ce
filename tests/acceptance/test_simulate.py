"""`kontor simulate` as a command: one document, and no database left, also after an interrupt."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from kontor.adapters.settings import Settings
from tests.support.polling import wait_for
from workers.migrations import ROOT

KONTOR = Path(sys.executable).with_name("kontor")
HOSTING = str(ROOT / "examples" / "programmes" / "hosting.yaml")
TIMEOUT_SECONDS = 60


@pytest.fixture
def environ(settings: Settings) -> Mapping[str, str]:
    """The environment of a command on this test's servers."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("KONTOR_", "PUBLIC_URL"))}
    environment = settings.environ()
    return {
        **kept,
        **{name: environment[name] for name in ("DATABASE_URL", "REDIS_URL", "SECRET_KEY", "KONTOR_DATA_DIR")},
    }


def databases(engine: Engine) -> set[str]:
    """The existing databases of simulations."""
    with engine.connect() as connection:
        rows = connection.execute(text("SELECT datname FROM pg_database WHERE datname LIKE 'kontor_simulation_%'"))
        return {str(name) for (name,) in rows}


@pytest.mark.slow
def test_simulation_prints_one_document_draws_charts_and_drops_its_database(
    environ: Mapping[str, str], engine: Engine, tmp_path: Path
) -> None:
    before = databases(engine)
    options = ["--resellers", "3", "--months", "1", "--seed", "5", "--plots", str(tmp_path / "plots"), "--json"]

    done = subprocess.run(
        [KONTOR, "simulate", "--programme", HOSTING, *options],
        env=environ, cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert (document["programme"], document["days"], len(document["series"])) == ("hosting", 31, 31)
    assert {path.name for path in (tmp_path / "plots").iterdir()} == {
        "tiers.svg", "turnover.svg", "mails.svg", "jobs.svg"
    }  # fmt: skip
    assert databases(engine) <= before


@pytest.mark.slow
def test_interrupted_simulation_drops_its_database(environ: Mapping[str, str], engine: Engine) -> None:
    before = databases(engine)
    command = [str(KONTOR), "simulate", "--programme", HOSTING, "--months", "120"]
    running = subprocess.Popen(command, env=environ, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    wait_for(lambda: bool(databases(engine) - before) or running.poll() is not None, "a database", TIMEOUT_SECONDS)
    assert running.poll() is None

    running.send_signal(signal.SIGTERM)
    running.communicate(timeout=TIMEOUT_SECONDS)

    assert running.returncode != 0
    assert databases(engine) <= before


def test_invalid_programme_file_is_refused_before_a_database_is_created(
    environ: Mapping[str, str], engine: Engine, tmp_path: Path
) -> None:
    before, bad = databases(engine), tmp_path / "bad.yaml"
    bad.write_text("name: Bad\ncurrency: XXX\n")

    done = subprocess.run(
        [KONTOR, "simulate", "--programme", bad], env=environ, cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert (done.returncode, done.stdout) == (1, "")
    assert "line 2" in done.stderr
    assert databases(engine) <= before
