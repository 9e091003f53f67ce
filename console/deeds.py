"""Every action of the console, in one table."""

from typing import Final

from console import admin, bulk, queues, reconciliation
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
    return "/console/queues?done=pause"


def _resume_queue(visit: Visit, reason: str | None) -> str:
    visit.control.resume_queue(visit.session, visit.arrival.params["name"], visit.actor(reason))
    return "/console/queues?done=resume"


def _run(visit: Visit, reason: str | None) -> str:
    job_id = visit.control.run_schedule(visit.session, visit.arrival.params["name"], visit.actor(reason))
    return f"/console/jobs/{job_id}?done=run"


def _pause_schedule(visit: Visit, reason: str | None) -> str:
    visit.control.pause_schedule(visit.session, visit.arrival.params["name"], visit.actor(reason))
    return "/console/schedules?done=pause"


def _resume_schedule(visit: Visit, reason: str | None) -> str:
    visit.control.resume_schedule(visit.session, visit.arrival.params["name"], visit.actor(reason))
    return "/console/schedules?done=resume"


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
QUEUE: Final = "/console/queues/{}"
PEOPLE: Final = "/console/people"
BULK: Final = "/console/bulk/{}"
ACTIONS: Final = (
    Action(
        "/console/jobs/{job_id}/retry", "jobs", "job_id", "Try this job again?",
        "Job {} is queued at once, with all its attempts before it. What an earlier attempt did outside, such as a "
        "mail sent or a call made, is not undone.",
        "Retry the job", JOB, _retry,
    ),
    Action(
        "/console/jobs/{job_id}/cancel", "jobs", "job_id", "Cancel this job?",
        "Job {} will not be done. One that waits ends at once, one that runs is asked to stop.",
        "Cancel the job", JOB, _cancel, grave=True,
    ),
    Action(
        "/console/bulk/{run_id}/start", "bulk", "run_id", "Do it?",
        "Everything that the preview {} shows is done, by a job, in chunks. You can pause and stop it.",
        "Do it", BULK, bulk.start, grave=True,
    ),
    Action(
        "/console/bulk/{run_id}/pause", "bulk", "run_id", "Pause this bulk action?",
        "The chunk that is in hand is finished, then {} waits until it is resumed.",
        "Pause", BULK, bulk.pause,
    ),
    Action(
        "/console/bulk/{run_id}/resume", "bulk", "run_id", "Go on with this bulk action?",
        "The bulk action {} goes on where it was paused.",
        "Go on", BULK, bulk.resume,
    ),
    Action(
        "/console/bulk/{run_id}/stop", "bulk", "run_id", "Stop this bulk action?",
        "What {} did already stays done, the rest is left alone. It cannot go on afterwards.",
        "Stop it", BULK, bulk.stop, grave=True,
    ),
    Action(
        "/console/queues/{name}/pause", "queues", "name", "Pause the queue {}?",
        "No job of the queue {} starts until it is resumed. What runs goes on; what comes waits.",
        "Pause the queue", "/console/queues", _pause_queue, grave=True,
    ),
    Action(
        "/console/queues/{name}/resume", "queues", "name", "Resume the queue {}?",
        "The jobs of the queue {} start again, the oldest first, each tenant in turn.",
        "Resume the queue", "/console/queues", _resume_queue,
    ),
    Action(
        "/console/queues/{name}/limit", "queues", "name", "How many of {} at once?",
        "At most so many jobs of the queue {} are handed out at once, over all processes. Empty: as many as there are "
        "threads.",
        "Set it", QUEUE, queues.limit, grave=True, field=("concurrency", "At once (empty: no limit)"),
    ),
    Action(
        "/console/workers/{worker}/drain", "workers", "worker", "Drain this process?",
        "The process {} finishes what it has and takes nothing more, so that it can be stopped.",
        "Drain it", "/console/workers", _drain, grave=True,
    ),
    Action(
        "/console/workers/{worker}/undrain", "workers", "worker", "Let this process work again?",
        "The process {} takes jobs again.",
        "Let it work", "/console/workers", _undrain,
    ),
    Action(
        "/console/schedules/{name}/run", "schedules", "name", "Run {} now?",
        "The task of the schedule {} is queued once, beside its regular instants.",
        "Run it now", "/console/schedules", _run,
    ),
    Action(
        "/console/schedules/{name}/pause", "schedules", "name", "Pause the schedule {}?",
        "The instants of {} that come while it is paused are left out, whatever its misfire policy says.",
        "Pause the schedule", "/console/schedules", _pause_schedule, grave=True,
    ),
    Action(
        "/console/schedules/{name}/resume", "schedules", "name", "Resume the schedule {}?",
        "The schedule {} fires again from its next instant on.",
        "Resume the schedule", "/console/schedules", _resume_schedule,
    ),
    Action(
        "/console/instances/{name}/probe", "instances", "name", "Probe this instance now?",
        "The next waiting call of the lane {} goes at once. If it is answered, all others follow.",
        "Probe now", "/console/instances", _probe,
    ),
    Action(
        "/console/instances/{name}/hold", "instances", "name", "Hold this instance?",
        "Nothing is sent over the lane {} until it is released. What is under way goes on; what comes waits.",
        "Hold the lane", "/console/instances", _hold, grave=True,
    ),
    Action(
        "/console/instances/{name}/release", "instances", "name", "Release this instance?",
        "The next waiting call of the lane {} goes as a probe. If it is answered, all others follow.",
        "Release the lane", "/console/instances", _release,
    ),
    Action(
        "/console/reconciliation/{gap_id}/mend", "reconciliation", "gap_id", "Mend this gap?",
        "What the gap {} names is done, by its job where it takes one, and once at most.",
        "Mend it", reconciliation.HERE, reconciliation.mend,
    ),
    Action(
        "/console/reconciliation/{gap_id}/accept", "reconciliation", "gap_id", "Let this gap be?",
        "Nothing is done about {}; it is closed and not named again.",
        "Accept it", reconciliation.HERE, reconciliation.accept, grave=True,
    ),
    Action(
        "/console/people/{operator_id}/disable", "people", "operator_id", "Let this person in no more?",
        "Whoever {} is, every session ends at once and no password opens the door.",
        "Disable", PEOPLE, admin.disable, grave=True, role=Role.ADMIN,
    ),
    Action(
        "/console/people/{operator_id}/enable", "people", "operator_id", "Let this person in again?",
        "The old password of {} works again.",
        "Enable", PEOPLE, admin.enable, role=Role.ADMIN,
    ),
    Action(
        "/console/keys/{key_id}/revoke", "people", "key_id", "Revoke this key?",
        "Whatever uses the key {} is refused from the next request on. It cannot be undone.",
        "Revoke the key", "/console/keys", admin.revoke_key, grave=True, role=Role.ADMIN,
    ),
)  # fmt: skip
