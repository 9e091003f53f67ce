"""Kontor's own processes with the fault tasks: forked by the fleet, or `python -m tests.faults.process ROLE`.

FAULT_FOLDER holds the sink and the trap, FAULT_STOP_MILLISECONDS the grace of a stopped worker. The role
`enqueuer` receives a transaction's requests from a pipe, and sends the ids after the commit.
"""

import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path

import scheduler
import workers.worker
from kontor.adapters.clock import SystemClock
from kontor.adapters.logs import configure_logs
from kontor.adapters.redis_doorbell import RedisRelayHint
from kontor.adapters.settings import Settings, load, settings_for
from kontor.engine.catalogue import Catalogue
from kontor.engine.enqueue import JobRequest, Jobs
from tasks.catalogue import catalogue
from tests.faults.crash_trap import Trap
from tests.faults.tasks import PAYLOADS, Sink, handlers
from workers import relay, web
from workers.connections import redis_client, sql_engine
from workers.migrations import ROOT
from workers.namespaces import redis_keys
from workers.supervisor import detach_from_parent, die_with_parent, set_process_title
from workers.worker import Worker, serve


def enqueuer(settings: Settings, trap: Trap, pipe: Connection) -> None:
    from sqlalchemy.orm import Session

    engine = sql_engine(settings, "fault-enqueuer", 1)
    doorbell = RedisRelayHint(redis_client(settings), redis_keys(settings))
    jobs = Jobs(Catalogue(PAYLOADS), SystemClock(), doorbell)
    with suppress(EOFError):  # the fleet has stopped this process
        while True:
            requests = [JobRequest(task, args, **dict(*options)) for task, args, *options in pipe.recv()]
            with Session(engine) as session:
                trap("insert.before")
                ids = jobs.enqueue_many(session, requests)
                trap("insert.after")
                trap("enqueued.before")
                session.commit()
                trap("enqueued.after")
            pipe.send(ids)


def become(
    role: str, environ: Mapping[str, str], log: Path, prefix: Sequence[str], requests: Connection | None
) -> None:
    """Play a role in a fresh fork, which dies with its parent; `prefix` is a command that runs it instead."""
    die_with_parent(os.getppid())
    os.dup2(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND), 2)
    detach_from_parent(keep=() if requests is None else (requests.fileno(),))
    os.chdir(ROOT)
    if prefix:
        os.execvpe(prefix[0], [*prefix, sys.executable, "-m", "tests.faults.process", role], environ)
    os.environ.clear()
    os.environ.update(environ)
    set_process_title(f"fault {role}")
    main(role, requests)


def main(role: str, requests: Connection | None = None) -> None:
    """Run a role until it is stopped."""
    folder = Path(os.environ["FAULT_FOLDER"])
    sink, trap = Sink(folder / "sink"), Trap(folder / "trap")
    with settings_for(load()) as settings:
        configure_logs(settings.log, role)
        if role == "worker":
            workers.worker.STOP_MILLISECONDS = int(os.environ.get("FAULT_STOP_MILLISECONDS", "25000"))
            serve(Worker(settings, handlers(sink), trap))
        elif role == "relay":
            relay.run(settings, Catalogue([*catalogue(), *PAYLOADS]), trap)
        elif role == "scheduler":
            scheduler.run(settings)
        elif role == "web":
            web.run(settings)
        else:
            assert requests is not None, role
            enqueuer(settings, trap, requests)


if __name__ == "__main__":
    main(sys.argv[1])
