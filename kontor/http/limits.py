"""Limits of calls, kept in this process: requests of a key, waiting requests, a tenant's unfinished jobs."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from psycopg import Connection

from kontor.http.keys import hash_key
from kontor.http.large_bodies import BodiesInFlight
from kontor.kernel.limits import (
    API_RATE,
    API_RATE_OPERATORS,
    BURST_SECONDS,
    JOBS_UNFINISHED,
    WAITING,
    WAITING_PROCESS,
    Limit,
    LimitReached,
    Spent,
)
from models.keys import Scope

VALUES_SECONDS: Final = 5.0
"""How long a key's values hold before they are read again."""
IDLE_SECONDS: Final = 60.0
KEYS: Final = 10_000
COUNT_SECONDS: Final = 5.0
COUNT_SHARE: Final = 20
"""Counting a tenant's jobs takes at most one twentieth of the time."""
AGAIN: Final = timedelta(seconds=30)
LEASES: Final = "/v1/leases"
OPERATING: Final = frozenset({Scope.OPERATE.value, Scope.ADMIN.value})
ALL: Final = ""
"""The subject of an override for all."""
OVERRIDES_OF: Final = "SELECT name, subject, value FROM limit_overrides WHERE name = ANY(%s) AND subject = ANY(%s)"
# Read from the row as a whole: a database of the release before has no such column.
OWN_RATE: Final = "SELECT (to_jsonb(k) ->> 'rate')::int FROM api_keys AS k WHERE id = %s"
READ: Final = [limit.name for limit in (API_RATE, API_RATE_OPERATORS, WAITING, WAITING_PROCESS)]
Overrides = Mapping[tuple[str, str], int]


def overrides_of(connection: Connection[Any], names: Sequence[str], subjects: Sequence[str]) -> Overrides:
    """Return the overrides of limits by (name, subject)."""
    rows = connection.execute(OVERRIDES_OF, (list(names), [ALL, *subjects])).fetchall()
    return {(name, subject): value for name, subject, value in rows}


def own_rate(connection: Connection[Any], key_id: UUID) -> int | None:
    """Return the rate that a key was made with, if any."""
    row = connection.execute(OWN_RATE, (key_id,)).fetchone()
    return None if row is None else row[0]


@dataclass(slots=True)
class Bucket:
    """Tokens of one key: `rate` a second, `BURST_SECONDS` worth at most; below zero what other processes took.

    `waiting`: how many of its requests may wait at once. Times by the monotonic clock.
    """

    limit: Limit
    rate: int
    waiting: int
    tokens: float
    at: float
    read_at: float
    spent: int = 0

    def take(self, now: float) -> float:
        """Take a token and return 0, or return the seconds until there is one."""
        self.tokens = min(float(self.rate * BURST_SECONDS), self.tokens + (now - self.at) * self.rate)
        self.at = now
        if self.tokens < 1:
            return (1 - self.tokens) / self.rate if self.rate else AGAIN.total_seconds()
        self.tokens -= 1
        self.spent += 1
        return 0.0


class KeyRates:
    """A token bucket per key, reconciled with those of other processes when `settled` is called. Thread-safe.

    A key is known by the hash of its secret once it was authenticated; before, it is not limited here.
    """

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self.waiting_in_all = WAITING_PROCESS.default
        self._monotonic = monotonic
        self._buckets: dict[str, Bucket] = {}
        self._lock = threading.Lock()

    def take(self, key: str) -> LimitReached | None:
        """Count a request of a key; return why it is refused."""
        with self._lock:
            bucket = self._buckets.get(key)
            free_in = 0.0 if bucket is None else bucket.take(self._monotonic())
        if bucket is None or free_in == 0:
            return None
        return LimitReached(bucket.limit, bucket.rate, timedelta(seconds=free_in))

    def learn(self, key: str, key_id: UUID, scopes: Collection[str], connection: Connection[Any]) -> None:
        """Read the values of an authenticated key, at most every five seconds."""
        now, bucket = self._monotonic(), self._buckets.get(key)
        if bucket is not None and now - bucket.read_at < VALUES_SECONDS:
            return
        limit = API_RATE_OPERATORS if OPERATING.intersection(scopes) else API_RATE
        values = overrides_of(connection, READ, [str(key_id)])
        self.waiting_in_all = values.get((WAITING_PROCESS.name, ALL), WAITING_PROCESS.default)
        own = values.get((API_RATE.name, str(key_id)), values.get((limit.name, str(key_id))))
        own = own_rate(connection, key_id) if own is None else own
        rate = own if own is not None else values.get((limit.name, ALL), limit.default)
        waiting = values.get((WAITING.name, str(key_id)), values.get((WAITING.name, ALL), WAITING.default))
        with self._lock:
            bucket = self._buckets.get(key)
            if bucket is None:
                self._forget_idle(now)
                bucket = Bucket(limit, rate, waiting, float(rate * BURST_SECONDS), now, now)
                bucket.take(now)
                self._buckets[key] = bucket
            bucket.limit, bucket.rate, bucket.waiting, bucket.read_at = limit, rate, waiting, now

    def knows(self, key: str) -> bool:
        """Whether a key was authenticated by this process within the last minute."""
        bucket = self._buckets.get(key)
        return bucket is not None and self._monotonic() - bucket.read_at < IDLE_SECONDS

    def waiting_of(self, key: str) -> int | None:
        """Return how many requests of a known key may wait at once."""
        bucket = self._buckets.get(key)
        return None if bucket is None else bucket.waiting

    def unsettled(self) -> dict[str, Spent]:
        """Return what each key spent since the last call."""
        with self._lock:
            spent = {key: Spent(bucket.spent, bucket.rate) for key, bucket in self._buckets.items() if bucket.spent}
            for key in spent:
                self._buckets[key].spent = 0
        return spent

    def settled(self, tokens: Mapping[str, float]) -> None:
        """Take over the tokens that all processes have left together."""
        with self._lock:
            for key, left in tokens.items():
                bucket = self._buckets.get(key)
                if bucket is not None:
                    bucket.tokens = min(bucket.tokens, left - bucket.spent)

    def _forget_idle(self, now: float) -> None:
        if len(self._buckets) >= KEYS:
            kept = {key: bucket for key, bucket in self._buckets.items() if now - bucket.at < IDLE_SECONDS}
            self._buckets = kept


