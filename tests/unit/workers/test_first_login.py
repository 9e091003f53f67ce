"""A first login is left in a private file, and shown on a terminal only."""

import json
import stat
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from kontor.adapters.fakes import NOON
from kontor.adapters.settings import Settings
from kontor.cli.processes import greet
from workers.first_login import FirstLogin, write


@pytest.fixture
def login(tmp_path: Path) -> FirstLogin:
    return FirstLogin(tmp_path / "first-login.json", "admin@kontor.example", "one-time", NOON, "kontor_key")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(
        data_dir=tmp_path, database_url="", redis_url="", smtp_url="", secret_key="", namespace="",
        public_url="https://kontor.example",
    )  # fmt: skip


def test_file_is_whole_and_readable_by_its_owner_alone(login: FirstLogin, settings: Settings) -> None:
    login.path.write_text("of an earlier start")
    login.path.chmod(0o644)
    write(login, settings)
    assert stat.S_IMODE(login.path.stat().st_mode) == 0o600
    assert json.loads(login.path.read_text()) == {
        "console": "https://kontor.example/console",
        "email": "admin@kontor.example",
        "password": "one-time",
        "password_expires_at": "2026-03-02T12:00:00Z",
        "api_key": "kontor_key",
    }
    assert [path.name for path in login.path.parent.iterdir()] == ["first-login.json"]


@pytest.mark.parametrize("terminal", [True, False])
def test_login_is_printed_on_a_terminal_only(
    login: FirstLogin,
    settings: Settings,
    terminal: bool,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: terminal)
    greet(replace(settings, console_url="https://staff.example"), login)
    printed = capsys.readouterr().out
    assert str(login.path) in printed
    assert "https://staff.example/console" in printed
    assert [secret in printed for secret in (login.password, login.api_key)] == [terminal] * 2


def test_secrets_are_not_in_the_representation(login: FirstLogin) -> None:
    assert login.password not in repr(login)
    assert login.api_key not in repr(login)
