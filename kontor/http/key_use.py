"""Last use of API keys: noted in memory by each request, written by the process's beat."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from kontor.kernel.database import PgConnection

EVERY: Final = timedelta(minutes=1)
WRITE: Final = """
UPDATE api_keys k SET last_used_at = used.at FROM unnest(%s::uuid[], %s::timestamptz[]) AS used (id, at)
WHERE k.id = used.id AND (k.last_used_at IS NULL OR k.last_used_at < used.at)
"""


class KeyUse:
    """Noted by any thread, flushed by one: a key's row is written at most once a minute. Times are real."""

    def __init__(self) -> None:
        self._used: dict[UUID, datetime] = {}
        self._written: dict[UUID, datetime] = {}

    def note(self, key_id: UUID, at: datetime) -> None:
        """Note that a key was used; a dict write, no query."""
        self._used[key_id] = at

    def due(self) -> Mapping[UUID, datetime]:
        """Return the uses that are not written yet, of keys last written a minute or more before."""
        return {key_id: at for key_id, at in self._used.copy().items() if self._is_due(key_id, at)}

    def flush(self, connection: PgConnection) -> None:
        """Write what is due; what fails is written next time. Raises psycopg errors."""
        due = self.due()
        if not due:
            return
        connection.execute(WRITE, (list(due), list(due.values())))
        self._written.update(due)

    def _is_due(self, key_id: UUID, at: datetime) -> bool:
        written = self._written.get(key_id)
        return written is None or at - written >= EVERY