class Seats:
    """Requests that wait, by key and in all. Lives in the event loop."""

    def __init__(self) -> None:
        self._by_key: Counter[str] = Counter()
        self._total = 0

    def sit(self, key: str, most: int, in_all: int = WAITING_PROCESS.default) -> LimitReached | None:
        """Take a seat for a request; return why there is none."""
        if self._by_key[key] >= most:
            return LimitReached(WAITING, most, timedelta(seconds=1))
        if self._total >= in_all:
            return LimitReached(WAITING_PROCESS, in_all, timedelta(seconds=1))
        self._by_key[key] += 1
        self._total += 1
        return None

    def leave(self, key: str) -> None:
        """Give the seat back."""
        self._total -= 1
        self._by_key[key] -= 1
        if not self._by_key[key]:
            del self._by_key[key]


@dataclass(slots=True)
class JobCount:
    """A tenant's unfinished jobs as counted, with those added since, and its limit; read again from `until` on."""

    jobs: int
    most: int
    until: float


class TenantJobs:
    """Counts of unfinished jobs by tenant, a few seconds old; what this process adds counts at once. Thread-safe."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._counts: dict[str, JobCount] = {}

    def add(self, tenant: str, jobs: int, read: Callable[[], tuple[int, int]]) -> None:
        """Count new jobs of a tenant; `read` returns how many are stored and how many may be. Raises LimitReached."""
        began = self._monotonic()
        counted = self._counts.get(tenant)
        if counted is None or began >= counted.until:
            stored, most = read()
            took = self._monotonic() - began
            counted = JobCount(stored, most, began + max(COUNT_SECONDS, COUNT_SHARE * took))
            if len(self._counts) >= KEYS:
                self._counts.clear()
            self._counts[tenant] = counted
        if counted.jobs + jobs > counted.most:
            raise LimitReached(JOBS_UNFINISHED, counted.most, AGAIN)
        counted.jobs += jobs


class CallLimits:
    """The limits of calls of one process."""

    def __init__(self) -> None:
        self.rates = KeyRates()
        self.seats = Seats()
        self.jobs = TenantJobs()
        self.bodies = BodiesInFlight()

    def admitted(self, key: str, path: str, wait: str | None) -> AbstractContextManager[LimitReached | None]:
        """Count a request while the block runs; yields why it is refused, before body, thread and database are used.

        Leases and requests that wait are bounded by how many there are at once, all others by the key's rate.
        """
        if path.startswith(LEASES) or (wait or "").strip("0."):
            return self._seated(key)
        return nullcontext(self.rates.take(key))

    @contextmanager
    def _seated(self, key: str) -> Iterator[LimitReached | None]:
        most = self.rates.waiting_of(key)
        refusal = None if most is None else self.seats.sit(key, most, self.rates.waiting_in_all)
        try:
            yield refusal
        finally:
            if most is not None and refusal is None:
                self.seats.leave(key)


def key_of(secret: str | None) -> str:
    """Return what a key is called here: the hash of its secret."""
    return "" if secret is None else hash_key(secret)
