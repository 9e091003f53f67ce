"""The checks of `kontor doctor` on the way to PostgreSQL: sessions, poolers, the newest primary."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import psycopg

from kontor.adapters.database_url import address_of, connection_parameters
from kontor.adapters.primary import identity_of, primaries
from kontor.adapters.settings import Settings, SettingsError
from workers.connections import Connection, open_connection, require_sessions

# Set for each connection by its startup parameter `options`, which a transaction pooler does not pass on.
ROLE_SETTINGS = {"idle_in_transaction_session_timeout": "2min", "lock_timeout": "30s", "jit": "off"}


@dataclass(frozen=True, slots=True)
class Check:
    """The result of one check; `remedy` is set unless `state` is `ok`."""

    subject: str
    state: Literal["ok", "warning", "problem"]
    text: str
    remedy: str | None = None


def one_line(error: Exception) -> str:
    """Return an error message as one line."""
    return " ".join(str(error).split()) or type(error).__name__


def check_connections(settings: Settings, direct: Connection) -> Iterator[Check]:
    """Check that sessions are kept, that the pooler's role has its settings, and that there is one primary."""
    try:
        require_sessions(settings)
    except SettingsError as error:
        yield Check("pooler", "problem", str(error), "see docs/how-to/run-on-your-servers.md, Poolers")
    if settings.has_pooler:
        yield from check_pooled(settings, direct)
    yield from check_primaries(settings)


def check_pooled(settings: Settings, direct: Connection) -> Iterator[Check]:
    """Check that both URLs lead to one database, and the settings of connections through the pooler."""
    try:
        with open_connection(settings, "kontor-doctor", direct=False) as pooled:
            if identity_of(pooled) != identity_of(direct):
                text = "DATABASE_URL and DATABASE_DIRECT_URL name two databases"
                yield Check("pooler", "problem", text, "let both lead to one database")
                return
            missing = [
                f"{name} = '{value}'"
                for name, value in ROLE_SETTINGS.items()
                if pooled.execute("SELECT current_setting(%s)", (name,)).fetchone() != (value,)
            ]
    except psycopg.OperationalError as error:
        yield Check("pooler", "problem", one_line(error), "start it, or correct DATABASE_URL")
        return
    if missing:
        remedy = "; ".join(f"ALTER ROLE {direct.info.user} SET {setting}" for setting in missing)
        yield Check("pooler", "problem", "connections through the pooler lack settings of the role", remedy)
    else:
        yield Check("pooler", "ok", "DATABASE_URL may pool transactions; DATABASE_DIRECT_URL keeps sessions")


def check_primaries(settings: Settings) -> Iterator[Check]:
    """Check that of several hosts one accepts writes."""
    for url in dict.fromkeys([settings.direct_url, settings.database_url]):
        parameters = connection_parameters(url)
        if "," not in parameters.get("host", ""):
            continue
        writing = [f"{address_of(host)} on timeline {identity.timeline}" for host, identity in primaries(parameters)]
        if len(writing) > 1:
            text = f"two primaries, of which the first is used: {'; '.join(writing)}"
            yield Check("timeline", "problem", text, "stop the others at once and make them standbys")
        elif writing:
            yield Check("timeline", "ok", writing[0])
