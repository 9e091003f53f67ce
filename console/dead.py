"""Dead jobs grouped by error; acting on a group starts with a preview."""

from dataclasses import dataclass
from typing import Any

from console.answers import TemplateResponse
from console.visit import ConsoleRequest
from engine.driver import driver
from store import dead, jobs_read
from store.dead import DeadGroup
from store.jobs_read import JobRecord


@dataclass(frozen=True, slots=True)
class DeadGroupView:
    """A group with its newest job as example."""

    group: DeadGroup
    example: JobRecord | None

    @property
    def error(self) -> Any:
        """The example's error object; empty if there is none."""
        return (self.example.error if self.example else None) or {}


def show_dead(request: ConsoleRequest) -> TemplateResponse:
    """Show every group with one example."""
    connection = driver(request.session)
    views = [DeadGroupView(group, jobs_read.find(connection, group.example)) for group in dead.groups(connection)]
    total = sum(view.group.count for view in views)
    values = {"views": views, "total": total, "bounded": total >= dead.BOUND}
    return TemplateResponse("dead.html", "Dead jobs", values, "dead", live=("_dead",))
