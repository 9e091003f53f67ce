"""The namespace of a deployment's keys in Redis: made of the database's own identity, whatever its address."""

import hashlib
from functools import partial

import psycopg
import redis

from kontor.adapters.primary import identity_of
from kontor.adapters.redis_doorbell import RedisKeys
from kontor.adapters.settings import Settings
from workers.connections import Connection, open_connection

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
        with open_connection(settings, "kontor-namespace") as connection:
            return chosen_namespace(connection, settings.earlier_namespace)
    except psycopg.Error as error:
        raise redis.ConnectionError(f"the namespace is unknown while PostgreSQL does not answer: {error}") from error


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
