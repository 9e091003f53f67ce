"""Everything the API is given by its process."""

from concurrent.futures import Executor
from dataclasses import dataclass, field

from sqlalchemy.orm import Session, sessionmaker

from domain.credentials import PasswordHasher
from domain.ports import Clock, Sealer
from engine.enqueue import Jobs


@dataclass(frozen=True, slots=True, kw_only=True)
class Deps:
    """Built once where the process starts. `secret` keys every HMAC the API makes."""

    sessions: sessionmaker[Session]
    clock: Clock
    jobs: Jobs
    sealer: Sealer
    passwords: PasswordHasher
    threads: Executor
    secret: bytes = field(repr=False)
    public_url: str
    allow_private: bool = False
    test_clock: bool = False
    version: str = "0"
