"""The oracle's memory of accounts, offers and the deployment."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Protocol
from zoneinfo import ZoneInfo

from tests.oracle.account_book import Line
from tests.oracle.fees import Charge, Plans, Running
from tests.oracle.licences import Granted
from tests.oracle.trials import Trial
from tests.oracle.turnover import Paid
from tests.oracle.usage import Meter, QuotaMail

if TYPE_CHECKING:
    from tests.oracle.services import Service

Fact = tuple[str, Decimal, datetime]
"""Kind, amount and date of a payment."""


class JournalEntry(Protocol):
    """An entry of the journal: time, action, values and outcome."""

    @property
    def at(self) -> datetime:
        """The instant, aware."""

    @property
    def action(self) -> str:
        """The action."""

    @property
    def values(self) -> Mapping[str, Any]:
        """The values; accounts and offers by their labels."""

    @property
    def outcome(self) -> str:
        """`ok`, or the error code."""

    @property
    def result(self) -> Mapping[str, Any]:
        """The response."""


@dataclass
class Person:
    """An account."""

    label: str
    name: str
    email: str
    zone: ZoneInfo
    settled: date
    plan: str
    kind: str = "regular"
    reseller: str | None = None
    deleted: datetime | None = None
    suspended: bool = False
    resumed: datetime | None = None
    trial: Trial | None = None
    plans: Plans = field(default_factory=Plans)
    products: dict[str, Running] = field(default_factory=dict)
    meters: dict[str, Meter] = field(default_factory=dict)
    grants: list[Granted] = field(default_factory=list)
    paid: list[Paid] = field(default_factory=list)

    @property
    def payer(self) -> str:
        """The payer of this account's fees."""
        return self.reseller or self.label


@dataclass
class Offered:
    """An offer as in the journal; the journal does not say whether it was delivered."""

    label: str
    account: str
    lines: list[Mapping[str, Any]]
    sent: datetime
    expires: datetime
    state: str = "open"
    reason: str | None = None

    def seen(self, now: datetime) -> tuple[str, str | None]:
        """State and reason on reading."""
        if self.state == "open" and now >= self.expires:
            return "cancelled", "expired"
        return self.state, self.reason


@dataclass
class Memory:
    """Everything the oracle knows.

    `payers`: every charge with who pays it; `void`: the places of those voided; `credited`: where the credit of one is.
    `begun`: services whose jobs wait for the processes; `settled_lines`: so many lines were looked at for renewals.
    """

    people: dict[str, Person] = field(default_factory=dict)
    offers: dict[str, Offered] = field(default_factory=dict)
    trying: dict[str, Person] = field(default_factory=dict)
    had_trial: set[tuple[str, str]] = field(default_factory=set)
    references: dict[tuple[object, ...], Fact] = field(default_factory=dict)
    unmatched: dict[tuple[str, int], Mapping[str, Any]] = field(default_factory=dict)
    payers: list[tuple[Charge, str]] = field(default_factory=list)
    void: set[int] = field(default_factory=set)
    credited: dict[int, int] = field(default_factory=dict)
    lines: list[Line] = field(default_factory=list)
    merged: dict[str, str] = field(default_factory=dict)
    mails: set[QuotaMail] = field(default_factory=set)
    heights: dict[tuple[str, str, tuple[date, date], int], list[str]] = field(default_factory=dict)
    down: dict[str, datetime] = field(default_factory=dict)
    up_since: dict[str, datetime] = field(default_factory=dict)
    recomputed: dict[str, datetime] = field(default_factory=dict)
    to_recompute: set[str] = field(default_factory=set)
    services: "dict[str, Service]" = field(default_factory=dict)
    begun: "list[Service]" = field(default_factory=list)
    settled_lines: int = 0
    swept: datetime = datetime(1, 1, 1, tzinfo=UTC)
    complaints: list[str] = field(default_factory=list)

    def resellers(self) -> list[Person]:
        """Every current reseller that is not deleted."""
        return [each for each in self.people.values() if each.kind == "reseller" and each.deleted is None]
