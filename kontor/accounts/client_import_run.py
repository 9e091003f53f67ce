"""The run of an import of clients: chunk after chunk, each a job; and how far it is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final
from uuid import UUID

from pydantic import TypeAdapter
from sqlalchemy.orm import Session

from kontor.accounts.client_import import CHUNK, PRIORITY, MadeRow, begun_by, make_rows
from kontor.accounts.payloads import ClientsImport, FileRow
from kontor.audit import Actor
from kontor.context import Context
from kontor.engine.admin import job_queries
from kontor.engine.admin.job_queries import JobRecord
from kontor.kernel.database import psycopg_connection
from kontor.kernel.errors import NotFound
from kontor.kernel.states import JobState

MADE_ROWS: Final = TypeAdapter(tuple[MadeRow, ...])
FILE_ROWS: Final = TypeAdapter(tuple[FileRow, ...])


@dataclass(frozen=True, slots=True)
class ImportChunk:
    """What became of the rows of a chunk, as the result of its job; `continued_by`: the job of the next one."""

    made: Sequence[MadeRow]
    continued_by: UUID | None

    def document(self) -> Mapping[str, object]:
        """Return the result of the job; it names no person."""
        following = None if self.continued_by is None else str(self.continued_by)
        return {"rows": MADE_ROWS.dump_python(tuple(self.made), mode="json"), "continued_by": following}


def run_chunk(ctx: Context, session: Session, job_id: UUID, payload: ClientsImport) -> ImportChunk:
    """Make the clients of the next rows, and enqueue the rest. Raises NotFound, Conflict(`not_a_reseller`)."""
    first = payload.begun_by or job_id
    rows = payload.rows if payload.begun_by is None else _rows_of(session, first)
    until = payload.start + CHUNK
    actor = Actor(begun_by(session, first), f"job:{job_id}")
    made = make_rows(ctx, session, payload.reseller_id, rows[payload.start : until], actor)
    if until >= len(rows):
        return ImportChunk(made, None)
    rest = payload.model_copy(update={"rows": (), "start": until, "begun_by": first})
    following = ctx.jobs.enqueue(session, rest, tenant=str(payload.reseller_id), priority=PRIORITY)
    return ImportChunk(made, following.id)


def _rows_of(session: Session, job_id: UUID) -> Sequence[FileRow]:
    job = job_queries.find(psycopg_connection(session), job_id)
    if job is None:
        raise NotFound(message="The job that has the rows is gone.")
    return FILE_ROWS.validate_python(job.payload.get("rows", []))


class ImportState(StrEnum):
    """How an import stands."""

    RUNNING = "running"
    DONE = "done"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class ImportRun:
    """An import: its rows, and by number what became of those that were reached."""

    id: UUID
    rows: Sequence[FileRow]
    total: int
    state: ImportState
    made: Mapping[int, MadeRow] = field(default_factory=dict)

    @property
    def created(self) -> list[tuple[FileRow, MadeRow]]:
        """The rows that are clients now."""
        return [(row, made) for row, made in self._reached() if made.account_id is not None]

    @property
    def refused(self) -> list[tuple[FileRow, MadeRow]]:
        """The rows that were refused."""
        return [(row, made) for row, made in self._reached() if made.account_id is None]

    def _reached(self) -> Iterator[tuple[FileRow, MadeRow]]:
        return ((row, self.made[row.number]) for row in self.rows if row.number in self.made)


def import_run(session: Session, reseller_id: UUID, job_id: UUID) -> ImportRun:
    """Return an import of a reseller by the job that it began with. Raises NotFound, also for another's."""
    jobs = list(_chain(session, job_id))
    if not jobs or not _begins(jobs[0], reseller_id):
        raise NotFound
    made = {each.number: each for job in jobs for each in _made_by(job)}
    last, payload = jobs[-1], jobs[0].payload
    state = ImportState.DONE if last.state == JobState.SUCCEEDED else ImportState.RUNNING
    if last.state in (JobState.DEAD, JobState.CANCELLED):
        state = ImportState.STOPPED
    rows = FILE_ROWS.validate_python(payload.get("rows", []))
    return ImportRun(job_id, rows, int(str(payload["total"])), state, made)


def _begins(job: JobRecord, reseller_id: UUID) -> bool:
    mine = job.payload.get("reseller_id") == str(reseller_id)
    return job.task == ClientsImport.policy.name and mine and not job.payload.get("begun_by")


def _chain(session: Session, job_id: UUID) -> Iterator[JobRecord]:
    """Yield the jobs of an import, from the first on."""
    following: object = job_id
    while following:
        job = job_queries.find(psycopg_connection(session), UUID(str(following)))
        if job is None or job.task != ClientsImport.policy.name:
            return
        yield job
        following = job.result.get("continued_by") if isinstance(job.result, dict) else None


def _made_by(job: JobRecord) -> Sequence[MadeRow]:
    return MADE_ROWS.validate_python(job.result["rows"]) if isinstance(job.result, dict) else ()
