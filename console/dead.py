"""Dead jobs, like with like, and what is done to a whole group."""

from dataclasses import dataclass
from typing import Any

from console.answers import Page
from console.visit import Visit
from domain.errors import NotFound
from domain.jobs import JobState
from engine.driver import driver
from services import bulk
from services.bulk import BulkAction, Counted
from store import audit, dead, jobs_read
from store.dead import DeadGroup
from store.jobs_read import JobQuery, JobRecord


@dataclass(frozen=True, slots=True)
class Grave:
    """A group with its newest job."""

    group: DeadGroup
    example: JobRecord | None

    @property
    def error(self) -> Any:
        """The example's error document, empty when there is none."""
        return (self.example.error if self.example else None) or {}


def show_dead(visit: Visit) -> Page:
    """Every group with one example."""
    connection = driver(visit.session)
    graves = [Grave(group, jobs_read.find(connection, group.example)) for group in dead.groups(connection)]
    total = sum(grave.group.count for grave in graves)
    values = {"graves": graves, "total": total, "bounded": total >= dead.BOUND}
    return Page("dead.html", "Dead jobs", values, "dead")


def group_query(visit: Visit) -> JobQuery:
    """The dead jobs that the path's fingerprint names."""
    return JobQuery(states=frozenset({JobState.DEAD}), fingerprint=visit.arrival.params["fingerprint"])


def preview(visit: Visit, action: BulkAction) -> list[Counted]:
    """What would be touched, per task and tenant. Raises NotFound when there is nothing."""
    counts = bulk.counted(visit.session, action, group_query(visit))
    if counts == []:
        raise NotFound
    return counts or []


def act_on_group(visit: Visit, action: BulkAction, reason: str | None) -> str:
    """Hand the group to a job that goes through it in chunks; returns that job's page."""
    actor = visit.actor(reason)
    args = {"action": action.value, "actor": actor.name, "reason": reason, **bulk.plain(group_query(visit))}
    put = visit.jobs.enqueue(visit.session, bulk.TASK, args)
    audit.add(
        visit.session, at=visit.now, actor=actor.name, action=f"group.{action.value}", reason=reason,
        target=f"dead:{visit.arrival.params['fingerprint']}", origin=actor.origin, detail={"job": str(put.id)},
    )  # fmt: skip
    return f"/console/jobs/{put.id}?done=group"
