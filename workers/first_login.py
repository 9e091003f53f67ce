"""The first operator and the first API key, left in a file that only its owner reads."""

import json
import os
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from sqlalchemy.orm import Session

from kontor import audit
from kontor.adapters.secrets import Argon2Passwords
from kontor.adapters.settings import Settings, SettingsError
from kontor.audit import Actor
from kontor.kernel import database
from kontor.operators import keys
from kontor.operators import queries as operators_queries
from kontor.operators import service as operators
from models.keys import Scope
from workers.connections import both_times, one_off_engine

OPERATOR = "admin@kontor.example"


@dataclass(frozen=True, slots=True)
class FirstLogin:
    """A login and a key, stored as hashes; `path` is the only place that keeps them."""

    path: Path
    email: str
    password: str = field(repr=False)
    expires_at: datetime | None
    api_key: str = field(repr=False)


def first_login(settings: Settings, path: Path) -> FirstLogin | None:
    """Create the first operator and the first key, and write them to `path`; None when an operator exists.

    Raises SettingsError if the file cannot be written: then nothing was created.
    """
    now, wall_time = both_times(settings)
    with Session(one_off_engine(settings)) as session, session.begin():
        database.lock_names(session, "first start")
        if operators_queries.list_operators(session):
            return None
        made = operators.create(
            session, Argon2Passwords(), OPERATOR, "admin", now=now, actor="first start", wall_time=wall_time
        )
        key = keys.create(session, "first start", list(Scope), now)
        audit.record(session, Actor("first start", "cli"), "key.create", f"key:{key.id}", at=now)
        login = FirstLogin(path, OPERATOR, made.password, made.operator.password_expires_at, key.secret)
        try:
            write(login, settings)
        except OSError as error:
            raise SettingsError(
                f"the first login cannot be written to {path}: {error.strerror}; name another file with"
                " --credentials-file"
            ) from None
        return login


def write(login: FirstLogin, settings: Settings) -> None:
    """Write the file anew, mode 0600, whole or not at all. Raises OSError."""
    document = {
        "console": f"{settings.console_url or settings.public_url}/console",
        "email": login.email,
        "password": login.password,
        "password_expires_at": login.expires_at and login.expires_at.isoformat().replace("+00:00", "Z"),
        "api_key": login.api_key,
    }
    draft = login.path.with_name(f"{login.path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(document, file, indent=2)
        file.write("\n")
        file.flush()
        os.fsync(file.fileno())
    draft.replace(login.path)
