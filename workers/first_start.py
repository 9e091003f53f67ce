"""Bootstrap of a new deployment: the first operator and the first API key, created once."""

from dataclasses import dataclass, field

from sqlalchemy import create_engine
from sqlalchemy.orm import Session
from sqlalchemy.pool import NullPool

from adapters.passwords import Argon2Passwords
from adapters.settings import Settings
from models.keys import Scope
from services import keys, operators
from store import locks, people
from workers.clocks import programme_time

OPERATOR = "admin@kontor.example"


@dataclass(frozen=True, slots=True)
class Credentials:
    """Secrets shown once and stored as hashes."""

    email: str
    password: str = field(repr=False)
    key: str = field(repr=False)


def first_credentials(settings: Settings) -> Credentials | None:
    """Create the first operator and the first key; None when an operator exists."""
    now = programme_time(settings)
    engine = create_engine(settings.database_url, poolclass=NullPool)
    with Session(engine) as session, session.begin():
        locks.hold(session, "first start")
        if people.operators(session):
            return None
        made = operators.create(session, Argon2Passwords(), OPERATOR, "admin", now=now, actor="first start")
        key = keys.create(session, "first start", list(Scope), now)
        return Credentials(made.operator.email, made.password, key.secret)
