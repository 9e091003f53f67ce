"""Console pages of charges: the list, one charge with how it was computed, and its void."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Final

from kontor.fees import charge_search, queries, statements
from kontor.fees.charge_search import ChargeSearch
from kontor.kernel.money import Money
from kontor.kernel.paging import Page
from kontor.ui import formatting
from kontor.ui.console_request import ConsoleRequest, TemplateResponse
from kontor.ui.listing import (
    ACCOUNT,
    FROM,
    RESELLER,
    TO,
    Cell,
    ListColumn,
    ListFilter,
    Listing,
    ListQuery,
    account_cell,
    money_cell,
)
from kontor.ui.records import ConsoleRecord, RecordButton
from models.fees import Charge, ChargeKind

BASE_PATH: Final = "/console/charges"


class ChargeState(StrEnum):
    """Whether a charge counts."""

    VALID = "valid"
    VOID = "void"


def _state(charge: Charge) -> str:
    return ChargeState.VALID if charge.voided_at is None else ChargeState.VOID


def _read(request: ConsoleRequest, query: ListQuery, cursor: str | None, limit: int) -> Page[Charge]:
    state = query.chosen("state", ChargeState)
    search = ChargeSearch(
        query.reseller_id,
        query.account_id,
        query.chosen("kind", ChargeKind),
        None if state is None else state is ChargeState.VOID,
        query.first,
        query.last,
    )
    return charge_search.newest(request.session, search, cursor, limit)


def _rows(request: ConsoleRequest, charges: Sequence[Charge]) -> Sequence[Sequence[Cell]]:
    ids = [str(each) for row in charges for each in (row.account_id, row.reseller_id) if each is not None]
    names, shown = formatting.named(request, ids), formatting.display_names(request, [row.programme for row in charges])
    return [
        (
            Cell(shown[row.programme].sold(row.product), f"{BASE_PATH}/{row.id}"),
            Cell(row.kind),
            account_cell(names, row.account_id),
            account_cell(names, row.reseller_id, "itself"),
            Cell(f"{row.period_start} to {row.period_end}"),
            money_cell(row.fee, row.currency),
            money_cell(row.discount, row.currency),
            money_cell(row.total, row.currency),
            Cell(_state(row), state=True, note=row.void_reason or ""),
            Cell(at=row.created_at),
        )
        for row in charges
    ]


CHARGES: Final = Listing(
    BASE_PATH,
    "Charges",
    "No charge matches.",
    (
        ACCOUNT,
        RESELLER,
        ListFilter("kind", "Kind", tuple(ChargeKind)),
        ListFilter("state", "State", tuple(ChargeState)),
        ListFilter(FROM.name, "Period starts from", kind=FROM.kind),
        ListFilter(TO.name, "Period starts until", kind=TO.kind),
    ),
    (
        *map(ListColumn, ("For", "Kind", "Account", "Paid by", "Period")),
        *(ListColumn(label, figure=True) for label in ("Fee", "Discount", "Total")),
        *map(ListColumn, ("State", "Made")),
    ),
    _read,
    _rows,
    lambda row: row.id,
)


def show_charge(request: ConsoleRequest) -> TemplateResponse:
    """Show one charge or credit. Raises NotFound."""
    row = statements.get(request.session, request.incoming.uuid("charge_id"))
    names = formatting.named(request, [str(row.account_id), str(row.reseller_id)])
    credited = None if row.credits is None else f"{BASE_PATH}/{row.credits}"
    what = formatting.display_names(request, [row.programme])[row.programme].sold(row.product)
    facts = (
        ("For", Cell(what, note=row.kind)),
        ("Account", account_cell(names, row.account_id)),
        ("Paid by", account_cell(names, row.reseller_id, "the account itself")),
        ("Period", Cell(f"{row.period_start} to {row.period_end}", note="the end is not part of it")),
        ("Fee", money_cell(row.fee, row.currency)),
        ("Discount", Cell(formatting.money(str(row.discount), row.currency), note=f"{row.percent.normalize():f} %")),
        ("Total", money_cell(row.total, row.currency)),
        ("Credit of", Cell("the charge that it pays back" if credited else "", credited)),
        ("Statement", Cell("" if row.stated is None else f"{row.stated:%Y-%m}")),
        ("Made", Cell(at=row.created_at)),
        ("Voided", Cell(at=row.voided_at, note=f"by {row.voided_by}: {row.void_reason}" if row.voided_at else "")),
    )
    void = RecordButton("Void", f"{BASE_PATH}/{row.id}/void", grave=True)
    buttons = () if row.voided_at is not None else (void,)
    return ConsoleRecord(f"Charge for {what}", row.id, _state(row), facts, buttons, (), ("How", dict(row.how))).page()


def void(request: ConsoleRequest, reason: str | None) -> str:
    """Void a charge, and its credit with it. Raises NotFound, Conflict, Invalid."""
    charge_id = request.incoming.uuid("charge_id")
    statements.void(request.context, request.session, charge_id, reason or "", request.actor(reason).name)
    return f"{BASE_PATH}/{charge_id}?done=void"


def at_stake(request: ConsoleRequest) -> Sequence[str]:
    """Say what a void takes back. Raises NotFound."""
    row = statements.get(request.session, request.incoming.uuid("charge_id"))
    credit = queries.credit_of(request.session, row.id)
    what = formatting.display_names(request, [row.programme])[row.programme].sold(row.product)
    lines = [f"{what}, {row.period_start} to {row.period_end}: {Money(row.total, row.currency)} are not owed."]
    if credit is not None and credit.voided_at is None:
        lines.append(f"Its credit of {Money(credit.total, credit.currency)} is void too.")
    return lines
