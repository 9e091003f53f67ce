"""The days that a list of the portal is cut to: from and to, both included, with what is wrong beside its field."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from urllib.parse import urlencode

from kontor.kernel.errors import FieldError, Invalid
from kontor.kernel.zones import day_of_field
from kontor.ui.portal_request import PortalRequest


@dataclass(frozen=True, slots=True)
class DayRange:
    """Local days, both included, None for an open end; `typed`: what the fields show.

    `error`: why the fields mean nothing; the list then has no rows.
    """

    first: date | None
    last: date | None
    typed: Mapping[str, str]
    error: Invalid | None = None

    @property
    def query(self) -> str:
        """The part of an address that asks for the same days."""
        return urlencode({name: text for name, text in self.typed.items() if text})

    def require(self) -> None:
        """Raise Invalid where the fields mean nothing."""
        if self.error is not None:
            raise self.error


def day_range(request: PortalRequest) -> DayRange:
    """Return the days `from` and `to` of the address."""
    texts = {name: request.incoming.param(name) for name in ("from", "to")}
    typed = {name: text or "" for name, text in texts.items()}
    days: dict[str, date | None] = {}
    problems: list[FieldError] = []
    for name, text in texts.items():
        try:
            days[name] = day_of_field(text, name)
        except Invalid as error:
            problems.extend(error.errors)
    first, last = days.get("from"), days.get("to")
    if first is not None and last is not None and last < first:
        problems.append(FieldError("to", f"{last} is before {first}."))
    if problems:
        return DayRange(None, None, typed, Invalid(message=problems[0].msg, errors=problems))
    return DayRange(first, last, typed)
