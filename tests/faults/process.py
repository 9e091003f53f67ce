"""Kontor's own processes with the fault tasks: `python -m tests.faults.process ROLE`.

FAULT_FOLDER holds the sink and the trap, FAULT_STOP_MILLISECONDS the grace of a stopped worker. The role
`enqueuer` reads requests from stdin, one JSON line per transaction, and writes the ids after the commit.
"""

import json
import os
import sys
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
from workers.namespaces import redis_keys
from workers.worker import Worker, serve


def enqueuer(settings: Settings, trap: Trap) -> None:
    from sqlalchemy.orm import Session

    engine = sql_engine(settings, "fault-enqueuer", 1)
    doorbell = RedisRelayHint(redis_client(settings), redis_keys(settings))
    jobs = Jobs(Catalogue(PAYLOADS), SystemClock(), doorbell)
    for line in sys.stdin:
        requests = [JobRequest(task, args, **dict(*options)) for task, args, *options in json.loads(line)]
        with Session(engine) as session:
            trap("insert.before")
            ids = jobs.enqueue_many(session, requests)
            trap("insert.after")
            trap("enqueued.before")
            session.commit()
            trap("enqueued.after")
        sys.stdout.write(json.dumps([str(job_id) for job_id in ids]) + "\n")
        sys.stdout.flush()


def main(role: str) -> None:
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
            enqueuer(settings, trap)


if __name__ == "__main__":
    main(sys.argv[1])
