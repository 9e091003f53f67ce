"""The transaction boundary: runs a doorbell's jobs according to the kind of their task."""

from collections.abc import Sequence
from uuid import UUID

from kontor.engine.external import ExternalRunner
from kontor.engine.runtime import WorkerRuntime
from kontor.engine.transactional import TransactionalRunner
from kontor.kernel.doorbells import DoorbellResult
from kontor.kernel.states import TaskKind


class Runner:
    """Runs doorbells. Errors of handlers are recorded; an exception means that the ledger is unreachable."""

    def __init__(self, runtime: WorkerRuntime) -> None:
        self._runtime = runtime
        self._transactional = TransactionalRunner(runtime)
        self._external = ExternalRunner(runtime)

    def run(self, bell_id: str, task: str, ids: Sequence[UUID]) -> DoorbellResult:
        """Run the jobs that still wait; a repeated delivery has no effect.

        A worker that may not claim answers that it claimed nothing, so that another one gets the jobs.
        """
        if task not in self._runtime.registry or not self._runtime.may_claim():
            return DoorbellResult(bell_id, 0, 0.0)
        policy = self._runtime.registry.catalogue[task].policy
        if policy.kind is TaskKind.TRANSACTIONAL:
            claimed, seconds = self._transactional.run(ids, batch=policy.batch_commits)
        else:
            claimed, seconds = self._external.run(ids)
        return DoorbellResult(bell_id, claimed, seconds)
