"""Console pages of the runs that move resellers between tiers: the list, one run with its movers, and its decision."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from kontor.discounts import run_admin
from kontor.discounts.queries import RunFilter
from kontor.kernel.errors import FieldError, Invalid
from kontor.kernel.paging import Page
from kontor.kernel.states import RunState
from kontor.kernel.zones import parse_day
from kontor.programme.display_names import DisplayNames
from kontor.ui import formatting
from kontor.ui.console_request import ConsoleRequest, TemplateResponse
from kontor.ui.listing import Cell, ListColumn, ListFilter, Listing, ListQuery, account_cell, money_cell
from kontor.ui.records import ConsoleRecord, RecordButton, RecordTable
from models.discounts import DiscountChange, DiscountRun

BASE_PATH: Final = "/console/discount-runs"
SHOWN: Final = 50


def _read(request: ConsoleRequest, query: ListQuery, cursor: str | None, limit: int) -> Page[DiscountRun]:
    typed = query.text("day")
    try:
        day = None if typed is None else parse_day(typed)
    except ValueError as error:
        raise Invalid(message=f"{error}.", errors=[FieldError("day", str(error))]) from None
    filters = RunFilter(query.text("programme"), query.chosen("state", RunState), day)
    return run_admin.page(request.session, filters, cursor, limit)


def _rows(request: ConsoleRequest, runs: Sequence[DiscountRun]) -> Sequence[Sequence[Cell]]:
    shown = formatting.display_names(request, [run.programme for run in runs])
    return [
        (
            Cell(run.day.isoformat(), f"{BASE_PATH}/{run.id}"),
            Cell(shown[run.programme].programme.name),
            Cell(run.state, state=True),
            Cell(f"{run.moved:,}"),
            Cell(f"{run.resellers:,}"),
            Cell(at=run.started_at),
        )
        for run in runs
    ]


RUNS: Final = Listing(
    BASE_PATH,
    "Discount runs",
    "No run matches.",
    (
        ListFilter("programme", "Programme (code)"),
        ListFilter("state", "State", tuple(RunState)),
        ListFilter("day", "Day", kind="date"),
    ),
    (
        *map(ListColumn, ("Day", "Programme", "State")),
        ListColumn("Change tier", figure=True),
        ListColumn("Resellers", figure=True),
        ListColumn("Started"),
    ),
    _read,
    _rows,
    lambda run: run.id,
)


def show_run(request: ConsoleRequest) -> TemplateResponse:
    """Show one run: the moves by tier, and the first resellers that it moves. Raises NotFound."""
    run = run_admin.get(request.session, request.incoming.uuid("run_id"))
    names = formatting.display_names(request, [run.programme])[run.programme]
    total = run_admin.describe(request.session, [run])[0]
    movers = run_admin.movers(request.session, run.id, limit=SHOWN).items
    facts = (
        ("Programme", Cell(names.programme.name)),
        ("Change tier", Cell(f"{run.moved:,} of {run.resellers:,} resellers")),
        ("Waits for approval above", Cell(f"{run.guard_rail.normalize():f} %")),
        ("Started", Cell(at=run.started_at)),
        ("Decided", Cell(at=run.decided_at, note=f"by {run.decided_by}" if run.decided_by else "")),
        ("Reason", Cell(run.reason or "")),
        ("Finished", Cell(at=run.finished_at)),
    )
    moves = RecordTable(
        "Moves",
        (*map(ListColumn, ("From", "To")), ListColumn("Resellers", figure=True)),
        [(_tier(names, each.from_), _tier(names, each.to), Cell(f"{each.resellers:,}")) for each in total.moves],
    )
    approve = RecordButton("Approve", f"{BASE_PATH}/{run.id}/approve")
    reject = RecordButton("Reject", f"{BASE_PATH}/{run.id}/reject", grave=True)
    buttons = (approve, reject) if run.state == RunState.HELD else ()
    tables = (moves, _movers(request, names, movers))
    return ConsoleRecord(f"Discount run of {run.day}", run.id, run.state, facts, buttons, tables).page()


def _movers(request: ConsoleRequest, names: DisplayNames, movers: Sequence[DiscountChange]) -> RecordTable:
    accounts = formatting.named(request, [str(each.reseller_id) for each in movers])
    rows = [
        (
            account_cell(accounts, each.reseller_id),
            _tier(names, each.before),
            _tier(names, each.after),
            money_cell(each.turnover, names.programme.currency),
        )
        for each in movers
    ]
    columns = (*map(ListColumn, ("Reseller", "From", "To")), ListColumn("Turnover", figure=True))
    return RecordTable(f"Resellers that move, the first {SHOWN}", columns, rows)


def _tier(names: DisplayNames, tier: str | None) -> Cell:
    return Cell("no tier" if tier is None else names.tier(tier))


def at_stake(request: ConsoleRequest) -> Sequence[str]:
    """Say how many resellers a run moves. Raises NotFound."""
    run = run_admin.get(request.session, request.incoming.uuid("run_id"))
    return [f"{run.moved:,} of {run.resellers:,} resellers change tier on {run.day}."]


def approve(request: ConsoleRequest, reason: str | None) -> str:
    """Approve a held run. Raises NotFound, Conflict(`not_held`)."""
    run_id = request.incoming.uuid("run_id")
    run_admin.approve(request.context, request.session, run_id, request.actor(reason).name, reason)
    return f"{BASE_PATH}/{run_id}?done=approve-run"


def reject(request: ConsoleRequest, reason: str | None) -> str:
    """Reject a held run. Raises NotFound, Conflict(`not_held`)."""
    run_id = request.incoming.uuid("run_id")
    run_admin.reject(request.context, request.session, run_id, request.actor(reason).name, reason)
    return f"{BASE_PATH}/{run_id}?done=reject-run"
