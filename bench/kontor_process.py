"""Kontor's own processes with the bench's tasks beside them: `python -m bench.kontor_process worker | relay`."""

import sys

from adapters.environment import load
from adapters.settings import settings_for
from bench.tasks import handlers
from engine.handlers import Registry
from workers import relay
from workers.parts import handlers_for
from workers.worker import WorkerProcess, serve


def main(role: str) -> None:
    """Run one process until SIGTERM, put together as `kontor worker` and `kontor relay` put it together."""
    with settings_for(load()) as settings:
        known = [*handlers_for(settings), *handlers()]
        if role == "worker":
            serve(WorkerProcess(settings, known))
        else:
            relay.run(settings, Registry(known).catalogue)


if __name__ == "__main__":
    main(sys.argv[1])
