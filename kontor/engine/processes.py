"""The beats of relays, schedulers and web processes: a row each in the unlogged table `processes`."""

from typing import Final

from kontor.engine.leadership import ProcessIdentity
from kontor.kernel.database import PgConnection

FRESH_SECONDS: Final = 5.0
FORGOTTEN_SECONDS: Final = 600.0
BEAT: Final = """
WITH unflushed AS MATERIALIZED (SELECT set_config('synchronous_commit', 'off', true))
INSERT INTO processes (id, role, host, pid, version, started_at, beat_at, redis_ok, clock_offset_seconds,
    clock_trusted, leads)
SELECT %(id)s, %(role)s, %(host)s, %(pid)s, %(version)s, clock_timestamp(), clock_timestamp(), %(redis_ok)s,
    %(offset)s, %(trusted)s, %(leads)s FROM unflushed
ON CONFLICT (id) DO UPDATE SET beat_at = excluded.beat_at, redis_ok = excluded.redis_ok,
    clock_offset_seconds = excluded.clock_offset_seconds, clock_trusted = excluded.clock_trusted,
    leads = excluded.leads
"""
FORGET: Final = "DELETE FROM processes WHERE beat_at < clock_timestamp() - make_interval(secs => %s)"
LEAVE: Final = "DELETE FROM processes WHERE id = %s"
ANOTHER_WITH_REDIS: Final = """
SELECT FROM processes WHERE role = %s AND id <> %s AND redis_ok AND clock_trusted
    AND beat_at > clock_timestamp() - make_interval(secs => %s) LIMIT 1
"""


def beat(
    connection: PgConnection,
    identity: ProcessIdentity,
    *,
    redis_ok: bool | None,
    offset: float | None,
    trusted: bool,
    leads: bool,
) -> None:
    """Write this process's beat; `offset`: its host's clock minus PostgreSQL's, in seconds."""
    state = {"redis_ok": redis_ok, "offset": offset, "trusted": trusted, "leads": leads}
    who = {"id": identity.id, "role": identity.role, "host": identity.host, "pid": identity.pid}
    connection.execute(BEAT, {**who, **state, "version": identity.version})


def forget_silent(connection: PgConnection) -> None:
    """Delete the rows of processes that ended without leaving ten minutes ago."""
    connection.execute(FORGET, (FORGOTTEN_SECONDS,))


def leave(connection: PgConnection, identity: ProcessIdentity) -> None:
    """Delete this process's row."""
    connection.execute(LEAVE, (identity.id,))


def another_has_redis(connection: PgConnection, identity: ProcessIdentity) -> bool:
    """Whether another living process of this role reached Redis at its last beat."""
    row = connection.execute(ANOTHER_WITH_REDIS, (identity.role, identity.id, FRESH_SECONDS)).fetchone()
    return row is not None
