"""The environment variables of Kontor, validated once when a process starts."""

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from dotenv import dotenv_values
from pydantic import AfterValidator, BeforeValidator, Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

BOOLEANS = {"0": False, "false": False, "1": True, "true": True}


class SettingsError(Exception):
    """The environment is invalid; the message is one line that says how to fix it."""


def boolean(text: object) -> object:
    """Parse exactly `0`, `1`, `true` or `false`."""
    if isinstance(text, str):
        if text not in BOOLEANS:
            raise ValueError("use 0, 1, true or false")
        return BOOLEANS[text]
    return text


def clock_start(text: object) -> object:
    """Parse `0`, `1` or an RFC 3339 instant with an offset."""
    if not isinstance(text, str) or text in BOOLEANS:
        return boolean(text)
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError("use 0, 1 or an instant such as 2026-03-01T09:00:00Z") from None
    if instant.tzinfo is None or "T" not in text.upper():
        raise ValueError("an instant needs an offset, such as 2026-03-01T09:00:00Z")
    return instant.astimezone(UTC)


def sqlalchemy_url(url: str) -> str:
    """Convert a PostgreSQL URL to SQLAlchemy's form with the psycopg driver."""
    scheme, separator, rest = url.partition("://")
    if not separator or scheme not in {"postgres", "postgresql", "postgresql+psycopg"}:
        raise ValueError("use postgresql://user:password@host/database")
    return f"postgresql+psycopg://{rest}"


def url_of(*schemes: str) -> AfterValidator:
    """Require one of the schemes."""

    def check(url: str) -> str:
        if urlsplit(url).scheme not in schemes:
            raise ValueError("use " + " or ".join(f"{scheme}://…" for scheme in schemes))
        return url.rstrip("/") if schemes[0] == "https" else url

    return AfterValidator(check)


Flag = Annotated[bool, BeforeValidator(boolean)]


class Environment(BaseSettings):
    """The variables, with the defaults of contract.md; None means the embedded default."""

    model_config = SettingsConfigDict(
        frozen=True, extra="ignore", case_sensitive=True, env_ignore_empty=True, env_file=".env"
    )

    database_url: Annotated[str, AfterValidator(sqlalchemy_url)] | None = Field(None, alias="DATABASE_URL")
    redis_url: Annotated[str, url_of("redis", "rediss", "unix")] | None = Field(None, alias="REDIS_URL")
    smtp_url: Annotated[str, url_of("smtp", "smtps")] | None = Field(None, alias="SMTP_URL")
    port: int = Field(8000, alias="PORT", ge=1, le=65535)
    public_url: Annotated[str, url_of("https", "http")] | None = Field(None, alias="PUBLIC_URL")
    secret_key: str | None = Field(None, alias="SECRET_KEY", min_length=16)
    data_dir: Path = Field(Path(".kontor"), alias="KONTOR_DATA_DIR")
    allow_private_instances: Flag = Field(False, alias="KONTOR_ALLOW_PRIVATE_INSTANCES")
    test_clock: Annotated[bool | datetime, BeforeValidator(clock_start)] = Field(False, alias="KONTOR_TEST_CLOCK")
    log: Literal["console", "json"] = Field("console", alias="KONTOR_LOG")
    namespace: str | None = Field(None, alias="KONTOR_NAMESPACE", pattern=r"^[A-Za-z0-9_.-]{1,64}$")
    worker_processes: int = Field(2, alias="KONTOR_WORKER_PROCESSES", ge=1, le=64)
    worker_threads: int = Field(8, alias="KONTOR_WORKER_THREADS", ge=1, le=256)
    dkim_key: Path | None = Field(None, alias="KONTOR_DKIM_KEY")
    dkim_selector: str = Field("kontor", alias="KONTOR_DKIM_SELECTOR", min_length=1)
    dkim_domain: str | None = Field(None, alias="KONTOR_DKIM_DOMAIN", min_length=1)
    otlp_endpoint: Annotated[str, url_of("https", "http")] | None = Field(None, alias="OTEL_EXPORTER_OTLP_ENDPOINT")
    crash_point: str | None = Field(None, alias="KONTOR_CRASH_POINT")


def load(env_file: Path = Path(".env")) -> Environment:
    """Read the process's environment and `.env`; the environment takes precedence. Raises SettingsError."""
    aliases = {str(field.alias) for field in Environment.model_fields.values()}
    for name in [*os.environ, *dotenv_values(env_file)]:
        if name.startswith("KONTOR_") and name not in aliases:
            raise SettingsError(f"{name} is not a setting of Kontor: remove it or see .env.example")
    try:
        return Environment(_env_file=env_file)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        reason = first["msg"].removeprefix("Value error, ")
        raise SettingsError(f"{first['loc'][0]} is malformed: {reason}") from None
