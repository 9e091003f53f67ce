"""Connections that write to the newest primary only, each with a server session of its own.

A primary that returns after a failover accepts writes that nobody will see. It is recognised by its timeline: every
promotion begins a higher one. A process knows the highest timeline from its own connections, from its peers and, when
the URL names several hosts, from each host. A connection on a lower one is refused; an open one is cut off.
"""

import os
import socket
import threading
import time
import weakref
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import uuid4

import psycopg

from kontor.adapters.database_url import each_host

Connection = psycopg.Connection[Any]
IDENTITY = """
SELECT (SELECT system_identifier FROM pg_control_system()), oid::int8,
       CASE WHEN NOT pg_is_in_recovery() THEN left(pg_walfile_name(pg_current_wal_lsn()), 8) END
FROM pg_database WHERE datname = current_database()
"""
SURVEY_SECONDS = 5.0
HOST_SECONDS = 2
WATCH_SECONDS = 2.0


class OldPrimary(psycopg.OperationalError):
    """PostgreSQL is on a lower timeline than another primary of the same cluster."""


class SharedTimelines(Protocol):
    """What the peers of a process know; never raises."""

    def highest(self, system: int, own: int) -> int:
        """Tell the peers of timeline `own` of a cluster and return the highest they know, 0 for none."""


@dataclass(frozen=True, slots=True)
class DatabaseIdentity:
    """A database: its cluster's system identifier, its oid, and the timeline on which it writes (None: a standby)."""

    system: int
    database: int
    timeline: int | None


def identity_of(connection: Connection) -> DatabaseIdentity | None:
    """Return the identity of a connection's database; None where a provider withholds it."""
    try:
        row = connection.execute(IDENTITY, prepare=False).fetchone()
    except (psycopg.errors.InsufficientPrivilege, psycopg.errors.UndefinedFunction, psycopg.errors.FeatureNotSupported):
        return None
    assert row is not None
    return DatabaseIdentity(int(row[0]), int(row[1]), None if row[2] is None else int(row[2], 16))


def survey(parameters: Mapping[str, str]) -> list[tuple[dict[str, str], DatabaseIdentity]]:
    """Return the hosts of a URL that answer, with their identities."""

    def ask(host: dict[str, str]) -> DatabaseIdentity | None:
        with suppress(psycopg.OperationalError):
            limit = {"connect_timeout": str(HOST_SECONDS), "tcp_user_timeout": str(HOST_SECONDS * 1000)}
            with psycopg.connect(**{**host, **limit}, autocommit=True) as connection:  # type: ignore[arg-type]  # libpq's
                return identity_of(connection)
        return None

    hosts = list(each_host(parameters))
    with ThreadPoolExecutor(len(hosts), thread_name_prefix="survey") as threads:
        answers = list(threads.map(ask, hosts))
    return [(host, identity) for host, identity in zip(hosts, answers, strict=True) if identity is not None]


def primaries(parameters: Mapping[str, str]) -> list[tuple[dict[str, str], DatabaseIdentity]]:
    """Return the hosts of a URL that accept writes, that of the highest timeline first."""
    writing = [(host, identity) for host, identity in survey(parameters) if identity.timeline is not None]
    return sorted(writing, key=lambda answer: -(answer[1].timeline or 0))


