"""`kontor operator` and `kontor secrets`."""

import pytest

from kontor.adapters.settings import Settings
from tests.acceptance.test_cli import Run, environ, listed, printed, run

__all__ = ["environ", "run"]


def test_operators_are_listed_reset_and_disabled_but_never_the_last_admin(run: Run) -> None:
    first = printed(run("operator", "create", "--email", "ann@kontor.example", "--role", "admin", "--json"))
    assert list(first) == ["id", "email", "role", "password"]
    refused = run("operator", "disable", "ann@kontor.example")
    assert (refused.returncode, "last admin" in refused.stderr) == (1, True)
    assert run("operator", "role", str(first["id"]), "--role", "viewer").returncode == 1
    printed(run("operator", "create", "--email", "bob@kontor.example", "--role", "viewer", "--json"))
    assert printed(run("operator", "role", "bob@kontor.example", "--role", "admin", "--json"))["role"] == "admin"
    assert printed(run("operator", "disable", "ANN@kontor.example", "--json"))["disabled_at"] is not None
    assert printed(run("operator", "enable", "ann@kontor.example", "--json"))["disabled_at"] is None
    again = printed(run("operator", "reset", "ann@kontor.example", "--second-factor", "--json"))
    assert again["password"] not in ("", first["password"])
    assert [row["email"] for row in listed(run("operator", "list", "--json"))] == [
        "ann@kontor.example",
        "bob@kontor.example",
    ]
    assert listed(run("operator", "sessions", "bob@kontor.example", "--end-all", "--json")) == []
    missing = run("operator", "sessions", "eve@kontor.example")
    assert (missing.returncode, "kontor operator list" in missing.stderr) == (1, True)


def test_new_secret_key_is_printed_and_a_rotation_says_what_it_sealed(
    run: Run, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = run("secrets", "new").stdout.strip()
    assert run("doctor").stdout.count("SECRET_KEY") == 1
    monkeypatch.setenv("SECRET_KEY", key)
    refused = run("operator", "list")
    assert (refused.returncode, "kontor secrets rotate" in refused.stderr) == (1, True)
    monkeypatch.setenv("SECRET_KEY", f"{key},{settings.secret_key}")
    assert list(printed(run("secrets", "rotate", "--json"))) == ["data_keys", "secrets", "fingerprint"]
    monkeypatch.setenv("SECRET_KEY", key)
    assert run("operator", "list").returncode == 0
