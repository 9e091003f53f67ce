"""A worker process that runs one merge: `python -m tests.merge_child URL JOB`; meant to be killed while it does."""

import sys
from uuid import UUID

from sqlalchemy import Engine, create_engine

from adapters.clock_fakes import ManualClock
from adapters.doorbell import SilentDoorbell
from engine.enqueue import Jobs
from engine.handlers import Registry
from engine.runner import Runner
from engine.workshop import Workshop
from services.programmes import Programmes
from tasks.catalogue import catalogue
from tasks.merging import ResellersMerge, ResellersMergeHandler


def run(engine: Engine, job: UUID) -> None:
    """Run a merge that is queued, at noon of 2 March 2026."""
    clock = ManualClock()
    shop = Workshop(
        engine=engine,
        registry=Registry([ResellersMergeHandler(Programmes())]),
        jobs=Jobs(catalogue(), clock, SilentDoorbell()),
        clock=clock,
        random=lambda: 0.5,
        worker="child",
    )
    Runner(shop).run("bell", ResellersMerge.policy.name, [job])


if __name__ == "__main__":
    run(create_engine(sys.argv[1], connect_args={"application_name": "merge-child"}), UUID(sys.argv[2]))
