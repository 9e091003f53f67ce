"""Settings from the environment, every default filled in, embedded servers included."""

import hashlib
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Annotated, Final, Literal

from dotenv import dotenv_values
from pydantic import AfterValidator, BeforeValidator, Field, ValidationError
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from kontor.adapters import data_directory
from kontor.adapters.database_url import connection_parameters, sqlalchemy_url
from kontor.adapters.embedded import endpoints
from kontor.adapters.embedded.endpoints import shared_servers
from kontor.adapters.secret_keys import check_secret_keys, listed_keys
from kontor.adapters.setting_forms import (
    OneFromAddress,
    check_issuer,
    check_redis_url,
    parse_boolean,
    parse_clock_start,
    parse_names,
    parse_networks,
    parse_role_map,
    url_validator,
)
from kontor.kernel.identity import RANKED, ProviderSettings


class SettingsError(Exception):
    """The environment is invalid; the message is one line that says how to fix it."""


def check_database_url(url: str) -> str:
    """Check a PostgreSQL URL; return it with SQLAlchemy's scheme, else as it is: earlier releases hash it."""
    connection_parameters(url)
    return f"postgresql+psycopg://{url.partition('://')[2]}"


REDIS_SCHEMES = ("redis", "rediss", "unix", "redis+sentinel", "rediss+sentinel")
Flag = Annotated[bool, BeforeValidator(parse_boolean)]


class Environment(BaseSettings):
    """The variables, with the defaults of contract.md; None means the embedded default."""

    model_config = SettingsConfigDict(
        frozen=True, extra="ignore", case_sensitive=True, env_ignore_empty=True, env_file=".env"
    )

    database_url: Annotated[str, AfterValidator(check_database_url)] | None = Field(None, alias="DATABASE_URL")
    database_direct_url: Annotated[str, AfterValidator(sqlalchemy_url)] | None = Field(
        None, alias="DATABASE_DIRECT_URL"
    )
    redis_url: Annotated[str, url_validator(*REDIS_SCHEMES), AfterValidator(check_redis_url)] | None = Field(
        None, alias="REDIS_URL"
    )
    smtp_url: Annotated[str, url_validator("smtp", "smtps")] | None = Field(None, alias="SMTP_URL")
    operator_from: OneFromAddress = Field(None, alias="OPERATOR_FROM")
    host: str = Field("127.0.0.1", alias="HOST", pattern=r"^[A-Za-z0-9.:_-]{1,255}$")
    port: int = Field(8000, alias="PORT", ge=1, le=65535)
    forwarded_allow_ips: Annotated[tuple[str, ...], NoDecode, BeforeValidator(parse_networks)] = Field(
        (), alias="FORWARDED_ALLOW_IPS"
    )
    handler_networks: Annotated[tuple[str, ...], NoDecode, BeforeValidator(parse_networks)] = Field(
        (), alias="KONTOR_HANDLER_NETWORKS"
    )
    task_packages: Annotated[tuple[str, ...], NoDecode, BeforeValidator(parse_names)] = Field(
        (), alias="KONTOR_TASK_PACKAGES"
    )
    metrics_token: str | None = Field(None, alias="METRICS_TOKEN", min_length=16, pattern=r"^[\x21-\x7e]+$")
    public_url: Annotated[str, url_validator("https", "http")] | None = Field(None, alias="PUBLIC_URL")
    console_url: Annotated[str, url_validator("https", "http")] | None = Field(None, alias="CONSOLE_URL")
    secret_key: Annotated[str, AfterValidator(check_secret_keys)] | None = Field(None, alias="SECRET_KEY")
    data_dir: Path = Field(data_directory.DEFAULT, alias="KONTOR_DATA_DIR")
    env_file: Path = Field(Path(".env"), alias="KONTOR_ENV_FILE")
    allow_private_instances: Flag = Field(False, alias="KONTOR_ALLOW_PRIVATE_INSTANCES")
    test_clock: Annotated[bool | datetime, BeforeValidator(parse_clock_start)] = Field(False, alias="KONTOR_TEST_CLOCK")
    sandbox: Flag = Field(False, alias="KONTOR_SANDBOX")
    in_sandbox: Flag = Field(False, alias="KONTOR_IN_SANDBOX")
    log: Literal["console", "json"] = Field("console", alias="KONTOR_LOG")
    namespace: str | None = Field(None, alias="KONTOR_NAMESPACE", pattern=r"^[A-Za-z0-9_.-]{1,64}$")
    worker_processes: int = Field(2, alias="KONTOR_WORKER_PROCESSES", ge=1, le=64)
    worker_threads: int = Field(8, alias="KONTOR_WORKER_THREADS", ge=1, le=256)
    dkim_key: Path | None = Field(None, alias="KONTOR_DKIM_KEY")
    dkim_selector: str = Field("kontor", alias="KONTOR_DKIM_SELECTOR", min_length=1)
    dkim_domain: str | None = Field(None, alias="KONTOR_DKIM_DOMAIN", min_length=1)
    otlp_endpoint: Annotated[str, url_validator("https", "http")] | None = Field(
        None, alias="OTEL_EXPORTER_OTLP_ENDPOINT"
    )
    crash_point: str | None = Field(None, alias="KONTOR_CRASH_POINT")
    oidc_issuer: Annotated[str, AfterValidator(check_issuer)] | None = Field(None, alias="OIDC_ISSUER")
    oidc_client_id: str | None = Field(None, alias="OIDC_CLIENT_ID")
    oidc_client_secret: str | None = Field(None, alias="OIDC_CLIENT_SECRET", repr=False)
    oidc_role_claim: str = Field("role", alias="OIDC_ROLE_CLAIM")
    oidc_roles: Annotated[Mapping[str, str], NoDecode, BeforeValidator(parse_role_map)] = Field(
        {role: role for role in RANKED}, alias="OIDC_ROLES"
    )


