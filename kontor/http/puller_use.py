"""When pull workers last asked for jobs: noted by any thread, written by the thread of the process's beat."""

from threading import Lock
from typing import Final
from uuid import UUID

from kontor.kernel.database import PgConnection

MOST: Final = 10_000
"""Workers noted between two beats; further ones are noted with their next call."""
WRITE: Final = """
INSERT INTO pull_workers (key_id, name, seen_at)
SELECT key_id, name, clock_timestamp() FROM unnest(%s::uuid[], %s::text[]) AS seen (key_id, name) ORDER BY 1, 2
ON CONFLICT (key_id, name) DO UPDATE SET seen_at = excluded.seen_at
"""
FORGET: Final = "DELETE FROM pull_workers WHERE seen_at < clock_timestamp() - interval '1 day'"


class PullerUse:
    """The workers that asked since the last flush, each by its key and name. Thread-safe. Times are real."""

    def __init__(self) -> None:
        self._seen: set[tuple[UUID, str]] = set()
        self._lock = Lock()

    def note(self, key_id: UUID, name: str) -> None:
        """Note that a worker asked for jobs."""
        with self._lock:
            if len(self._seen) < MOST:
                self._seen.add((key_id, name))

    def flush(self, connection: PgConnection) -> None:
        """Write who asked, and forget who has not for a day. Raises psycopg errors; the next calls are noted again."""
        with self._lock:
            seen, self._seen = sorted(self._seen), set()
        if seen:
            connection.execute(WRITE, ([key_id for key_id, _ in seen], [name for _, name in seen]))
            connection.execute(FORGET)
