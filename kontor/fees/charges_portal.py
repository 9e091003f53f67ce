"""The reseller's charges: by client and period, and one with how it was computed, voided and credited."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Final
from urllib.parse import urlencode
from uuid import UUID

from kontor.accounts import client_list
from kontor.accounts import service as accounts
from kontor.accounts.client_choice import ClientChoice, OfferedClient, client_choice
from kontor.accounts.instances import InstanceState
from kontor.fees import charge_search, queries, statements
from kontor.fees.catalogue import ResellerCatalogue
from kontor.fees.charge_search import ChargeSearch
from kontor.kernel.errors import NotFound
from kontor.kernel.money import Money
from kontor.mailer.formatting import language_of
from kontor.ui.pages import N
from kontor.ui.portal_days import DayRange, day_range
from kontor.ui.portal_errors import refused
from kontor.ui.portal_request import PortalPage, PortalRequest, PortalResponse
from models.accounts import Account
from models.fees import Charge, ChargeKind

CHARGES: Final = N("Charges")
CHARGE: Final = N("Charge")
CREDIT: Final = N("Credit for unused days")
PAGE_SIZE: Final = 50


@dataclass(frozen=True, slots=True)
class ShownCharge:
    """A charge or credit as its payer reads it, with what it keeps of how it was computed.

    `percent`: the discount; `version`: the programme file's; `as_of`: the day that both are of; `days`: of a credit,
    the unused ones and those of the whole period. None where the charge kept nothing of it.
    """

    row: Charge
    item: str
    client: str
    fee: Money
    discount: Money
    total: Money
    list_price: Money | None
    percent: Decimal
    version: int | None
    as_of: date | None
    days: tuple[int, int] | None

    @property
    def is_credit(self) -> bool:
        """Whether it pays back unused days of another charge."""
        return self.row.kind == ChargeKind.CREDIT


def show_charges(request: PortalRequest) -> PortalResponse:
    """Show charges of a client, or of all, by the first day of their period. Raises NotFound for another's client."""
    owner, client, days = request.person.account, _client(request), day_range(request)
    search = ChargeSearch(owner.id, None if client is None else client.id, first=days.first, last=days.last)
    page = charge_search.by_period(request.session, search, request.incoming.param("cursor"), PAGE_SIZE)
    values = {
        "rows": () if days.error else _shown(request, page.items),
        "next": None if days.error else page.next,
        "choice": _choice(request, client),
        "days": days,
        "carried": _carried(client, days),
    }
    shown = PortalPage("charges.html", CHARGES, values, page="partner.charges")
    return shown if days.error is None else refused(request, shown, days.error)


def show_charge(request: PortalRequest) -> PortalResponse:
    """Show one charge or credit. Raises NotFound."""
    row = statements.get(request.session, request.incoming.uuid("charge_id"))
    if row.reseller_id != request.person.account.id:
        raise NotFound
    (shown,) = _shown(request, [row])
    credited = None if row.credits is None else queries.by_id(request.session, row.credits)
    credit = queries.credit_of(request.session, row.id)
    values = {
        "charge": shown,
        "credited": None if credited is None else _shown(request, [credited])[0],
        "credit": None if credit is None else _shown(request, [credit])[0],
    }
    return PortalPage("charge.html", CREDIT if shown.is_credit else CHARGE, values, page="partner.charges.show")


def _client(request: PortalRequest) -> Account | None:
    """Return the client of the address, also one that left after it was charged for. Raises NotFound for another's."""
    text = request.incoming.param("account_id")
    if text is None:
        return None
    try:
        client = accounts.find(request.session, UUID(text))
    except ValueError:
        raise NotFound from None
    owner_id = request.person.account.id
    if client is None or (
        client.reseller_id != owner_id and not charge_search.has_paid(request.session, owner_id, client.id)
    ):
        raise NotFound
    return client


def _choice(request: PortalRequest, client: Account | None) -> ClientChoice:
    """Return the clients to choose from, with one that is chosen although it is a client no longer."""
    choice = client_choice(request)
    if client is None or choice.chosen is not None:
        return choice
    former = OfferedClient(client.id, client.name, InstanceState.NONE)
    return replace(choice, clients=(former, *choice.clients), chosen=client.id)


def _carried(client: Account | None, days: DayRange) -> str:
    chosen = "" if client is None else urlencode({"account_id": client.id})
    return "&".join(part for part in (chosen, days.query) if part)


def _shown(request: PortalRequest, rows: Sequence[Charge]) -> list[ShownCharge]:
    owner, language = request.person.account, language_of(request.locale)
    names = ResellerCatalogue.of(request.context, request.session, owner)
    clients = client_list.names(request.session, [row.account_id for row in rows])
    return [
        ShownCharge(
            row=row,
            item=statements.sold_name(names, language, row.product, is_product=row.kind == ChargeKind.PRODUCT),
            client=clients[row.account_id],
            fee=Money(row.fee, row.currency),
            discount=Money(row.discount, row.currency),
            total=Money(row.total, row.currency),
            list_price=_list_price(row),
            percent=Decimal(f"{row.percent.normalize():f}"),
            version=_number(row, "version"),
            as_of=_as_of(row),
            days=_days(row),
        )
        for row in rows
    ]


def _list_price(row: Charge) -> Money | None:
    """Return the list price that a charge was computed from, as it was kept with it."""
    match row.how.get("list"):
        case {"amount": str(amount), "currency": str(currency)}:
            return Money(Decimal(amount), currency)
        case _:
            return None


def _number(row: Charge, name: str) -> int | None:
    number = row.how.get(name)
    return number if isinstance(number, int) else None


def _as_of(row: Charge) -> date | None:
    text = row.how.get("as_of")
    return date.fromisoformat(text) if isinstance(text, str) else None


def _days(row: Charge) -> tuple[int, int] | None:
    unused, whole = _number(row, "days"), _number(row, "of_days")
    return None if unused is None or whole is None else (unused, whole)
