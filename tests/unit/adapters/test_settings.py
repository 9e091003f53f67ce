import stat
from dataclasses import replace
from pathlib import Path

import pytest

from kontor.adapters.data_directory import stored_secret
from kontor.adapters.embedded.endpoints import Endpoints
from kontor.adapters.settings import (
    Environment,
    SettingsError,
    default_namespace,
    missing_server,
    settings_from,
)

SECRET = "0123456789abcdef" * 2
FOUND = Endpoints("postgresql+psycopg://kontor@/kontor?host=/run", "unix:///run/valkey.sock?db=0")


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Remove variables of this machine that may configure servers."""
    for name in variable_names():
        monkeypatch.delenv(name, raising=False)


def environment(tmp_path: Path, **variables: object) -> Environment:
    return Environment.model_validate({"KONTOR_DATA_DIR": tmp_path, **variables})


def test_secret_is_created_once_and_readable_by_its_owner_only(tmp_path: Path) -> None:
    secret = stored_secret(tmp_path)
    assert len(secret) >= 48
    assert stored_secret(tmp_path) == secret
    assert stat.S_IMODE((tmp_path / "secret_key").stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.glob("secret_key*")] == ["secret_key"]


def test_secret_is_required_when_the_database_is_configured(tmp_path: Path) -> None:
    configured = environment(tmp_path, DATABASE_URL="postgresql://h/d", REDIS_URL="redis://h")
    with pytest.raises(SettingsError, match="SECRET_KEY is missing"):
        settings_from(configured, None)
    assert not (tmp_path / "secret_key").exists()


def test_configured_urls_take_precedence_over_embedded_ones(tmp_path: Path) -> None:
    configured = environment(tmp_path, DATABASE_URL="postgresql://h/d", SECRET_KEY=SECRET)
    settings = settings_from(configured, FOUND)
    assert settings.database_url == "postgresql+psycopg://h/d"
    assert settings.redis_url == FOUND.redis_url


def test_links_point_to_this_machine_by_default(tmp_path: Path) -> None:
    assert settings_from(environment(tmp_path, PORT=9000), FOUND).public_url == "http://localhost:9000"
    configured = environment(tmp_path, PUBLIC_URL="https://kontor.example/")
    assert settings_from(configured, FOUND).public_url == "https://kontor.example"


def test_mail_goes_to_a_running_catcher(tmp_path: Path) -> None:
    endpoints = replace(FOUND, smtp_url="smtp://127.0.0.1:4025")
    assert settings_from(environment(tmp_path), endpoints).smtp_url == "smtp://127.0.0.1:4025"


def test_namespace_is_left_to_the_database_unless_it_is_set(tmp_path: Path) -> None:
    settings = settings_from(environment(tmp_path), FOUND)
    assert settings.namespace == ""
    assert settings.earlier_namespace == default_namespace(FOUND.database_url)
    assert settings_from(environment(tmp_path, KONTOR_NAMESPACE="mine"), FOUND).namespace == "mine"


def test_earlier_namespace_is_made_of_the_url_as_earlier_releases_read_it(tmp_path: Path) -> None:
    configured = environment(tmp_path, DATABASE_URL="postgres://u@/d?host=a,b", SECRET_KEY=SECRET)
    expected = default_namespace("postgresql+psycopg://u@/d?host=a,b")
    assert settings_from(configured, FOUND).earlier_namespace == expected


@pytest.mark.parametrize(
    ("configured", "missing"),
    [
        ({}, None),
        ({"DATABASE_URL": "postgresql://h/d"}, "valkey"),
        ({"REDIS_URL": "redis://h"}, "postgres"),
    ],
)
def test_only_the_missing_server_is_embedded(tmp_path: Path, configured: dict[str, str], missing: str | None) -> None:
    assert missing_server(environment(tmp_path, **configured)) == missing


def test_sessions_go_to_the_direct_url_when_it_is_set(tmp_path: Path) -> None:
    pooled = environment(
        tmp_path,
        DATABASE_URL="postgresql://u@pooler:6432/d",
        DATABASE_DIRECT_URL="postgresql://u@db:5432/d",
        SECRET_KEY=SECRET,
    )
    settings = settings_from(pooled, FOUND)
    assert settings.direct_url == "postgresql+psycopg://u@db:5432/d"
    assert settings.has_pooler
    assert settings.name_of(settings.direct_url) == "DATABASE_DIRECT_URL"
    alone = settings_from(environment(tmp_path), FOUND)
    assert alone.direct_url == alone.database_url
    assert not alone.has_pooler


def test_child_process_gets_identical_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = settings_from(environment(tmp_path, PORT=9000), FOUND)
    environ = {name: value for name, value in settings.environ().items() if name in variable_names()}
    assert settings_from(Environment.model_validate(environ), None) == settings


def variable_names() -> set[str]:
    return {str(field.alias) for field in Environment.model_fields.values()}


def test_secret_does_not_appear_in_a_traceback(tmp_path: Path) -> None:
    settings = settings_from(environment(tmp_path), FOUND)
    assert settings.secret_key not in repr(settings)


def test_web_process_listens_on_this_machine_and_believes_no_proxy_by_default(tmp_path: Path) -> None:
    settings = settings_from(environment(tmp_path), FOUND)
    assert (settings.host, settings.forwarded_allow_ips, settings.metrics_token) == ("127.0.0.1", (), None)


def test_proxies_are_addresses_and_networks_when_they_are_listed(tmp_path: Path) -> None:
    settings = settings_from(environment(tmp_path, FORWARDED_ALLOW_IPS="127.0.0.1, 10.0.0.0/8,::1"), FOUND)
    assert settings.forwarded_allow_ips == ("127.0.0.1/32", "10.0.0.0/8", "::1/128")