class PrimaryConnector:
    """Opens connections by libpq's parameters; several threads may use one."""

    def __init__(self, parameters: Mapping[str, str], peers: SharedTimelines) -> None:
        self._parameters = dict(parameters)
        self._peers = peers
        self._lock = threading.Lock()
        self._highest: dict[int, int] = {}
        self._surveyed_at = -SURVEY_SECONDS
        self._newest: dict[str, str] | None = None
        self._open: weakref.WeakKeyDictionary[Connection, DatabaseIdentity] = weakref.WeakKeyDictionary()
        self._watching = False

    def connect(self, **options: Any) -> Connection:
        """Open a connection in autocommit mode to the newest primary. Raises psycopg errors, OldPrimary too."""
        with ExitStack() as stack:
            connection = stack.enter_context(closing(psycopg.connect(**{**self._target(), **options}, autocommit=True)))
            identity = identity_of(connection)
            if identity is not None and identity.timeline is not None:
                self._admit(identity, connection.info.host or "its host")
                with self._lock:
                    self._open[connection] = identity
            stack.pop_all()
            return connection

    def watch(self) -> None:
        """Ask the peers every 2 s, in a thread, and cut off connections on lower timelines."""
        with self._lock:
            if self._watching:
                return
            self._watching = True
        threading.Thread(target=_watch, args=(weakref.ref(self),), name="timeline", daemon=True).start()

    def cut_off_old(self) -> int:
        """Ask the peers; cut off open connections on lower timelines; return their number."""
        with self._lock:
            opened = list(self._open.items())
        for system in {identity.system for _, identity in opened}:
            self._learn(system, max(identity.timeline or 0 for _, identity in opened if identity.system == system))
        old = [
            connection
            for connection, identity in opened
            if (identity.timeline or 0) < self._highest_of(identity.system)
        ]
        for connection in old:
            _cut_off(connection)
        return len(old)

    def _target(self) -> dict[str, str]:
        """The parameters of the newest primary; all hosts when there is one only, or none answers."""
        if "," not in self._parameters.get("host", ""):
            return self._parameters
        with self._lock:
            if time.monotonic() - self._surveyed_at >= SURVEY_SECONDS or self._newest is None:
                answers = primaries(self._parameters)
                self._newest = answers[0][0] if answers else None
                self._surveyed_at = time.monotonic()
                for _, identity in answers:
                    self._raise(identity.system, identity.timeline or 0)
            newest = self._newest
        return self._parameters if newest is None else {**newest, "target_session_attrs": "read-write"}

    def _admit(self, identity: DatabaseIdentity, host: str) -> None:
        assert identity.timeline is not None
        highest = self._learn(identity.system, identity.timeline)
        if identity.timeline < highest:
            with self._lock:
                self._newest = None
            raise OldPrimary(
                f"PostgreSQL at {host} is an old primary: it is on timeline {identity.timeline}, another is on timeline"
                f" {highest}; stop it and make it a standby, and name the newest primary in DATABASE_URL"
            )

    def _learn(self, system: int, own: int) -> int:
        """Exchange timelines with the peers and return the highest known."""
        shared = self._peers.highest(system, max(own, self._highest_of(system)))
        with self._lock:
            self._raise(system, max(own, shared))
        return self._highest_of(system)

    def _highest_of(self, system: int) -> int:
        return self._highest.get(system, 0)

    def _raise(self, system: int, timeline: int) -> None:
        self._highest[system] = max(self._highest_of(system), timeline)


def _watch(connector: "weakref.ref[PrimaryConnector]") -> None:
    pause = threading.Event()
    while not pause.wait(WATCH_SECONDS):
        alive = connector()
        if alive is None:
            return
        alive.cut_off_old()
        del alive


def _cut_off(connection: Connection) -> None:
    """End a connection from another thread: what uses it gets an error as from a lost connection."""
    with suppress(OSError, psycopg.Error), socket.socket(fileno=os.dup(connection.fileno())) as link:
        link.shutdown(socket.SHUT_RDWR)


POOLER_TRIES = 3
SET = "SELECT set_config('kontor.session', %s, false)"
SESSION = "SELECT pg_backend_pid(), current_setting('kontor.session', true)"
PID = "SELECT pg_backend_pid()"


def shares_sessions(connect: Callable[[], Connection]) -> bool:
    """Whether a pooler gives consecutive transactions of a connection different sessions.

    One connection sets a value; another holds a transaction open, so that a pooler has to choose for the first.
    """
    with connect() as first, connect() as second:
        for _ in range(POOLER_TRIES):
            value = uuid4().hex
            first.execute(SET, (value,), prepare=False)
            before = first.execute(PID, prepare=False).fetchone()
            with second.transaction():
                if second.execute(PID, prepare=False).fetchone() == before:
                    return True
                after = first.execute(SESSION, prepare=False).fetchone()
            if before is None or after != (before[0], value):
                return True
    return False
