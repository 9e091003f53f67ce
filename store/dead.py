"""Dead jobs, grouped by fingerprint."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from psycopg import Connection

BOUND: Final = 50_000
"""The largest number of dead jobs that are grouped; the rest, by fingerprint order, is ignored."""

GROUPS: Final = """
SELECT fingerprint, count(*), min(finished_at), max(finished_at), (array_agg(id ORDER BY id DESC))[1],
    array_agg(DISTINCT task ORDER BY task), count(DISTINCT tenant), (array_agg(says ORDER BY id DESC))[1]
FROM (SELECT fingerprint, finished_at, id, task, tenant, left(error ->> 'message', 300) AS says
    FROM jobs WHERE state = 'dead' ORDER BY fingerprint, id LIMIT %s) AS dead
GROUP BY fingerprint ORDER BY count(*) DESC, 1 LIMIT 200
"""


@dataclass(frozen=True, slots=True)
class DeadGroup:
    """Dead jobs with the same error; `example` is the newest of them, `says` its message."""

    fingerprint: str | None
    count: int
    first: datetime
    last: datetime
    example: UUID
    tasks: list[str]
    tenants: int
    says: str | None


def groups(connection: Connection[Any]) -> list[DeadGroup]:
    """The 200 largest groups, largest first."""
    return [DeadGroup(*row) for row in connection.execute(GROUPS, (BOUND,)).fetchall()]
