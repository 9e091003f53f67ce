"""Everything the API is given by its process."""

from concurrent.futures import Executor
from dataclasses import dataclass, field

from sqlalchemy import Engine
from sqlalchemy.orm import Session, sessionmaker

from domain.credentials import PasswordHasher
from domain.ports import Clock, Sealer
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

    def drop_connections(self) -> None:
        """Forget pooled connections: PostgreSQL may have been restarted under them."""
        bind = self.sessions.kw["bind"]
        if isinstance(bind, Engine):
            bind.dispose(close=False)
