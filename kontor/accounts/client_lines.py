"""Lines of a client's history as its reseller may see them: each source in one shape, words left to the page."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Final

from kontor.http import visibility
from kontor.http.visibility import Viewer
from kontor.kernel.money import Money
from kontor.mails.schemas import INVITATIONS
from kontor.programme.display_names import DisplayNames
from models.mails import Mail
from models.offers import Offer
from models.portal import PortalVisit
from models.webhooks import DomainEvent

QUALIFIERS: Final[Mapping[str, str]] = {
    "usage.threshold": "threshold",
    "trial.ended": "outcome",
    "offer.cancelled": "reason",
    "licences.granted": "reason",
    "charge.created": "kind",
}
"""By type of event: the field of its data that decides the words."""

UNTIL: Final = ("ends_at", "ends_on", "paid_until")


@dataclass(frozen=True, slots=True)
class ClientLine:
    """A line of a client's history. `what`: the key of its words; `place`: its position among those of its source.

    `about`: names, such as a product's or a mail's subject; empty for an invitation, which must not tell whether the
    address was known. `value`, `limit`: usage of a metric; `person`: of a visit.
    """

    what: str
    place: str
    at: datetime
    about: str = ""
    amount: Money | None = None
    until: date | datetime | None = None
    value: int | None = None
    limit: int | None = None
    person: str = ""
    hidden: bool = False


def of_event(row: DomainEvent, names: DisplayNames, others: Collection[str]) -> ClientLine:
    """Return the line of an event; `others`: products of other resellers, which are left out."""
    data = visibility.event_data(row.type, row.data, Viewer.RESELLER)
    qualifier = QUALIFIERS.get(row.type)
    total = data.get("total")
    return ClientLine(
        what=row.type if qualifier is None else f"{row.type}.{data.get(qualifier)}",
        place=str(row.seq),
        at=row.at,
        about=_about(data, names, others),
        amount=Money(Decimal(total["amount"]), total["currency"]) if isinstance(total, Mapping) else None,
        until=next((_instant(str(data[name])) for name in UNTIL if data.get(name)), None),
        value=_whole(data.get("value")),
        limit=_whole(data.get("limit")),
    )


def of_mail(row: Mail) -> ClientLine:
    """Return the line of a mail to the client, by its subject."""
    subject = "" if row.template in INVITATIONS else row.subject or ""
    return ClientLine("mail", str(row.id), row.created_at, subject)


def of_offer(row: Offer, names: DisplayNames, others: Collection[str]) -> ClientLine:
    """Return the line of an offer at the time it was sent; what became of it are events."""
    return ClientLine("offer", str(row.id), row.created_at, _counted(row.lines, names, others))


def of_visit(row: PortalVisit) -> ClientLine:
    """Return the line of what a person of the reseller did in the client's account."""
    return ClientLine("visit", str(row.seq), row.at, about=row.act, person=row.person)


def _about(data: Mapping[str, object], names: DisplayNames, others: Collection[str]) -> str:
    for lines in (data.get("lines"), data.get("licences")):
        if isinstance(lines, list):
            return _counted(lines, names, others)
    named: Mapping[str, Callable[[str], str]] = {
        "plan": names.plan, "product": names.sold, "metric": names.metric, "domain": str,
    }  # fmt: skip
    return next((say(str(data[name])) for name, say in named.items() if data.get(name)), "")


def _counted(lines: Collection[Mapping[str, object]], names: DisplayNames, others: Collection[str]) -> str:
    shown = [line for line in lines if line["product"] not in others]
    return ", ".join(f"{line['count']} × {names.product(str(line['product']))}" for line in shown)


def _instant(text: str) -> date | datetime:
    return datetime.fromisoformat(text) if "T" in text else date.fromisoformat(text)


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) else None
