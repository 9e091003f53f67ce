"""A database's identity: the namespace of its keys in Redis is made of it, and a restored copy is known by it."""

import hashlib
from functools import partial

import psycopg
import redis
import structlog

from kontor.adapters.primary import identity_of
from kontor.adapters.redis_doorbell import RedisKeys
from kontor.adapters.settings import Settings
from workers.connections import Connection, open_connection

log = structlog.get_logger(__name__)

COPIED = "SELECT count(*) > 0 AND bool_and(database_identity <> %s) FROM redis_namespaces"
CHOSEN = "SELECT namespace FROM redis_namespaces WHERE database_identity = %s"
# The first process of this release chooses. Processes of an earlier one that run beside it keep their namespace.
CHOOSE = """
INSERT INTO redis_namespaces (database_identity, namespace)
SELECT %s, CASE WHEN EXISTS (
    SELECT FROM worker_processes WHERE heartbeat_at > clock_timestamp() - interval '30 seconds'
) THEN %s ELSE %s END
ON CONFLICT (database_identity) DO NOTHING
"""


def redis_keys(settings: Settings) -> RedisKeys:
    """Return the keys of a deployment; PostgreSQL is asked for the namespace when a key is first used."""
    return RedisKeys(settings.namespace or partial(namespace_of, settings))


def namespace_of(settings: Settings) -> str:
    """Return the namespace of a deployment. Raises redis.ConnectionError while PostgreSQL does not answer."""
    if settings.namespace:
        return settings.namespace
    try:
        return register(settings)
    except psycopg.Error as error:
        raise redis.ConnectionError(f"the namespace is unknown while PostgreSQL does not answer: {error}") from error


def register(settings: Settings) -> str:
    """Return the namespace of the database, chosen now if it has none. Raises psycopg errors.

    A database that knows the identities of others but not its own was restored: what goes outside is held back first.
    """
    with open_connection(settings, "kontor-namespace") as connection:
        if is_copy(connection):
            hold_back(settings)
        return chosen_namespace(connection, settings.earlier_namespace)


def is_copy(connection: Connection) -> bool:
    """Whether a database has the rows of another and has not been started since. Raises psycopg errors."""
    identity = identity_of(connection)
    if identity is None:
        return False
    row = connection.execute(COPIED, (f"{identity.system}:{identity.database}",)).fetchone()
    return row is not None and bool(row[0])


def hold_back(settings: Settings) -> None:
    """Pause what acts outside, until `kontor queues release`. Raises psycopg errors."""
    from sqlalchemy.exc import DBAPIError
    from sqlalchemy.orm import Session

    from kontor.audit import Actor
    from kontor.engine.admin import outgoing
    from kontor.kernel.database import psycopg_connection
    from kontor.task_types.registry import refresh
    from tasks.catalogue import catalogue
    from workers.connections import one_off_engine, programme_time

    tasks, actor = catalogue(settings.task_packages), Actor("kontor", "start", "the database is a restored copy")
    try:
        with Session(one_off_engine(settings)) as session, session.begin():
            refresh(psycopg_connection(session), tasks)
            names = outgoing.hold(session, tasks, actor, programme_time(settings))
    except DBAPIError as error:
        raise psycopg.OperationalError(str(error.orig)) from error
    log.warning("copy.held", queues=names, remedy="check the copy, then run `kontor queues release`")


def chosen_namespace(connection: Connection, earlier: str) -> str:
    """Return the namespace of a connection's database, chosen now if it has none. Raises psycopg errors."""
    identity = identity_of(connection)
    if identity is None:
        return earlier
    name = f"{identity.system}:{identity.database}"
    own = "kontor-" + hashlib.sha256(name.encode()).hexdigest()[:12]
    row = connection.execute(CHOSEN, (name,)).fetchone()
    if row is None:
        connection.execute(CHOOSE, (name, earlier, own))
        row = connection.execute(CHOSEN, (name,)).fetchone()
    assert row is not None
    return str(row[0])
