"""Payloads of bulk actions on jobs and of their previews."""

from __future__ import annotations

from datetime import timedelta
from typing import ClassVar, Final
from uuid import UUID

from kontor.engine.admin.job_filter import JobFilter
from kontor.engine.catalogue import Payload, Policy, isolated_policy
from kontor.engine.retry import RetryPolicy
from kontor.kernel.states import BulkAction, TaskKind

QUEUE: Final = "upkeep"


class JobsBulk(JobFilter, Payload):
    """Apply an action to the matching jobs for an actor. `before`, `done`, `refused`: progress of earlier chunks.

    `run`: the bulk action run that operators watch, pause and stop.
    """

    policy: ClassVar[Policy] = Policy(
        name="jobs.bulk",
        queue=QUEUE,
        kind=TaskKind.TRANSACTIONAL,
        retry=RetryPolicy(),
        due_by=timedelta(minutes=1),
        batch_commits=False,
    )

    action: BulkAction
    actor: str
    reason: str | None = None
    done: int = 0
    refused: int = 0
    run: UUID | None = None

    def remaining(self, job_id: UUID) -> JobFilter:
        """Return the filter of the remaining jobs; jobs created after the action are excluded."""
        job_filter = JobFilter.load(self.model_dump(include=set(JobFilter.model_fields)))
        return job_filter.replace(before=self.before or job_id)


class JobsPreview(Payload):
    """Preview a bulk action."""

    policy: ClassVar[Policy] = isolated_policy("jobs.foresee", QUEUE, timedelta(seconds=10), attempts=3)

    run: UUID
