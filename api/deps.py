"""Everything the API is given by its process."""

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
    """Built once where the process starts. `secret` keys what the API keeps, `offer_secret` the events of offers."""

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
        """The pool of connections under the sessions."""
        bind = self.sessions.kw["bind"]
        assert isinstance(bind, Engine)
        return bind

    @contextmanager
    def connection(self) -> Iterator[Connection[Any]]:
        """A pooled connection without a Session over it; what is not committed is rolled back."""
        pooled = self.engine.raw_connection()
        try:
            yield cast("Connection[Any]", pooled.driver_connection)
        finally:
            pooled.close()

    def drop_connections(self) -> None:
        """Forget pooled connections: PostgreSQL may have been restarted under them."""
        self.engine.dispose(close=False)
