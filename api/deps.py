"""Dependencies of the web process."""

from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, cast

from psycopg import Connection
from sqlalchemy import Engine
from sqlalchemy.orm import Session, sessionmaker

from domain.credentials import PasswordHasher
from domain.ports import Clock, Sealer
from domain.tracing import Tracer
from engine.enqueue import Jobs
from services.addresses import AddressGuard
from services.programmes import Programmes
from services.tokens import Tokens


@dataclass(frozen=True, slots=True, kw_only=True)
class Deps:
    """Built once at process start. `secret` keys request fingerprints, `offer_secret` the hash chain of offers."""

    sessions: sessionmaker[Session]
    clock: Clock
    jobs: Jobs
    sealer: Sealer
    passwords: PasswordHasher
    programmes: Programmes
    tokens: Tokens
    guard: AddressGuard
    threads: Executor
    secret: bytes = field(repr=False)
    offer_secret: bytes = field(repr=False)
    public_url: str
    test_clock: bool = False
    version: str = "0"
    tracer: Tracer | None = None

    @property
    def engine(self) -> Engine:
        """The engine whose pool the sessions use."""
        bind = self.sessions.kw["bind"]
        assert isinstance(bind, Engine)
        return bind

    @contextmanager
    def connection(self) -> Iterator[Connection[Any]]:
        """Yield a pooled connection without a Session; uncommitted work is rolled back."""
        pooled = self.engine.raw_connection()
        try:
            yield cast("Connection[Any]", pooled.driver_connection)
        finally:
            pooled.close()

    def drop_connections(self) -> None:
        """Drop pooled connections, for example after a restart of PostgreSQL."""
        self.engine.dispose(close=False)
