"""One drain: a filled backlog, worker processes started, the rate once all are warm."""

import time
from collections.abc import Callable, Sequence
from subprocess import Popen

from bench.contenders import Contender
from bench.effects import Drained, measure
from bench.processes import Failed, check_alive, running
from bench.stage import Stage

POLL = 0.2
STUCK = 60.0


Watch = Callable[[Sequence["Popen[bytes]"]], None]
"""Told once of the processes, when all work."""


def drain(stage: Stage, contender: Contender, jobs: int, watch: Watch | None = None) -> Drained:
    """Fill, run, wait, judge. Raises Failed when nothing moves for a minute."""
    contender.reset(stage)
    stage.settle()
    contender.enqueue(stage, jobs)
    with stage.connect() as connection:
        connection.execute("CHECKPOINT")
    with running(contender.commands(stage), contender.log(stage)) as processes:
        if watch is not None:
            wait_for_effects(stage, contender, jobs // 8, processes)
            watch(processes)
        wait_for_effects(stage, contender, jobs, processes)
    with stage.connect(contender.database) as connection:
        return measure(connection, jobs, warm_up=jobs // 16)


def wait_for_effects(stage: Stage, contender: Contender, jobs: int, processes: Sequence["Popen[bytes]"]) -> None:
    """Return when as many effects are there as jobs."""
    seen, moved = -1, time.monotonic()
    with stage.connect(contender.database) as connection:
        while seen < jobs:
            check_alive(processes, contender.log(stage))
            row = connection.execute("SELECT count(*) FROM bench_effects").fetchone()
            count = int(row[0]) if row else 0
            if count > seen:
                seen, moved = count, time.monotonic()
            elif time.monotonic() - moved > STUCK:
                raise Failed(f"{contender.name} stopped at {seen} of {jobs} jobs; see {contender.log(stage)}")
            time.sleep(POLL)