OF_CLIENTS: Final = frozenset({"KONTOR_URL", "KONTOR_KEY", "KONTOR_RESELLER"})
"""What clients of the API read on the same machine."""


def load(env_file: Path | None = None) -> Environment:
    """Read the process's environment and a settings file, by default the one beside the data directory.

    The environment takes precedence; a relative KONTOR_DATA_DIR of the file is beside the file. Raises SettingsError.
    """
    file = env_file or data_directory.env_file_of(os.environ)
    aliases = {str(field.alias) for field in Environment.model_fields.values()}
    stored = dotenv_values(file)
    for name in [*os.environ, *stored]:
        if name.startswith("KONTOR_") and name not in aliases | OF_CLIENTS:
            raise SettingsError(f"{name} is not a setting of Kontor: remove it or see .env.example")
    if stored.get("KONTOR_ENV_FILE"):
        raise SettingsError(f"KONTOR_ENV_FILE cannot stand in {file}: set it in the environment, or give --env-file")
    try:
        environment = Environment(_env_file=file)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        reason = first["msg"].removeprefix("Value error, ")
        raise SettingsError(f"{first['loc'][0]} is malformed: {reason}") from None
    base = Path() if os.environ.get("KONTOR_DATA_DIR") else file.parent
    return environment.model_copy(update={"data_dir": base / environment.data_dir, "env_file": file})


NO_KEY = "SECRET_KEY is missing: DATABASE_URL is set, so set it to a key of `kontor secrets new`"
CATCHER_URL = "smtp://127.0.0.1:1025"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The settings of a process, built once at its start. Database URLs have the form that both drivers read.

    An empty `namespace` is made of the database's identity; `earlier_namespace` is made of its URL. `sandbox`: the
    deployment has one; `in_sandbox`: these are its settings.
    """

    data_dir: Path
    database_url: str
    database_direct_url: str | None = None
    redis_url: str
    smtp_url: str
    operator_from: OneFromAddress = None
    host: str = "127.0.0.1"
    port: int = 8000
    forwarded_allow_ips: tuple[str, ...] = ()
    handler_networks: tuple[str, ...] = ()
    task_packages: tuple[str, ...] = ()
    metrics_token: str | None = field(default=None, repr=False)
    public_url: str = "http://localhost:8000"
    console_url: str = ""
    secret_key: str = field(repr=False)
    namespace: str
    earlier_namespace: str = ""
    allow_private_instances: bool = False
    test_clock: bool = False
    test_clock_start: datetime | None = None
    sandbox: bool = False
    in_sandbox: bool = False
    log: Literal["console", "json"] = "console"
    worker_processes: int = 2
    worker_threads: int = 8
    dkim_key: Path | None = None
    dkim_selector: str = "kontor"
    dkim_domain: str | None = None
    otlp_endpoint: str | None = None
    crash_point: str | None = None
    identity_provider: ProviderSettings | None = None

    @property
    def secret_keys(self) -> tuple[str, ...]:
        """The keys that SECRET_KEY lists, newest first."""
        return listed_keys(self.secret_key)

    @property
    def direct_url(self) -> str:
        """The database URL that keeps sessions."""
        return self.database_direct_url or self.database_url

    @property
    def has_pooler(self) -> bool:
        """Whether `database_url` may lead through a transaction pooler."""
        return self.database_direct_url is not None

    def name_of(self, url: str) -> str:
        """The name of the setting that holds a database URL."""
        return "DATABASE_DIRECT_URL" if url == self.database_direct_url else "DATABASE_URL"

    def environ(self) -> Mapping[str, str]:
        """Return the environment that gives a child process the same settings."""
        variables = {
            "DATABASE_URL": self.database_url,
            "REDIS_URL": self.redis_url,
            "SMTP_URL": self.smtp_url,
            "HOST": self.host,
            "PORT": str(self.port),
            "PUBLIC_URL": self.public_url,
            "SECRET_KEY": self.secret_key,
            "KONTOR_DATA_DIR": str(self.data_dir),
        }
        if self.console_url:
            variables["CONSOLE_URL"] = self.console_url
        if self.namespace:
            variables["KONTOR_NAMESPACE"] = self.namespace
        if self.database_direct_url is not None:
            variables["DATABASE_DIRECT_URL"] = self.database_direct_url
        return {**os.environ, **variables}


def default_namespace(database_url: str) -> str:
    """Derive a Redis namespace from a database's address, as earlier releases did."""
    return "kontor-" + hashlib.sha256(database_url.encode()).hexdigest()[:12]


