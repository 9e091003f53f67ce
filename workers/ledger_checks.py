"""The checks of `kontor doctor` that look at jobs: work, what is held back, the months of finished ones."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

import psycopg

from kontor.engine import partitions
from kontor.engine.admin import outgoing, overview
from kontor.engine.dead_jobs import dead_jobs
from workers.connection_checks import Check

NEXT_MONTH: Final = timedelta(days=31)
STUCK: Final = f"""
SELECT count(*) FILTER (WHERE state = 'queued' AND run_at < clock_timestamp() - interval '5 minutes' AND NOT held
           AND NOT EXISTS (SELECT FROM queues q WHERE q.name = jobs.queue AND q.paused)),
       (SELECT count(*) FROM {dead_jobs("id")}),
       (SELECT count(*) FROM worker_processes WHERE heartbeat_at > clock_timestamp() - interval '10 seconds'),
       (SELECT count(*) FROM lanes WHERE state <> 'closed')
FROM jobs WHERE state = 'queued'
"""  # noqa: S608 -- constants


def check_held(connection: "psycopg.Connection[tuple[object, ...]]") -> Iterator[Check]:
    """Say that what goes outside is held back, as in a restored copy."""
    if names := [str(name) for (name,) in connection.execute(outgoing.HELD).fetchall()]:
        text = f"held back, as in a restored copy: {', '.join(names)}"
        yield Check("outgoing", "warning", text, "check the copy, then run `kontor queues release`")


def check_work(connection: "psycopg.Connection[tuple[object, ...]]") -> Iterator[Check]:
    """Check for live workers, for tasks that no running release knows, and for overdue, dead or held work."""
    for task, count in overview.unsupported_by_task(connection).items():
        text = f"{count} job(s) of unknown task {task}"
        remedy = f"deploy the release that knows it, or cancel them: `kontor jobs list --state queued --task {task}`"
        yield Check("tasks", "problem", text, remedy)
    row = connection.execute(STUCK).fetchone()
    assert row is not None
    overdue, dead, workers, held = (int(str(number)) for number in row)
    if workers == 0:
        yield Check("workers", "warning", "none alive", "start `kontor worker` and `kontor relay`, or `kontor up`")
    else:
        yield Check("workers", "ok", f"{workers} alive")
    if overdue:
        text = f"{overdue} job(s) due for over five minutes"
        yield Check("work", "problem", text, "see `kontor queues list`; start more workers, or the relay")
    elif dead or held:
        text = f"{dead} dead job(s), {held} lane(s) held"
        yield Check("work", "warning", text, "see `kontor jobs list --state dead` and the console")
    else:
        yield Check("work", "ok", "nothing is overdue, dead or held")


def check_partitions(connection: "psycopg.Connection[tuple[object, ...]]", now: datetime) -> Iterator[Check]:
    """Check that months of finished jobs are ready, and that no job came before its month was. `now` is real time."""
    ready = partitions.months(connection, partitions.JOBS)[-1].end
    early = partitions.beyond(connection)
    remedy = "see the job of the schedule upkeep.retention; `POST /v1/schedules/upkeep.retention/run` makes the months"
    if early:
        yield Check("months", "problem", f"{early} finished job(s) of a month that is not ready", remedy)
    elif ready < now + NEXT_MONTH:
        yield Check("months", "warning", f"finished jobs have months until {ready:%Y-%m-%d} only", remedy)
    else:
        yield Check("months", "ok", f"ready until {ready:%Y-%m-%d}")
