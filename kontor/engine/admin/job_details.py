"""Queries of the console's job pages, each bounded: matches, follow-up jobs, effects, dead groups."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from psycopg.rows import class_row

from kontor.engine.admin.job_filter import JobFilter, conditions, tables
from kontor.engine.dead_jobs import dead_jobs
from kontor.kernel.database import PgConnection

MAX_COUNT: Final = 10_000
MAX_CHILDREN: Final = 100
MAX_TRANSITIONS: Final = 50

CHILDREN: Final = """
SELECT id, task, state, lane, payload ->> 'mail_id' AS mail_id, created_at, finished_at
FROM jobs WHERE parent_id = %(id)s
UNION ALL
SELECT id, task, state, lane, payload ->> 'mail_id', created_at, finished_at
FROM jobs_archive WHERE parent_id = %(id)s
ORDER BY id LIMIT %(most)s
"""
MAX_ANCESTORS: Final = 5
ANCESTOR: Final = """
SELECT id, task, state, lane, created_at, finished_at, parent_id FROM jobs WHERE id = %(id)s
UNION ALL
SELECT id, task, state, lane, created_at, finished_at, parent_id FROM jobs_archive WHERE id = %(id)s
"""
ONCE: Final = """
SELECT once_key FROM jobs WHERE id = %(id)s UNION ALL SELECT once_key FROM jobs_archive WHERE id = %(id)s
"""
OFFER_STEPS: Final = """
SELECT offer_id, at, event, from_state, to_state FROM offer_events WHERE job_id = %s ORDER BY seq LIMIT %s
"""
SUBJECTS: Final = """
SELECT id, template, state, subject FROM mails WHERE id = ANY(%s::uuid[])
"""


@dataclass(frozen=True, slots=True)
class RelatedJob:
    """A job that another one enqueued."""

    id: UUID
    task: str
    state: str
    lane: str | None
    mail_id: str | None
    created_at: datetime
    finished_at: datetime | None


@dataclass(frozen=True, slots=True)
class Ancestor:
    """A job up the chain of parents."""

    id: UUID
    task: str
    state: str
    lane: str | None
    created_at: datetime
    finished_at: datetime | None
    parent_id: UUID | None


@dataclass(frozen=True, slots=True)
class OfferTransitionRow:
    """A state transition of an offer, made by a job."""

    offer_id: UUID
    at: datetime
    event: str
    from_state: str | None
    to_state: str


@dataclass(frozen=True, slots=True)
class MailRow:
    """A mail of the mail log."""

    id: UUID
    template: str
    state: str
    subject: str | None


def bounded_count(connection: PgConnection, job_filter: JobFilter, most: int = MAX_COUNT) -> int:
    """Count matching jobs; `most` + 1 means more. Raises psycopg.errors.QueryCanceled on a statement timeout."""
    where, values = conditions(job_filter)
    parts = [f"(SELECT 1 FROM {table} WHERE {where} LIMIT %(most)s)" for table in tables(job_filter)]  # noqa: S608 -- constants
    merged = " UNION ALL ".join(parts)
    statement = f"SELECT count(*) FROM (SELECT 1 FROM ({merged}) AS matches LIMIT %(most)s) AS counted"  # noqa: S608 -- constants
    row = connection.execute(statement, {**values, "most": most + 1}, prepare=False).fetchone()
    return int(row[0]) if row else 0


def children(connection: PgConnection, job_id: UUID) -> list[RelatedJob]:
    """The jobs that a job enqueued, oldest first, at most 100."""
    cursor = connection.cursor(row_factory=class_row(RelatedJob))
    return cursor.execute(CHILDREN, {"id": job_id, "most": MAX_CHILDREN}).fetchall()


def offer_transitions(connection: PgConnection, job_id: UUID) -> list[OfferTransitionRow]:
    """The offer transitions made by a job, at most 50."""
    return (
        connection.cursor(row_factory=class_row(OfferTransitionRow))
        .execute(OFFER_STEPS, (job_id, MAX_TRANSITIONS))
        .fetchall()
    )


def mail_rows(connection: PgConnection, mail_ids: list[UUID]) -> list[MailRow]:
    """Mails by id."""
    return (
        connection.cursor(row_factory=class_row(MailRow)).execute(SUBJECTS, (mail_ids,)).fetchall() if mail_ids else []
    )


def once_key_of(connection: PgConnection, job_id: UUID) -> str | None:
    """The once_key of a job; that of a scheduled job names the occurrence."""
    row = connection.execute(ONCE, {"id": job_id}).fetchone()
    return None if row is None else row[0]


def ancestors(connection: PgConnection, job_id: UUID | None) -> list[RelatedJob]:
    """The parent chain of a job, root first, at most five."""
    chain: list[RelatedJob] = []
    cursor = connection.cursor(row_factory=class_row(Ancestor))
    while job_id is not None and len(chain) < MAX_ANCESTORS:
        row = cursor.execute(ANCESTOR, {"id": job_id}).fetchone()
        if row is None:
            break
        chain.append(RelatedJob(row.id, row.task, row.state, row.lane, None, row.created_at, row.finished_at))
        job_id = row.parent_id
    return chain[::-1]


MAX_GROUPED: Final = 50_000
"""The largest number of dead jobs that are grouped; the rest, by fingerprint order, is ignored."""

GROUPS: Final = f"""
SELECT fingerprint, count(*), min(finished_at), max(finished_at), (array_agg(id ORDER BY id DESC))[1],
    array_agg(DISTINCT task ORDER BY task), count(DISTINCT tenant), (array_agg(says ORDER BY id DESC))[1]
FROM (SELECT fingerprint, finished_at, id, task, tenant, left(error ->> 'message', 300) AS says
    FROM {dead_jobs("fingerprint, finished_at, id, task, tenant, error")} ORDER BY fingerprint, id LIMIT %s) AS d
GROUP BY fingerprint ORDER BY count(*) DESC, 1 LIMIT 200
"""  # noqa: S608 -- constants


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


def dead_groups(connection: PgConnection) -> list[DeadGroup]:
    """The 200 largest groups, largest first."""
    return [DeadGroup(*row) for row in connection.execute(GROUPS, (MAX_GROUPED,)).fetchall()]
