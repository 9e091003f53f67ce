"""The transaction boundary: runs a doorbell's jobs according to the kind of their task."""

from collections.abc import Sequence
from uuid import UUID

from kontor.engine.external import ExternalRunner
from kontor.engine.runtime import WorkerRuntime
from kontor.engine.transactional import TransactionalRunner
from kontor.kernel.doorbells import HANDED_BACK, NEWER_PAYLOAD, UNKNOWN_TASK, DoorbellResult
from kontor.kernel.states import TaskKind


class Runner:
    """Runs doorbells. Errors of handlers are recorded; an exception means that the ledger is unreachable."""

    def __init__(self, runtime: WorkerRuntime) -> None:
        self._runtime = runtime
        self._transactional = TransactionalRunner(runtime)
        self._external = ExternalRunner(runtime)

    def run(self, bell_id: str, task: str, ids: Sequence[UUID]) -> DoorbellResult:
        """Run the jobs that still wait; a repeated delivery has no effect. Refuses what this release does not know.

        A worker that may not claim hands the jobs back, so that another one gets them.
        """
        if not self._runtime.registry.catalogue.is_own(task):
            with self._runtime.transaction() as (_, connection):
                self._runtime.refresh(connection)
        if task not in self._runtime.registry:
            self._runtime.refused.name(task, 0)
            return DoorbellResult(bell_id, 0, UNKNOWN_TASK)
        if not self._runtime.may_claim():
            return DoorbellResult(bell_id, HANDED_BACK, 0.0)
        policy = self._runtime.registry.catalogue[task].policy
        if policy.kind is TaskKind.TRANSACTIONAL:
            claimed, seconds = self._transactional.run(ids, batch=policy.batch_commits)
        else:
            claimed, seconds = self._external.run(ids)
        if self._runtime.refused.take(ids) and not claimed:
            return DoorbellResult(bell_id, 0, NEWER_PAYLOAD)
        return DoorbellResult(bell_id, claimed, seconds)
