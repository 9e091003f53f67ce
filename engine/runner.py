"""The transaction boundary: runs what a doorbell names, by the kind of its task."""

from collections.abc import Sequence
from uuid import UUID

from domain.bells import Answer
from domain.jobs import TaskKind
from engine.external import ExternalRunner
from engine.transactional import TransactionalRunner
from engine.workshop import Workshop


class Runner:
    """Runs doorbells. Handlers' errors are recorded; what is raised means the ledger was out of reach."""

    def __init__(self, shop: Workshop) -> None:
        self._shop = shop
        self._transactional = TransactionalRunner(shop)
        self._external = ExternalRunner(shop)

    def run(self, bell_id: str, task: str, ids: Sequence[UUID]) -> Answer:
        """Run those of the jobs that still wait; a second delivery finds nothing to do."""
        if task not in self._shop.registry:
            return Answer(bell_id, 0, 0.0)
        policy = self._shop.registry.catalogue[task].policy
        if policy.kind is TaskKind.TRANSACTIONAL:
            claimed, seconds = self._transactional.run(ids, share=policy.share_commit)
        else:
            claimed, seconds = self._external.run(ids)
        return Answer(bell_id, claimed, seconds)
