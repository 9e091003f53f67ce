"""Payloads of bulk actions on jobs and of their previews."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import ClassVar, Final
from uuid import UUID

from kontor.engine.catalogue import Payload, Policy, isolated_policy
from kontor.engine.retry import RetryPolicy
from kontor.kernel.states import BulkAction, TaskKind

QUEUE: Final = "upkeep"


class JobsBulk(Payload):
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
    states: tuple[str, ...] = ()
    task: str | None = None
    queue: str | None = None
    tenants: tuple[str, ...] | None = None
    created_after: datetime | None = None
    created_before: datetime | None = None
    args: tuple[tuple[str, str], ...] = ()
    floor: UUID | None = None
    before: UUID | None = None
    fingerprint: str | None = None
    error: str | None = None
    done: int = 0
    refused: int = 0
    run: UUID | None = None


class JobsPreview(Payload):
    """Preview a bulk action."""

    policy: ClassVar[Policy] = isolated_policy("jobs.foresee", QUEUE, timedelta(seconds=10), attempts=3)

    run: UUID
