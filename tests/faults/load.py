"""A steady load on a fleet: jobs enqueued from this process, and the ids of those that were committed."""

import threading
import time
from collections.abc import Sequence
from uuid import UUID

import psycopg
from sqlalchemy import create_engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from kontor.adapters.clock import SystemClock
from kontor.adapters.redis_doorbell import RedisRelayHint
from kontor.adapters.settings import Settings
from kontor.engine.catalogue import Catalogue
from kontor.engine.enqueue import JobRequest, Jobs
from tests.faults.tasks import PAYLOADS
from workers.connections import redis_client
from workers.namespaces import redis_keys

KINDS = ("single", "batch", "rerun", "verify")


class Load(threading.Thread):
    """Enqueues a burst now and then. `acknowledged`: when its transaction began, in monotonic seconds, and the job."""

    pause = 0.1

    def __init__(self, settings: Settings, name: str = "load", first: int = 1) -> None:
        super().__init__(name=name, daemon=True)
        self._settings = settings
        self._numbers = first
        self._over = threading.Event()
        self.acknowledged: list[tuple[float, UUID]] = []
        self.refused = 0

    def stop(self) -> None:
        self._over.set()
        if self.is_alive():
            self.join()

    @property
    def ids(self) -> list[UUID]:
        return [job_id for _, job_id in self.acknowledged]

    def since(self, instant: float) -> list[UUID]:
        """The jobs of transactions that began after an instant in monotonic seconds."""
        return [job_id for at, job_id in list(self.acknowledged) if at >= instant]

    def burst(self, session: Session) -> Sequence[JobRequest]:
        """The jobs of the next transaction: of each kind the same number."""
        self._numbers += len(KINDS)
        return [
            JobRequest(f"fault.{kind}", {"number": self._numbers + place}, tenant=f"t{self._numbers % 3}")
            for place, kind in enumerate(KINDS)
        ]

    def committed(self, began: float, ids: Sequence[UUID]) -> None:
        """Remember committed ids."""
        self.acknowledged += [(began, job_id) for job_id in ids]

    def run(self) -> None:
        engine = create_engine(self._settings.database_url, pool_pre_ping=True)
        client = redis_client(self._settings)
        doorbell = RedisRelayHint(client, redis_keys(self._settings))
        jobs = Jobs(Catalogue(PAYLOADS), SystemClock(), doorbell)
        while not self._over.wait(self.pause):
            began = time.monotonic()
            try:
                with Session(engine) as session, session.begin():
                    ids = jobs.enqueue_many(session, self.burst(session))
            except (DBAPIError, psycopg.Error):
                self.refused += 1
                continue
            self.committed(began, ids)
        doorbell.close()
        client.close()
        engine.dispose()
