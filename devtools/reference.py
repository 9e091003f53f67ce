"""Generated reference pages on standard output: `python -m devtools.reference tasks|mails|openapi|errors`."""

import importlib
import inspect
import json
import pkgutil
import sys
from dataclasses import dataclass
from datetime import timedelta
from types import SimpleNamespace
from typing import Any, Final, cast

from fastapi import FastAPI
from sqlalchemy.orm import Session

import tasks
from devtools.source import ROOT
from kontor.engine.catalogue import Payload, Policy
from kontor.engine.declared import DeclaredPayload
from kontor.engine.retry import RetryPolicy
from kontor.http.error_codes import CODES
from kontor.http.openapi import describe
from kontor.http.routing import flat
from kontor.kernel.states import CrashPolicy, TaskKind
from kontor.mailer.kinds import Audience, MailKind
from kontor.mailer.registry import MAIL_KINDS
from kontor.monitoring.routes import health_router, metrics_router
from kontor.webhooks.documents import add_webhooks
from tasks.schedules import all_schedules
from workers.web_app import FAMILIES, TITLE

REFERENCE: Final = ROOT / "docs" / "reference" / "tasks.md"
COMMAND: Final = "python -m devtools.reference tasks > docs/reference/tasks.md"
PROGRAMME_ZONE: Final = "the programme's zone"
PAUSES_SHOWN: Final = 3
UNITS: Final = ((timedelta(hours=1), "h"), (timedelta(minutes=1), "min"), (timedelta(seconds=1), "s"))
ON_CRASH: Final = {
    CrashPolicy.RERUN: "act again, same key",
    CrashPolicy.VERIFY: "ask first",
    CrashPolicy.PARK: "wait for an operator",
}

HEAD: Final = f"""\
# Tasks

Generated from the code by `{COMMAND}`; a test fails when this page is stale.
How a job runs and what its states mean: [job life cycle](job-life-cycle.md). How to add a task:
[add a task](../how-to/add-a-task.md).

- **Kind**: a *transactional* task writes to PostgreSQL alone, in the transaction that completes the job. With *one
  commit per job* it shares that transaction with no other job. An *external* task has an effect outside; the column
  names the consequence of a worker's death between the effect and its record.
- **Public**: an API key that is bound to an account or a reseller may enqueue it with `POST /v1/jobs`. All other tasks
  take an unbound key, and in general only Kontor enqueues them.
- **Start within**: a job that starts later than this after its due time counts as late.
- **Retries**: the number of attempts, then the longest pauses between them. Each pause is drawn evenly from 0 to that
  value ([rules](rules-schedules.md#retries)). A job whose remote is down waits in its lane and uses no attempt.
"""


@dataclass(frozen=True, slots=True)
class TaskEntry:
    """A task with the module of its handler."""

    payload: type[Payload]
    handler_module: str

    @property
    def policy(self) -> Policy:
        """How it runs."""
        return self.payload.policy


class ExampleSession:
    """Returns one programme that has every schedule, whatever is selected."""

    def scalars(self, statement: Any) -> Any:
        """Return the rows of the example."""
        if "task_schedules" in str(statement):
            return Rows()
        document = {"timezone": PROGRAMME_ZONE, "discount": {"kind": "turnover"}}
        return Rows([SimpleNamespace(code="CODE", document=document)])


class Rows(list[Any]):
    """A result that is a list already."""

    def all(self) -> list[Any]:
        """Return all rows."""
        return self


def entries() -> list[TaskEntry]:
    """Return every task that has a handler below `tasks/`."""
    modules = [importlib.import_module(f"tasks.{info.name}") for info in pkgutil.iter_modules(tasks.__path__)]
    handled = (
        (getattr(handler, "payload", None), module)
        for module in modules
        for _, handler in inspect.getmembers(module, inspect.isclass)
        if handler.__module__ == module.__name__
    )
    return [
        TaskEntry(payload, module.__name__)
        for payload, module in handled
        if isinstance(payload, type) and payload is not DeclaredPayload
    ]


def reference() -> str:
    """Return the page."""
    by_file: dict[str, list[TaskEntry]] = {}
    for entry in sorted(entries(), key=lambda entry: (entry.handler_module, entry.policy.name)):
        by_file.setdefault(entry.handler_module, []).append(entry)
    schedules = schedule_rows()
    return HEAD + "".join(section(module, family, schedules) for module, family in by_file.items())


def section(module: str, family: list[TaskEntry], schedules: list[tuple[str, str]]) -> str:
    """Return the table of the tasks whose handlers share a file, and that of their schedules."""
    payloads = sorted({entry.payload.__module__ for entry in family})
    names = {entry.policy.name for entry in family}
    scheduled = [line for task, line in schedules if task in names]
    lines = [
        f"\n## {module.removeprefix('tasks.').replace('_', ' ').capitalize()}\n",
        f"Handlers: `{path(module)}`. Payloads: {', '.join(f'`{path(name)}`' for name in payloads)}.\n",
        "| task | does | queue | kind | public | start within | retries |",
        "|---|---|---|---|---|---|---|",
        *(row(entry) for entry in family),
    ]
    if scheduled:
        lines += ["\n| schedule | task | cron | zone | missed runs |", "|---|---|---|---|---|", *scheduled]
    return "\n".join(lines) + "\n"


