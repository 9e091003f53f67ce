"""Payloads of bulk actions on jobs and of their previews."""

from __future__ import annotations

from datetime import timedelta
from typing import ClassVar, Final
from uuid import UUID

from pydantic import JsonValue

from kontor.engine.admin.job_filter import JobFilter
from kontor.engine.catalogue import Count, Payload, Policy, isolated_policy
from kontor.engine.retry import RetryPolicy
from kontor.kernel.states import BulkAction, TaskKind

QUEUE: Final = "upkeep"


class JobsBulk(JobFilter, Payload):
    """Apply the action of a run to the matching jobs. `before`, `done`, `refused`: progress of earlier chunks.

    `run`: the bulk action run that operators watch, pause and stop; who acts and why stands there alone.
    """

    policy: ClassVar[Policy] = Policy(
        name="jobs.bulk",
        queue=QUEUE,
        kind=TaskKind.TRANSACTIONAL,
        retry=RetryPolicy(),
        due_by=timedelta(minutes=1),
        batch_commits=False,
    )

    version: ClassVar[int] = 2

    action: BulkAction
    done: Count = 0
    refused: Count = 0
    run: UUID

    @classmethod
    def upgrade(cls, version: int, stored: dict[str, JsonValue]) -> dict[str, JsonValue]:
        """Drop the actor and the reason, which version 1 took from the arguments."""
        return {name: value for name, value in stored.items() if name not in ("actor", "reason")}

    def remaining(self, job_id: UUID) -> JobFilter:
        """Return the filter of the remaining jobs; jobs created after the action are excluded."""
        job_filter = JobFilter.load(self.model_dump(include=set(JobFilter.model_fields)))
        return job_filter.replace(before=self.before or job_id)


class JobsPreview(Payload):
    """Preview a bulk action."""

    policy: ClassVar[Policy] = isolated_policy("jobs.foresee", QUEUE, timedelta(seconds=10), attempts=3)

    run: UUID
