"""INSERTs of single jobs: their statement, and the two keys that an earlier job may have."""

from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple
from uuid import UUID

from psycopg import Cursor
from psycopg.sql import quote

FIXED = ("task", "queue", "state", "max_attempts")
MOVE_ONCE = "UPDATE once_keys SET job_id = %s WHERE key = %s"
CLAIM_ONCE = "INSERT INTO once_keys (key, job_id) VALUES (%s, %s) ON CONFLICT DO NOTHING"
FIND_ONCE = "SELECT job_id FROM once_keys WHERE key = %s"
FIND_UNIQUE = "SELECT id FROM jobs WHERE tenant = %s AND task = %s AND unique_key = %s AND state <> 'dead'"


class Row(NamedTuple):
    """A new job: its INSERT with the values, and its keys."""

    id: UUID
    statement: str
    values: tuple[object, ...]
    tenant: str
    task: str
    unique_key: str | None
    effect_key: str | None

    @property
    def unique_order(self) -> tuple[str, str, str]:
        """The place in the order in which unique keys are taken."""
        return self.tenant, self.task, self.unique_key or ""


@lru_cache(maxsize=512)
def insert_statement(columns: tuple[str, ...], fixed: tuple[str | int, ...]) -> str:
    """Return the INSERT of a job with these columns.

    Values fixed by the task's policy are literals: half as many parameters are sent, and few statements are prepared.
    """
    names = ", ".join((*columns, *FIXED))
    places = ("%s::jsonb" if name == "payload" else "%s" for name in columns)
    literals = (str(value) if isinstance(value, int) else quote(value).replace("%", "%%") for value in fixed)
    return f"INSERT INTO jobs ({names}) VALUES ({', '.join((*places, *literals))})"  # noqa: S608 -- constants


def claim_once(cursor: Cursor[tuple[UUID]], row: Row) -> UUID | None:
    """Claim the effect key of a new job; return the id of the job that has it already."""
    if row.effect_key is None:
        return None
    cursor.execute(CLAIM_ONCE, (row.effect_key, row.id))
    if cursor.rowcount:
        return None
    existing = cursor.execute(FIND_ONCE, (row.effect_key,)).fetchone()
    assert existing is not None, "a claimed key has a job"
    return existing[0]


def insert(cursor: Cursor[tuple[UUID]], row: Row) -> UUID:
    """Insert a job and return its id, or that of the unfinished job with its unique key, which gets the effect key."""
    if row.unique_key is None:
        cursor.execute(row.statement, row.values)
        return row.id
    statement = f"{row.statement} ON CONFLICT DO NOTHING"
    while True:
        cursor.execute(statement, row.values)
        if cursor.rowcount == 1:
            return row.id
        existing = cursor.execute(FIND_UNIQUE, (row.tenant, row.task, row.unique_key)).fetchone()
        if existing is not None:
            if row.effect_key is not None:
                cursor.execute(MOVE_ONCE, (existing[0], row.effect_key))
            return existing[0]


def insert_in_key_order(cursor: Cursor[tuple[UUID]], rows: Mapping[int, Row]) -> dict[int, UUID]:
    """Insert jobs by number: take all effect keys in their order, then all unique keys. Return the ids by number.

    Transactions that take locks in one order wait for each other, but do not deadlock.
    """
    ids: dict[int, UUID] = {}
    replaced: dict[UUID, UUID] = {}
    for number, row in sorted(rows.items(), key=lambda item: item[1].effect_key or ""):
        existing = claim_once(cursor, row)
        if existing is not None:
            ids[number] = existing
    for number, row in sorted(rows.items(), key=lambda item: item[1].unique_order):
        if number not in ids:
            replaced[row.id] = ids[number] = insert(cursor, row)
    return {number: replaced.get(job_id, job_id) for number, job_id in ids.items()}