def secret_of(environment: Environment) -> str:
    """Return SECRET_KEY, or the one kept beside an embedded database. Raises SettingsError."""
    if environment.secret_key is None and environment.database_url is not None:
        raise SettingsError(NO_KEY)
    return environment.secret_key or data_directory.stored_secret(environment.data_dir.resolve())


def settings_from(environment: Environment, servers: endpoints.Endpoints | None) -> Settings:
    """Fill in the defaults; `servers` are the embedded ones, None when both URLs are set."""
    database_url = environment.database_url or (servers.database_url if servers else "")
    return Settings(
        data_dir=environment.data_dir.resolve(),
        database_url=sqlalchemy_url(database_url),
        database_direct_url=environment.database_direct_url,
        redis_url=environment.redis_url or (servers.redis_url if servers else ""),
        smtp_url=environment.smtp_url or (servers and servers.smtp_url) or CATCHER_URL,
        operator_from=environment.operator_from,
        host=environment.host,
        port=environment.port,
        forwarded_allow_ips=environment.forwarded_allow_ips,
        handler_networks=environment.handler_networks,
        task_packages=environment.task_packages,
        metrics_token=environment.metrics_token,
        public_url=environment.public_url or f"http://localhost:{environment.port}",
        console_url=environment.console_url or "",
        secret_key=secret_of(environment),
        namespace=environment.namespace or "",
        earlier_namespace=default_namespace(database_url),
        allow_private_instances=environment.allow_private_instances,
        test_clock=bool(environment.test_clock),
        test_clock_start=environment.test_clock if isinstance(environment.test_clock, datetime) else None,
        sandbox=environment.sandbox,
        log=environment.log,
        worker_processes=environment.worker_processes,
        worker_threads=environment.worker_threads,
        dkim_key=environment.dkim_key,
        dkim_selector=environment.dkim_selector,
        dkim_domain=environment.dkim_domain,
        otlp_endpoint=environment.otlp_endpoint,
        crash_point=environment.crash_point,
        identity_provider=provider_settings(environment),
    )


def provider_settings(environment: Environment) -> ProviderSettings | None:
    """Return the settings of the identity provider, None without OIDC_ISSUER. Raises SettingsError."""
    issuer, client_id = environment.oidc_issuer, environment.oidc_client_id
    if issuer is None:
        return None
    if client_id is None:
        raise SettingsError("OIDC_CLIENT_ID is missing: set it to the id that the provider of OIDC_ISSUER gave Kontor")
    secret, claim = environment.oidc_client_secret, environment.oidc_role_claim
    return ProviderSettings(issuer, client_id, secret, claim, environment.oidc_roles)


def missing_server(environment: Environment) -> str | None:
    """Return the one embedded server that is needed, None for both."""
    if environment.database_url is not None:
        return "valkey"
    return "postgres" if environment.redis_url is not None else None


@contextmanager
def settings_for(environment: Environment, *, begins: bool = False) -> Iterator[Settings]:
    """Yield settings with the configured servers, a running owner's, or our own ones during the block.

    Where servers are needed and no data directory exists, one that `begins` makes it, others raise NoDataDirectory.
    """
    if environment.database_url is not None and environment.redis_url is not None:
        yield settings_from(environment, None)
        return
    only = missing_server(environment)
    unset = {None: "DATABASE_URL and REDIS_URL", "postgres": "DATABASE_URL", "valkey": "REDIS_URL"}[only]
    if begins:
        data_directory.begin(environment.data_dir.resolve())
    else:
        data_directory.require(environment.data_dir.resolve(), environment.env_file, unset)
    with shared_servers(environment.data_dir.resolve(), *([f"--{only}"] if only else [])) as servers:
        yield settings_from(environment, servers)
