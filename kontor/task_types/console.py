"""Console pages of task types, and the pull workers of the Workers page."""

import json
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from pydantic import JsonValue

from kontor.engine.catalogue import Catalogue
from kontor.engine.declared import DeclaredPayload
from kontor.kernel.database import psycopg_connection
from kontor.kernel.errors import Invalid
from kontor.task_types import queries, registry
from kontor.task_types.declaration import PushIn, ThenIn
from kontor.task_types.queries import PullWorkerRow
from kontor.task_types.service import TaskTypes, document_of
from kontor.ui.console_request import ConsoleRequest, TemplateResponse

VERSIONS: Final = 20
SEEN_SECONDS: Final = 600.0


def show_task_types(request: ConsoleRequest) -> TemplateResponse:
    """List the declared types, by name."""
    types = [document_of(row) for row in queries.all_types(request.session)]
    values = {"types": types, "hosts": {each.name: host_of(each.handler) for each in types}}
    return TemplateResponse("task_types.html", "Task types", values, "task-types")


def show_task_type(request: ConsoleRequest) -> TemplateResponse:
    """Show a type with its versions and schedules. Raises NotFound."""
    row = TaskTypes.get(request.session, request.incoming.params["name"])
    registry.refresh(request.connection, request.deps.jobs.catalogue)
    shown = document_of(row)
    values = {
        "type": shown,
        "address": shown.handler.push if isinstance(shown.handler, PushIn) else None,
        "schema": json.dumps(shown.args, indent=2, ensure_ascii=False),
        "then": shown.then and (shown.then.task, masked(request.deps.jobs.catalogue, shown.then)),
        "versions": queries.versions_of(request.session, row.name, VERSIONS),
        "schedules": [
            each.name for each in queries.all_schedules(request.session) if each.document["task"] == row.name
        ],
    }
    return TemplateResponse("task_type.html", row.name, values, "task-types")


def pull_workers(request: ConsoleRequest) -> list[PullWorkerRow]:
    """Return the pull workers that were seen in the last ten minutes or hold jobs."""
    return queries.pull_workers(psycopg_connection(request.session), SEEN_SECONDS)


def host_of(handler: PushIn | str) -> str | None:
    """Return the host of a push handler; None for pull workers."""
    return urlsplit(handler.push).netloc if isinstance(handler, PushIn) else None


def masked(catalogue: Catalogue, then: ThenIn) -> str:
    """Return the args of a follow-up as JSON, the sensitive ones masked."""
    args: Mapping[str, JsonValue] = then.args
    model = catalogue.declared.get(then.task)
    if model is not None and issubclass(model, DeclaredPayload):
        try:
            args = model.from_args(args).args
        except Invalid:  # the other type has changed since: nobody knows which are sensitive
            args = dict.fromkeys(args, "***")
    return json.dumps(dict(args), ensure_ascii=False)
