"""Table of every action of the console."""

from typing import Final

from console import admin, bulk, queues, reconciliation, texts
from console.actions import Action
from console.visit import Visit
from models.people import Role
from services import breakers, steering


def _retry(visit: Visit, reason: str | None) -> str:
    job_id = visit.arrival.uuid("job_id")
    visit.control.retry(visit.session, job_id, visit.actor(reason))
    return f"/console/jobs/{job_id}?done=retry"


def _cancel(visit: Visit, reason: str | None) -> str:
    job_id = visit.arrival.uuid("job_id")
    visit.control.cancel(visit.session, job_id, visit.actor(reason))
    return f"/console/jobs/{job_id}?done=cancel"


def _pause_queue(visit: Visit, reason: str | None) -> str:
    visit.control.pause_queue(visit.session, visit.arrival.params["name"], visit.actor(reason))
    return "/console/queues?done=pause-queue"


def _resume_queue(visit: Visit, reason: str | None) -> str:
    visit.control.resume_queue(visit.session, visit.arrival.params["name"], visit.actor(reason))
    return "/console/queues?done=resume-queue"


def _run(visit: Visit, reason: str | None) -> str:
    job_id = visit.control.run_schedule(visit.session, visit.arrival.params["name"], visit.actor(reason))
    return f"/console/jobs/{job_id}?done=run"


def _pause_schedule(visit: Visit, reason: str | None) -> str:
    visit.control.pause_schedule(visit.session, visit.arrival.params["name"], visit.actor(reason))
    return "/console/schedules?done=pause-schedule"


def _resume_schedule(visit: Visit, reason: str | None) -> str:
    visit.control.resume_schedule(visit.session, visit.arrival.params["name"], visit.actor(reason))
    return "/console/schedules?done=resume-schedule"


def _probe(visit: Visit, reason: str | None) -> str:
    breakers.probe(visit.session, visit.jobs, visit.arrival.params["name"], visit.actor(reason))
    return "/console/instances?done=probe"


def _hold(visit: Visit, reason: str | None) -> str:
    breakers.hold(visit.session, visit.jobs, visit.arrival.params["name"], visit.actor(reason))
    return "/console/instances?done=hold"


def _release(visit: Visit, reason: str | None) -> str:
    breakers.release(visit.session, visit.jobs, visit.arrival.params["name"], visit.actor(reason))
    return "/console/instances?done=release"


def _drain(visit: Visit, reason: str | None) -> str:
    steering.drain(visit.session, visit.jobs, visit.arrival.params["worker"], visit.actor(reason), draining=True)
    return "/console/workers?done=drain"


def _undrain(visit: Visit, reason: str | None) -> str:
    steering.drain(visit.session, visit.jobs, visit.arrival.params["worker"], visit.actor(reason), draining=False)
    return "/console/workers?done=undrain"


JOB: Final = "/console/jobs/{}"
QUEUES: Final = "/console/queues"
WORKERS: Final = "/console/workers"
SCHEDULES: Final = "/console/schedules"
INSTANCES: Final = "/console/instances"
PEOPLE: Final = "/console/people"
BULK: Final = "/console/bulk/{}"
ACTIONS: Final = (
    Action("/console/jobs/{job_id}/retry", "job.retry", _retry, nav="jobs", path_param="job_id", cancel_url=JOB),
    Action(
        "/console/jobs/{job_id}/cancel", "job.cancel", _cancel, nav="jobs", path_param="job_id", cancel_url=JOB,
        needs_reason=True,
    ),
    Action(
        "/console/bulk/{run_id}/start", "bulk.start", bulk.start, nav="bulk", path_param="run_id", cancel_url=BULK,
        needs_reason=True,
    ),
    Action("/console/bulk/{run_id}/pause", "bulk.pause", bulk.pause, nav="bulk", path_param="run_id", cancel_url=BULK),
    Action(
        "/console/bulk/{run_id}/resume", "bulk.resume", bulk.resume, nav="bulk", path_param="run_id", cancel_url=BULK
    ),
    Action(
        "/console/bulk/{run_id}/stop", "bulk.stop", bulk.stop, nav="bulk", path_param="run_id", cancel_url=BULK,
        needs_reason=True,
    ),
    Action(
        "/console/queues/{name}/pause", "queue.pause", _pause_queue, nav="queues", cancel_url=QUEUES, needs_reason=True
    ),
    Action("/console/queues/{name}/resume", "queue.resume", _resume_queue, nav="queues", cancel_url=QUEUES),
    Action(
        "/console/queues/{name}/limit", "queue.limit", queues.limit, nav="queues", cancel_url="/console/queues/{}",
        needs_reason=True, field=("concurrency", texts.LIMIT_LABEL),
    ),
    Action(
        "/console/workers/{worker}/drain", "worker.drain", _drain, nav="workers", path_param="worker",
        cancel_url=WORKERS, needs_reason=True,
    ),
    Action(
        "/console/workers/{worker}/undrain", "worker.undrain", _undrain, nav="workers", path_param="worker",
        cancel_url=WORKERS,
    ),
    Action("/console/schedules/{name}/run", "schedule.run", _run, nav="schedules", cancel_url=SCHEDULES),
    Action(
        "/console/schedules/{name}/pause", "schedule.pause", _pause_schedule, nav="schedules", cancel_url=SCHEDULES,
        needs_reason=True,
    ),
    Action(
        "/console/schedules/{name}/resume", "schedule.resume", _resume_schedule, nav="schedules", cancel_url=SCHEDULES
    ),
    Action("/console/instances/{name}/probe", "lane.probe", _probe, nav="instances", cancel_url=INSTANCES),
    Action(
        "/console/instances/{name}/hold", "lane.hold", _hold, nav="instances", cancel_url=INSTANCES, needs_reason=True
    ),
    Action("/console/instances/{name}/release", "lane.release", _release, nav="instances", cancel_url=INSTANCES),
    Action(
        "/console/reconciliation/{gap_id}/mend", "gap.mend", reconciliation.mend, nav="reconciliation",
        path_param="gap_id", cancel_url=reconciliation.HERE,
    ),
    Action(
        "/console/reconciliation/{gap_id}/accept", "gap.accept", reconciliation.accept, nav="reconciliation",
        path_param="gap_id", cancel_url=reconciliation.HERE, needs_reason=True,
    ),
    Action(
        "/console/people/{operator_id}/disable", "operator.disable", admin.disable, nav="people",
        path_param="operator_id", cancel_url=PEOPLE, needs_reason=True, role=Role.ADMIN,
    ),
    Action(
        "/console/people/{operator_id}/enable", "operator.enable", admin.enable, nav="people",
        path_param="operator_id", cancel_url=PEOPLE, role=Role.ADMIN,
    ),
    Action(
        "/console/keys/{key_id}/revoke", "key.revoke", admin.revoke_key, nav="people", path_param="key_id",
        cancel_url="/console/keys", needs_reason=True, role=Role.ADMIN,
    ),
)  # fmt: skip
