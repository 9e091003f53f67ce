"""Every write of API, console, pages, commands and schedules leaves a row of the audit log, or is evidence itself."""

import ast
import inspect

from devtools.source import ROOT
from kontor.accounts import payloads as accounts
from kontor.alerts import payloads as alerts
from kontor.console import app as console
from kontor.console.acts import UNRECORDED
from kontor.console.handler import ConsoleHandler
from kontor.console.render import Templates
from kontor.discounts import payloads as discounts
from kontor.engine import payloads as engine
from kontor.fees import payloads as fees
from kontor.http.routing import flat
from kontor.mails import payloads as mails
from kontor.operators import payloads as operators
from kontor.portal import routes as portal
from kontor.reconciliation import payloads as reconciliation
from models.programmes import ProgrammeRow
from tasks.schedules import RECORDED
from workers.web_app import FAMILIES

WRITING = {"POST", "PUT", "PATCH", "DELETE"}
LEASE = "POST /v1/leases/{lease_id}"
OWN_EVIDENCE = {
    *("POST /v1/jobs", "POST /v1/jobs/batch", "POST /v1/accounts/{account_id}/usage", "POST /v1/leases"),
    *(f"{LEASE}/heartbeat", f"{LEASE}/complete", f"{LEASE}/fail", f"{LEASE}/snooze", f"{LEASE}/release"),
}
"""Enqueued jobs, their attempts and usage reports say themselves who sent or made them (security.md 4)."""

WRITES_NOTHING_ELSE = {
    accounts.DOMAINS: "writes its own row for each domain that changed",
    alerts.TASK: "incidents and mails",
    mails.FOLD: "mails",
    mails.RELEASE: "mails",
    operators.EXPIRING: "mails",
    engine.IDEMPOTENCY: "answers kept for 24 hours",
    engine.ROLLUP: "statistics",
}
"""Tasks of schedules whose changes are evidence themselves, or bookkeeping."""


def test_every_write_of_the_api_is_recorded() -> None:
    writing = [route for route in flat(FAMILIES) if WRITING & (route.methods or set())]
    unrecorded = {f"{min(route.methods or ())} {route.path}" for route in writing if not route.spec.audited}
    assert unrecorded == OWN_EVIDENCE
    assert len(writing) > 55


def test_every_form_of_the_console_is_recorded() -> None:
    router = console.router_of(ConsoleHandler(Templates()))
    forms = {route.path: route.endpoint for route in router.routes if "POST" in route.methods}  # type: ignore[attr-defined]  # API routes alone
    handled = ConsoleHandler.handler.__qualname__
    assert [path for path, endpoint in forms.items() if not endpoint.__qualname__.startswith(handled)] == []
    assert {"/console/login", "/console/theme"} == UNRECORDED
    assert "recorded(request, view)" in inspect.getsource(ConsoleHandler._respond)
    assert len(forms) > 40


def test_every_page_that_a_link_opens_records_what_its_button_changes() -> None:
    source = inspect.getsource(portal)
    assert source.count('methods=["POST"]') == 1
    assert "_recorded(family)" in source


def test_every_transaction_of_a_command_is_recorded_except_imported_rows() -> None:
    opened, unrecorded = set[str](), set[str]()
    for path in sorted((ROOT / "kontor" / "cli").glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call):
                if ast.unparse(node.func) in {"Session", "sessionmaker", "create_engine"}:
                    opened.add(path.name)
                if any(word.arg == "audited" for word in node.keywords):
                    unrecorded.add(path.name)
    assert (opened, unrecorded) == ({"context.py"}, {"imports.py"})


def test_every_task_of_a_schedule_is_recorded_or_is_evidence_itself() -> None:
    market = ProgrammeRow(code="market", document={"timezone": "UTC", "discount": {"kind": "turnover"}})
    specs = [
        *engine.SCHEDULES, *accounts.SCHEDULES, *alerts.SCHEDULES, *mails.SCHEDULES, *reconciliation.SCHEDULES,
        *operators.SCHEDULES, *discounts.schedules([market]), *fees.schedules([market]),
    ]  # fmt: skip
    assert {spec.task for spec in specs} - RECORDED == set(WRITES_NOTHING_ELSE)