def schedule_rows() -> list[tuple[str, str]]:
    """Return every schedule as its task and its row of a table."""
    return [
        (spec.task, f"| `{spec.name}` | `{spec.task}` | `{spec.cron}` | {spec.timezone} | {spec.misfire.value} |")
        for spec in all_schedules(cast(Session, ExampleSession()))
    ]


def row(entry: TaskEntry) -> str:
    """Return a task's row of its table."""
    policy = entry.policy
    cells = [
        f"`{policy.name}`",
        meaning(entry.payload),
        f"`{policy.queue}`",
        kind(policy),
        "yes" if policy.public else "no",
        duration(policy.due_by),
        retries(policy.retry),
    ]
    return f"| {' | '.join(cells)} |"


def kind(policy: Policy) -> str:
    """Return the kind, with what sets the task apart within it."""
    if policy.kind is TaskKind.EXTERNAL:
        return f"external; after a crash: {ON_CRASH[policy.crash]}"
    return "transactional" if policy.batch_commits else "transactional, one commit per job"


def meaning(payload: type[Payload]) -> str:
    """Return the first paragraph of a payload's docstring on one line."""
    paragraph, _, _ = inspect.cleandoc(payload.__doc__ or "").partition("\n\n")
    return " ".join(paragraph.split()).replace("|", "\\|")


def retries(policy: RetryPolicy) -> str:
    """Return the first pauses and the longest, such as `5 attempts: 2 s after the first failure, then 4 s, …`."""
    pauses = [duration(policy.ceiling(attempt)) for attempt in range(1, policy.max_attempts)]
    if not pauses:
        return "1 attempt"
    shown = pauses[:PAUSES_SHOWN]
    if len(pauses) > PAUSES_SHOWN:
        shown.append(pauses[-1] if len(pauses) == PAUSES_SHOWN + 1 else f"… {pauses[-1]}")
    later = f", then {', '.join(shown[1:])}" if shown[1:] else ""
    return f"{policy.max_attempts} attempts: {shown[0]} after the first failure{later}"


def duration(value: timedelta) -> str:
    """Return `90 s`, `5 min` or `6 h`: the largest unit that gives a whole number."""
    unit, name = next((unit, name) for unit, name in UNITS if not value % unit)
    return f"{value // unit} {name}"


def path(module: str) -> str:
    """Return a module's path as people write it."""
    return f"{module.replace('.', '/')}.py"


def openapi_document() -> dict[str, Any]:
    """Return the document of `/openapi.json`, except for the version."""
    app = FastAPI(title=TITLE, version="1")
    app.router.routes.extend(flat(FAMILIES))
    app.include_router(health_router)
    app.include_router(metrics_router)
    describe(app, add_webhooks)
    result: dict[str, Any] = json.loads(json.dumps(app.openapi()))
    return result


def openapi() -> str:
    """Return the document as it is kept in `docs/openapi.json`."""
    return json.dumps(openapi_document(), indent=1, sort_keys=True, ensure_ascii=False) + "\n"


MAILS: Final = ROOT / "docs" / "reference" / "mail-list.md"
MAILS_COMMAND: Final = "python -m devtools.reference mails > docs/reference/mail-list.md"
MAILS_HEAD: Final = f"""\
# Every mail

Generated from the code by `{MAILS_COMMAND}`; a test fails when this page is stale. How mails are built and sent:
[mails](mails.md). How to add one: [add a mail](../how-to/add-a-mail.md).

Facts with `?` are optional. The types are in `kontor/mailer/account_mails.py`, `usage_mails.py`, `staff_mails.py`,
`trade_mails.py` and `money_mails.py`.

| mail | To | Cc | facts | links |
|---|---|---|---|---|
"""
READERS: Final = {
    Audience.RESELLER: "reseller",
    Audience.ACCOUNT: "account admin",
    Audience.CLIENT: "client admin",
    Audience.OPERATOR: "operators",
    Audience.PERSON: "whoever signed in",
}


def mails() -> str:
    """Return the page of all mails."""
    return MAILS_HEAD + "".join(f"{mail_row(mail)}\n" for mail in MAIL_KINDS.values())


def mail_row(mail: MailKind) -> str:
    """Return a mail's row of the table."""
    facts = [f"`{name}`{'' if fact.is_required() else '?'}" for name, fact in mail.facts.model_fields.items()]
    links = [f"`{link}`" for link in sorted(mail.required_links)]
    copy = "reseller" if mail.cc_reseller else ""
    return f"| `{mail.name}` | {READERS[mail.audience]} | {copy} | {', '.join(facts)} | {', '.join(links)} |"


ERRORS_HEAD: Final = """\
# Codes of problems

Generated from the code by `python -m devtools.reference errors > docs/reference/errors.md`; a test fails
when this page is stale. An error of the API is `application/problem+json` (RFC 9457) with one of these in `code`:
[API](api.md#problems). Codes are never renamed; new ones may come, so treat one that you do not know by its status.

| code | status | cause | what to do |
|---|---|---|---|
"""


def errors() -> str:
    """Return the page of all codes."""
    return ERRORS_HEAD + "".join(
        f"| `{code}` | {', '.join(map(str, about.statuses))} | {about.cause} | {about.remedy} |\n"
        for code, about in sorted(CODES.items())
    )


PAGES: Final = {"errors": errors, "mails": mails, "openapi": openapi, "tasks": reference}

if __name__ == "__main__":
    sys.stdout.write(PAGES[sys.argv[1]]())
