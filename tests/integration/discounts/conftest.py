"""The API, a worker and a scheduler on a separate database per test, from 1 December 2025."""

import sys
from collections.abc import Iterator
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from kontor.adapters.fakes import ManualClock
from kontor.adapters.settings import Settings
from kontor.cli.main import main
from tests.support.api import Api
from tests.support.api_fixtures import api, deps
from tests.support.discounts import OPENING, DiscountScenario, Import, discount_scenario, moscow

__all__ = ["api", "deps"]


@pytest.fixture
def clock() -> ManualClock:
    """Midnight UTC of 1 December 2025."""
    return ManualClock(OPENING)


@pytest.fixture
def world(api: Api, clock: ManualClock) -> Iterator[DiscountScenario]:
    """Resellers of `hosting` behind the API."""
    with discount_scenario(api, clock) as scenario:
        yield scenario


@pytest.fixture
def run_import(
    world: DiscountScenario,
    settings: Settings,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Import:
    """Import a file with the command and its options, on this test's database and clock."""
    world.reach(moscow("2026-02-01"))
    for name in ("DATABASE_URL", "REDIS_URL", "SMTP_URL", "SECRET_KEY", "KONTOR_DATA_DIR", "KONTOR_NAMESPACE"):
        monkeypatch.setenv(name, settings.environ()[name])
    monkeypatch.setattr("kontor.cli.context.configure_logs", lambda *_: None)
    monkeypatch.setattr("workers.connections.clock_for", lambda _: world.clock)
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    file = tmp_path / "payments.csv"

    def start(content: str | bytes, *options: str) -> "CompletedProcess[str]":
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
        monkeypatch.setattr(sys, "argv", ["kontor", "import", "payments", str(file), *options])
        try:
            code = main()
        except SystemExit as error:
            code = int(error.code or 0)
        except Exception as error:  # noqa: BLE001 -- the interpreter hands every error to the hook
            sys.excepthook(type(error), error, error.__traceback__)
            code = 1
        out, err = capsys.readouterr()
        return CompletedProcess(sys.argv, code, out, err)

    return start


@pytest.fixture
def take(run_import: Import) -> Import:
    """Import a file of one reseller: `take(reseller, content, *options)`."""
    return lambda reseller, content, *options: run_import(content, "--reseller", reseller, *options)
