"""Dead jobs, like with like; what is done to a whole group begins with a preview."""

from dataclasses import dataclass
from typing import Any

from console.answers import Page
from console.visit import Visit
from engine.driver import driver
from store import dead, jobs_read
from store.dead import DeadGroup
from store.jobs_read import JobRecord


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
    return Page("dead.html", "Dead jobs", values, "dead", live=("_dead",))
