"""One drain: fill the backlog, start the workers, measure the rate once all are warm."""

import time
from collections.abc import Callable, Sequence
from subprocess import Popen

from bench.contenders import Contender
from bench.effects import Drained, measure
from bench.environment import BenchEnvironment
from bench.processes import Failed, check_alive, running

POLL = 0.2
STUCK = 60.0


Watch = Callable[[Sequence["Popen[bytes]"]], None]
"""Called once with the processes when all are working."""


def drain(environment: BenchEnvironment, contender: Contender, jobs: int, watch: Watch | None = None) -> Drained:
    """Drain a backlog and return the result. Raises Failed without progress for a minute."""
    contender.reset(environment)
    environment.settle()
    contender.enqueue(environment, jobs)
    with environment.connect() as connection:
        connection.execute("CHECKPOINT")
    with running(contender.commands(environment), contender.log(environment)) as processes:
        if watch is not None:
            wait_for_effects(environment, contender, jobs // 8, processes)
            watch(processes)
        wait_for_effects(environment, contender, jobs, processes)
    with environment.connect(contender.database) as connection:
        return measure(connection, jobs, warm_up=jobs // 16)


def wait_for_effects(
    environment: BenchEnvironment, contender: Contender, jobs: int, processes: Sequence["Popen[bytes]"]
) -> None:
    """Return when each job has had its effect. Raises Failed without progress for a minute."""
    seen, moved = -1, time.monotonic()
    with environment.connect(contender.database) as connection:
        while seen < jobs:
            check_alive(processes, contender.log(environment))
            row = connection.execute("SELECT count(*) FROM bench_effects").fetchone()
            count = int(row[0]) if row else 0
            if count > seen:
                seen, moved = count, time.monotonic()
            elif time.monotonic() - moved > STUCK:
                raise Failed(f"{contender.name} stopped at {seen} of {jobs} jobs; see {contender.log(environment)}")
            time.sleep(POLL)
