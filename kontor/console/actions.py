"""Table of every action of the console."""

from typing import Final

from kontor.bulk import console as bulk
from kontor.console import queues as queue_pages
from kontor.engine.admin import lanes, queues
from kontor.operators import console as operators_console
from kontor.reconciliation import console as reconciliation_console
from kontor.ui import texts
from kontor.ui.console_request import ConsoleAction, ConsoleRequest
from models.people import OperatorRole


def _retry(request: ConsoleRequest, reason: str | None) -> str:
    job_id = request.incoming.uuid("job_id")
    request.operations.retry(request.session, job_id, request.actor(reason))
    return f"/console/jobs/{job_id}?done=retry"


def _cancel(request: ConsoleRequest, reason: str | None) -> str:
    job_id = request.incoming.uuid("job_id")
    request.operations.cancel(request.session, job_id, request.actor(reason))
    return f"/console/jobs/{job_id}?done=cancel"


def _pause_queue(request: ConsoleRequest, reason: str | None) -> str:
    request.operations.pause_queue(request.session, request.incoming.params["name"], request.actor(reason))
    return "/console/queues?done=pause-queue"


def _resume_queue(request: ConsoleRequest, reason: str | None) -> str:
    request.operations.resume_queue(request.session, request.incoming.params["name"], request.actor(reason))
    return "/console/queues?done=resume-queue"


def _run(request: ConsoleRequest, reason: str | None) -> str:
    job_id = request.operations.run_schedule(request.session, request.incoming.params["name"], request.actor(reason))
    return f"/console/jobs/{job_id}?done=run"


def _pause_schedule(request: ConsoleRequest, reason: str | None) -> str:
    request.operations.pause_schedule(request.session, request.incoming.params["name"], request.actor(reason))
    return "/console/schedules?done=pause-schedule"


def _resume_schedule(request: ConsoleRequest, reason: str | None) -> str:
    request.operations.resume_schedule(request.session, request.incoming.params["name"], request.actor(reason))
    return "/console/schedules?done=resume-schedule"


def _probe(request: ConsoleRequest, reason: str | None) -> str:
    lanes.probe(request.session, request.jobs, request.incoming.params["name"], request.actor(reason))
    return "/console/instances?done=probe"


def _hold(request: ConsoleRequest, reason: str | None) -> str:
    lanes.hold(request.session, request.jobs, request.incoming.params["name"], request.actor(reason))
    return "/console/instances?done=hold"


def _release(request: ConsoleRequest, reason: str | None) -> str:
    lanes.release(request.session, request.jobs, request.incoming.params["name"], request.actor(reason))
    return "/console/instances?done=release"


def _drain(request: ConsoleRequest, reason: str | None) -> str:
    queues.set_draining(
        request.session, request.jobs, request.incoming.params["worker"], request.actor(reason), draining=True
    )
    return "/console/workers?done=drain"


def _undrain(request: ConsoleRequest, reason: str | None) -> str:
    queues.set_draining(
        request.session, request.jobs, request.incoming.params["worker"], request.actor(reason), draining=False
    )
    return "/console/workers?done=undrain"


JOB: Final = "/console/jobs/{}"
QUEUES: Final = "/console/queues"
WORKERS: Final = "/console/workers"
SCHEDULES: Final = "/console/schedules"
INSTANCES: Final = "/console/instances"
PEOPLE: Final = "/console/people"
BULK: Final = "/console/bulk/{}"
ACTIONS: Final = (
    ConsoleAction("/console/jobs/{job_id}/retry", "job.retry", _retry, nav="jobs", path_param="job_id", cancel_url=JOB),
    ConsoleAction(
        "/console/jobs/{job_id}/cancel", "job.cancel", _cancel, nav="jobs", path_param="job_id", cancel_url=JOB,
        needs_reason=True,
    ),
    ConsoleAction(
        "/console/bulk/{run_id}/start", "bulk.start", bulk.start, nav="bulk", path_param="run_id", cancel_url=BULK,
        needs_reason=True,
    ),
    ConsoleAction(
        "/console/bulk/{run_id}/pause", "bulk.pause", bulk.pause, nav="bulk", path_param="run_id", cancel_url=BULK
    ),
    ConsoleAction(
        "/console/bulk/{run_id}/resume", "bulk.resume", bulk.resume, nav="bulk", path_param="run_id", cancel_url=BULK
    ),
    ConsoleAction(
        "/console/bulk/{run_id}/stop", "bulk.stop", bulk.stop, nav="bulk", path_param="run_id", cancel_url=BULK,
        needs_reason=True,
    ),
    ConsoleAction(
        "/console/queues/{name}/pause", "queue.pause", _pause_queue, nav="queues", cancel_url=QUEUES, needs_reason=True
    ),
    ConsoleAction("/console/queues/{name}/resume", "queue.resume", _resume_queue, nav="queues", cancel_url=QUEUES),
    ConsoleAction(
        "/console/queues/{name}/limit", "queue.limit", queue_pages.limit, nav="queues", cancel_url="/console/queues/{}",
        needs_reason=True, field=("concurrency", texts.LIMIT_LABEL),
    ),
    ConsoleAction(
        "/console/workers/{worker}/drain", "worker.drain", _drain, nav="workers", path_param="worker",
        cancel_url=WORKERS, needs_reason=True,
    ),
    ConsoleAction(
        "/console/workers/{worker}/undrain", "worker.undrain", _undrain, nav="workers", path_param="worker",
        cancel_url=WORKERS,
    ),
    ConsoleAction("/console/schedules/{name}/run", "schedule.run", _run, nav="schedules", cancel_url=SCHEDULES),
    ConsoleAction(
        "/console/schedules/{name}/pause", "schedule.pause", _pause_schedule, nav="schedules", cancel_url=SCHEDULES,
        needs_reason=True,
    ),
    ConsoleAction(
        "/console/schedules/{name}/resume", "schedule.resume", _resume_schedule, nav="schedules", cancel_url=SCHEDULES
    ),
    ConsoleAction("/console/instances/{name}/probe", "lane.probe", _probe, nav="instances", cancel_url=INSTANCES),
    ConsoleAction(
        "/console/instances/{name}/hold", "lane.hold", _hold, nav="instances", cancel_url=INSTANCES, needs_reason=True
    ),
    ConsoleAction("/console/instances/{name}/release", "lane.release", _release, nav="instances", cancel_url=INSTANCES),
    ConsoleAction(
        "/console/reconciliation/{gap_id}/mend", "gap.mend", reconciliation_console.mend, nav="reconciliation",
        path_param="gap_id", cancel_url=reconciliation_console.BASE_PATH,
    ),
    ConsoleAction(
        "/console/reconciliation/{gap_id}/accept", "gap.accept", reconciliation_console.accept, nav="reconciliation",
        path_param="gap_id", cancel_url=reconciliation_console.BASE_PATH, needs_reason=True,
    ),
    ConsoleAction(
        "/console/people/{operator_id}/disable", "operator.disable", operators_console.disable, nav="people",
        path_param="operator_id", cancel_url=PEOPLE, needs_reason=True, role=OperatorRole.ADMIN,
    ),
    ConsoleAction(
        "/console/people/{operator_id}/enable", "operator.enable", operators_console.enable, nav="people",
        path_param="operator_id", cancel_url=PEOPLE, role=OperatorRole.ADMIN,
    ),
    ConsoleAction(
        "/console/keys/{key_id}/revoke", "key.revoke", operators_console.revoke_key, nav="people", path_param="key_id",
        cancel_url="/console/keys", needs_reason=True, role=OperatorRole.ADMIN,
    ),
)  # fmt: skip
