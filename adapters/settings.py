"""Settings of a running process: the environment with all defaults, embedded servers included."""

import hashlib
import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Literal

from adapters.embedded import endpoints
from adapters.embedded.sharing import shared_servers
from adapters.environment import Environment, SettingsError

CATCHER_URL = "smtp://127.0.0.1:1025"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The settings of a process, built once at its start. `database_url` has SQLAlchemy's form."""

    data_dir: Path
    database_url: str
    redis_url: str
    smtp_url: str
    port: int = 8000
    public_url: str = "http://127.0.0.1:8000"
    secret_key: str = field(repr=False)
    namespace: str
    allow_private_instances: bool = False
    test_clock: bool = False
    test_clock_start: datetime | None = None
    log: Literal["console", "json"] = "console"
    worker_processes: int = 2
    worker_threads: int = 8
    dkim_key: Path | None = None
    dkim_selector: str = "kontor"
    dkim_domain: str | None = None
    otlp_endpoint: str | None = None
    crash_point: str | None = None

    def environ(self) -> Mapping[str, str]:
        """Return the environment that gives a child process the same settings."""
        variables = {
            "DATABASE_URL": self.database_url,
            "REDIS_URL": self.redis_url,
            "SMTP_URL": self.smtp_url,
            "PORT": str(self.port),
            "PUBLIC_URL": self.public_url,
            "SECRET_KEY": self.secret_key,
            "KONTOR_DATA_DIR": str(self.data_dir),
            "KONTOR_NAMESPACE": self.namespace,
        }
        return {**os.environ, **variables}


def default_namespace(database_url: str) -> str:
    """Derive a Redis namespace from the database, so that deployments can share a Redis."""
    return "kontor-" + hashlib.sha256(database_url.encode()).hexdigest()[:12]


def stored_secret(data_dir: Path) -> str:
    """Return the secret of an embedded deployment; created on first use, mode 0600."""
    path = data_dir / "secret_key"
    if not path.exists():
        endpoints.prepare(data_dir)
        draft = data_dir / f"secret_key.{os.getpid()}"
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(48))
        with suppress(FileExistsError):
            os.link(draft, path)
        draft.unlink()
    return path.read_text().strip()


def settings_from(environment: Environment, servers: endpoints.Endpoints | None) -> Settings:
    """Fill in the defaults; `servers` are the embedded ones, None when both URLs are set."""
    data_dir = environment.data_dir.resolve()
    database_url = environment.database_url or (servers.database_url if servers else "")
    secret_key = environment.secret_key
    if secret_key is None:
        if environment.database_url is not None:
            raise SettingsError("SECRET_KEY is missing: with DATABASE_URL set, give it 32 random characters or more")
        secret_key = stored_secret(data_dir)
    start = environment.test_clock if isinstance(environment.test_clock, datetime) else None
    return Settings(
        data_dir=data_dir,
        database_url=database_url,
        redis_url=environment.redis_url or (servers.redis_url if servers else ""),
        smtp_url=environment.smtp_url or (servers and servers.smtp_url) or CATCHER_URL,
        port=environment.port,
        public_url=environment.public_url or f"http://127.0.0.1:{environment.port}",
        secret_key=secret_key,
        namespace=environment.namespace or default_namespace(database_url),
        allow_private_instances=environment.allow_private_instances,
        test_clock=bool(environment.test_clock),
        test_clock_start=start,
        log=environment.log,
        worker_processes=environment.worker_processes,
        worker_threads=environment.worker_threads,
        dkim_key=environment.dkim_key,
        dkim_selector=environment.dkim_selector,
        dkim_domain=environment.dkim_domain,
        otlp_endpoint=environment.otlp_endpoint,
        crash_point=environment.crash_point,
    )


@contextmanager
def settings_for(environment: Environment) -> Iterator[Settings]:
    """Yield settings with the configured servers, a running owner's, or our own ones during the block."""
    if environment.database_url is not None and environment.redis_url is not None:
        yield settings_from(environment, None)
        return
    with shared_servers(environment.data_dir.resolve()) as servers:
        yield settings_from(environment, servers)
