"""Who leads: one process of each role, by a lease on PostgreSQL's clock, a fence and the lock of its session.

The lock ends with the session. A leader that hangs, or whose host is lost, keeps its session: when its lease has
expired, a standby ends that session, takes the lock and raises the fence. Everything that a leader writes goes over
this one session.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

from kontor.kernel.database import PgConnection

LEASE_SECONDS: Final = 5.0
RENEW_SECONDS: Final = 1.0
LOCK: Final = "SELECT pg_try_advisory_lock(hashtext(%s))"
UNLOCK: Final = "SELECT pg_advisory_unlock(hashtext(%s))"
END_STALE: Final = """
SELECT pg_terminate_backend(a.pid, 1000) FROM leaders l JOIN pg_stat_activity a ON a.pid <> pg_backend_pid()
    AND (a.application_name = %s || l.holder OR (a.pid = l.backend_pid AND a.backend_start <= l.acquired_at))
WHERE l.role = %s AND l.expires_at < clock_timestamp() AND a.datname = current_database()
"""
TAKE: Final = """
INSERT INTO leaders (role, holder, host, pid, version, fence, acquired_at, expires_at, backend_pid)
VALUES (%(role)s, %(holder)s, %(host)s, %(pid)s, %(version)s, 1, clock_timestamp(),
    clock_timestamp() + make_interval(secs => %(lease)s), pg_backend_pid())
ON CONFLICT (role) DO UPDATE SET holder = excluded.holder, host = excluded.host, pid = excluded.pid,
    version = excluded.version, fence = leaders.fence + 1, acquired_at = excluded.acquired_at,
    expires_at = excluded.expires_at, backend_pid = excluded.backend_pid
RETURNING fence
"""
OURS: Final = "role = %(role)s AND holder = %(holder)s AND fence = %(fence)s AND expires_at > clock_timestamp()"
# The commit is not flushed: a lease that a crash of PostgreSQL forgets only expires earlier.
RENEW: Final = f"""
WITH unflushed AS MATERIALIZED (SELECT set_config('synchronous_commit', 'off', true))
UPDATE leaders SET expires_at = clock_timestamp() + make_interval(secs => %(lease)s) FROM unflushed
WHERE {OURS} RETURNING fence
"""  # noqa: S608 -- constants
CONFIRM: Final = f"SELECT FROM leaders WHERE {OURS}"
RELEASE: Final = """
UPDATE leaders SET holder = NULL, backend_pid = NULL, expires_at = clock_timestamp()
WHERE role = %(role)s AND holder = %(holder)s AND fence = %(fence)s
"""


class LeadershipLost(Exception):
    """Another process leads, or may have taken over."""


@dataclass(frozen=True, slots=True)
class ProcessIdentity:
    """A process as others see it; `id` is unique for ever."""

    role: str
    id: str
    host: str
    pid: int
    version: str

    @property
    def application(self) -> str:
        """The name of its connections in pg_stat_activity."""
        return f"kontor-{self.role}:{self.id}"


class Lead(Protocol):
    """The right to act as a leader."""

    def check(self) -> None:
        """Raise LeadershipLost if the lease may have expired, without asking PostgreSQL."""

    def confirm(self) -> None:
        """Ask PostgreSQL. Raises LeadershipLost."""


class SoleLead:
    """Implements Lead where one process runs alone."""

    def check(self) -> None:
        """Do nothing."""

    def confirm(self) -> None:
        """Do nothing."""


class Leadership:
    """The lease of one role, taken and renewed over one session in autocommit mode."""

    def __init__(self, connection: PgConnection, identity: ProcessIdentity, elapsed: Callable[[], float]) -> None:
        self._connection = connection
        self._identity = identity
        self._elapsed = elapsed
        self._renewed_at = 0.0
        self._lock = f"kontor {identity.role}"
        self.fence: int | None = None

    def acquire(self) -> bool:
        """Take over from a leader whose session ended or whose lease expired; False while another one leads."""
        role = self._identity.role
        if not self._lock_session():
            ended = self._connection.execute(END_STALE, (f"kontor-{role}:", role)).fetchall()
            if not ended or not self._lock_session():
                return False
        self._renewed_at = self._elapsed()
        row = self._connection.execute(TAKE, self._params()).fetchone()
        assert row is not None
        self.fence = row[0]
        return True

    def renew(self) -> None:
        """Extend the lease when it is a second old. Raises LeadershipLost."""
        self.check()
        now = self._elapsed()
        if now - self._renewed_at < RENEW_SECONDS:
            return
        if self._connection.execute(RENEW, self._params()).fetchone() is None:
            raise LeadershipLost
        self._renewed_at = now

    def check(self) -> None:
        """Raise LeadershipLost if the lease was not renewed for its length, by this process's own clock."""
        if self.fence is None or self._elapsed() - self._renewed_at >= LEASE_SECONDS:
            raise LeadershipLost

    def confirm(self) -> None:
        """Ask PostgreSQL whether the fence is still ours. Raises LeadershipLost."""
        self.check()
        if self._connection.execute(CONFIRM, self._params()).fetchone() is None:
            raise LeadershipLost

    def release(self) -> None:
        """Let another process lead at once. Raises psycopg errors."""
        if self.fence is not None:
            self._connection.execute(RELEASE, self._params())
            self._connection.execute(UNLOCK, (self._lock,))
            self.fence = None

    def _lock_session(self) -> bool:
        row = self._connection.execute(LOCK, (self._lock,)).fetchone()
        return bool(row and row[0])

    def _params(self) -> dict[str, object]:
        each = self._identity
        return {
            "role": each.role,
            "holder": each.id,
            "host": each.host,
            "pid": each.pid,
            "version": each.version,
            "fence": self.fence,
            "lease": LEASE_SECONDS,
        }
