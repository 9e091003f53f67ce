"""Kontor's own processes with the bench's tasks beside them: `python -m bench.kontor_process worker | relay`."""

import sys

from bench.tasks import handlers
from kontor.adapters.settings import load, settings_for
from kontor.engine.catalogue import Catalogue
from tasks.catalogue import catalogue
from workers import relay
from workers.worker import Worker, serve


def main(role: str) -> None:
    """Run one process until SIGTERM, put together as `kontor worker` and `kontor relay` put it together."""
    with settings_for(load()) as settings:
        if role == "worker":
            serve(Worker(settings, handlers()))
        else:
            ours = [handler.payload for handler in handlers()]
            relay.run(settings, Catalogue([*catalogue(), *ours]))


if __name__ == "__main__":
    main(sys.argv[1])
