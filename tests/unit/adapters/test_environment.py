from datetime import UTC, datetime
from pathlib import Path

import pytest

from kontor.adapters.settings import Environment, SettingsError, load


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Start without variables of Kontor, in a folder without `.env`."""
    for field in Environment.model_fields.values():
        monkeypatch.delenv(str(field.alias), raising=False)
    monkeypatch.chdir(tmp_path)


def test_defaults_are_those_of_the_contract() -> None:
    environment = load()
    assert environment.database_url is None
    assert environment.redis_url is None
    assert environment.port == 8000
    assert environment.data_dir == Path(".kontor")
    assert environment.allow_private_instances is False
    assert environment.test_clock is False
    assert environment.log == "console"


@pytest.mark.parametrize("url", ["postgres://u:p@h/d", "postgresql://u:p@h/d", "postgresql+psycopg://u:p@h/d"])
def test_postgresql_url_gets_the_driver(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("DATABASE_URL", url)
    assert load().database_url == "postgresql+psycopg://u:p@h/d"


@pytest.mark.parametrize(("text", "meant"), [("0", False), ("false", False), ("1", True), ("true", True)])
def test_booleans_are_0_1_true_false(monkeypatch: pytest.MonkeyPatch, text: str, meant: bool) -> None:
    monkeypatch.setenv("KONTOR_ALLOW_PRIVATE_INSTANCES", text)
    monkeypatch.setenv("KONTOR_TEST_CLOCK", text)
    assert load().allow_private_instances is meant
    assert load().test_clock is meant


@pytest.mark.parametrize(
    ("text", "mailbox"),
    [
        ("ops@provider.example", ("ops@provider.example", "")),
        ("Ops, Team <ops@provider.example>", ("ops@provider.example", "Ops, Team")),
        ("<ops@müller.example>", ("ops@müller.example", "")),
    ],
)
def test_alerts_may_be_from_an_address_with_or_without_a_name(
    monkeypatch: pytest.MonkeyPatch, text: str, mailbox: tuple[str, str]
) -> None:
    monkeypatch.setenv("OPERATOR_FROM", text)
    assert load().operator_from == mailbox


def test_test_clock_may_start_at_an_instant(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KONTOR_TEST_CLOCK", "2026-03-01T09:00:00+01:00")
    assert load().test_clock == datetime(2026, 3, 1, 8, tzinfo=UTC)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("KONTOR_TEST_CLOCK", "yes"),
        ("KONTOR_TEST_CLOCK", "2026-03-01T09:00:00"),
        ("KONTOR_TEST_CLOCK", "2026-03-01"),
        ("KONTOR_ALLOW_PRIVATE_INSTANCES", "on"),
        ("KONTOR_ALLOW_PRIVATE_INSTANCES", "TRUE"),
        ("KONTOR_LOG", "xml"),
        ("KONTOR_NAMESPACE", "a b"),
        ("PORT", "http"),
        ("PORT", "70000"),
        ("DATABASE_URL", "mysql://h/d"),
        ("DATABASE_URL", "kontor"),
        ("DATABASE_URL", "postgresql://u:geheim@h:port/d"),
        ("DATABASE_DIRECT_URL", "postgresql://u:geheim@h/d?sslmod=require"),
        ("REDIS_URL", "http://h"),
        ("REDIS_URL", "redis+sentinel://h:26379"),
        ("REDIS_URL", "redis+sentinel://h:port/kontor"),
        ("SMTP_URL", "mail.example"),
        ("PUBLIC_URL", "ftp://h"),
        ("OPERATOR_FROM", "Operations"),
        ("OPERATOR_FROM", "ops@"),
        ("OPERATOR_FROM", "Operations <ops provider.example>"),
        ("OPERATOR_FROM", "ops@provider.example\r\nBcc: x@x.example"),
        ("OPERATOR_FROM", "ops@provider.example, duty@provider.example"),
        ("OPERATOR_FROM", "ops@provider.example junk"),
        ("OPERATOR_FROM", "Operations <ops@provider.example"),
        ("OPERATOR_FROM", "ops@provider.example>"),
        ("HOST", "a host"),
        ("FORWARDED_ALLOW_IPS", "*"),
        ("FORWARDED_ALLOW_IPS", "proxy.internal"),
        ("METRICS_TOKEN", "short"),
        ("SECRET_KEY", "short"),
        ("SECRET_KEY", "a" * 40),
        ("SECRET_KEY", "abcdefgh1" * 5),
        ("SECRET_KEY", "0123456789abcdef" * 2 + ","),
        ("SECRET_KEY", "0123456789abcdef" * 2 + ",cut off"),
    ],
)
def test_malformed_value_is_refused_with_its_name_in_one_line(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError) as refused:
        load()
    assert str(refused.value).startswith(f"{name} is malformed: ")
    assert "\n" not in str(refused.value)
    assert value not in str(refused.value) or name != "SECRET_KEY"
    assert "geheim" not in str(refused.value)


def test_unknown_kontor_variable_is_refused_and_foreign_ones_are_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOMETHING_ELSE", "1")
    load()
    monkeypatch.setenv("KONTOR_TSET_CLOCK", "1")
    with pytest.raises(SettingsError, match="KONTOR_TSET_CLOCK is not a setting"):
        load()


def test_dotenv_file_is_read_and_the_environment_takes_precedence(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / ".env").write_text("PORT=9000\nKONTOR_LOG=json\nOTHER=1\n")
    monkeypatch.setenv("PORT", "9001")
    assert load().port == 9001
    assert load().log == "json"


def test_unknown_variable_in_a_dotenv_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("KONTOR_PORT=9000\n")
    with pytest.raises(SettingsError, match="KONTOR_PORT"):
        load()


def test_empty_variable_counts_as_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "")
    assert load().database_url is None


def test_example_file_is_valid_and_contains_every_variable(tmp_path: Path) -> None:
    example = Path(__file__).parents[3] / ".env.example"
    load(example)
    text = example.read_text()
    missing = [field.alias for field in Environment.model_fields.values() if f"{field.alias}=" not in text]
    assert missing == []
