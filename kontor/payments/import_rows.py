"""From the cells of a row to a payment: certain, in doubt, or none. No database."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from hashlib import sha256
from typing import Final, assert_never
from uuid import UUID

from kontor.kernel.errors import Invalid
from kontor.kernel.states import PaymentKind
from kontor.payments.import_layouts import Layout, Movement, Role, RowFields, fold
from kontor.payments.import_values import (
    DayOrder,
    Sum,
    Unreadable,
    Wall,
    currency_code,
    read_clock,
    read_sum,
    read_wall,
    read_zone,
)
from kontor.payments.service import normalize_reference
from kontor.programme.model import Programme

NO_REFERENCE: Final = frozenset(
    {"", "-", "0", "n/a", "na", "none", "null", "notprovided", "nonref", "keine", "nicht angegeben"}
)
ROUNDED_BY_EXCEL: Final = re.compile(r"\d[.,]\d+E\+\d+", re.IGNORECASE)
PENDING: Final = re.compile(r"pending|vorgemerkt|ausstehend|offen|in.?transit|processing|in bearbeitung|ожида|обработ")
OUT: Final = {Movement.REFUND: PaymentKind.REFUND, Movement.CHARGEBACK: PaymentKind.CHARGEBACK}
NOTE_LENGTH: Final = 500
HELPLESS: Final = "it cannot be accepted: correct it, or leave the line out with --skip"

Reseller = Callable[[RowFields], "UUID | str"]
"""Names the reseller of a row, or says why it names none."""


@dataclass(frozen=True, slots=True)
class ParsedRow:
    """A row that can be taken: its first line, and its instant, which is aware.

    `reference`: None when the file has no usable one. `content`: a digest of all that identifies the row. `origin`: the
    reseller; None when nobody is named. `accepted`: it was in doubt, and its line was accepted. `note`: its texts.
    """

    line: int
    reference: str | None
    kind: PaymentKind
    amount: Decimal
    paid_at: datetime
    content: str
    origin: UUID | None
    accepted: bool = False
    note: str = ""


@dataclass(frozen=True, slots=True)
class Doubt:
    """A row that is not taken as it is; `lines`: all lines that are concerned."""

    line: int
    lines: tuple[int, ...]
    why: str


@dataclass(frozen=True, slots=True)
class RowReading:
    """What a row turned out to be: to be taken, in doubt, or skipped with a reason."""

    line: int
    row: ParsedRow | None = None
    doubt: str | None = None
    skipped: str | None = None


@dataclass(frozen=True, slots=True)
class RowReader:
    """Reads the rows of a file of one layout for one programme. Payments after `now` are refused."""

    layout: Layout
    programme: Programme
    now: datetime
    order: DayOrder | None
    reseller: Reseller
    accepted: frozenset[int] = frozenset()
    left_out: frozenset[int] = frozenset()

    def read(self, fields: RowFields) -> RowReading:
        """Read a row."""
        if fields.line in self.left_out:
            return RowReading(fields.line, skipped="left out")
        movement = self.layout.movement(fields.values.get(Role.KIND, ""))
        if fields.skipped or movement in {Movement.TRANSFER, Movement.FEE}:
            return RowReading(fields.line, skipped=fields.skipped or str(movement))
        problem = fields.problem
        if problem is None:
            try:
                return self.judged(fields, movement)
            except Unreadable as error:
                problem = str(error)
        return RowReading(fields.line, doubt=f"{problem} ({HELPLESS})" if fields.line in self.accepted else problem)

    def judged(self, fields: RowFields, movement: Movement | None) -> RowReading:
        """Return the row with what is doubtful about it. Raises Unreadable."""
        money = self.money(fields)
        if not money.amount:
            if self.layout.skips_zero:
                return RowReading(fields.line, skipped="no money moved")
            raise Unreadable("the amount is zero")
        kind, odd = self.kind(fields, movement, money)
        paid_at = self.paid_at(fields)
        origin = self.reseller(fields)
        unnamed = origin if isinstance(origin, str) else None
        doubts = [
            why for why in (pending(fields, self.layout), money.doubt, odd, self.parts(fields, money), unnamed) if why
        ]
        taken = fields.line in self.accepted
        if doubts and not taken:
            return RowReading(fields.line, doubt="; ".join(doubts))
        reference = usable(self.reference(fields))
        content = digest(paid_at, kind, money.amount, fields.texts)
        note = " · ".join(fields.texts)[:NOTE_LENGTH]
        known_origin = None if isinstance(origin, str) else origin
        row = ParsedRow(fields.line, reference, kind, money.amount, paid_at, content, known_origin, taken, note)
        return RowReading(fields.line, row)

    def money(self, fields: RowFields) -> Sum:
        """Return the amount of a row with its sign. Raises Unreadable, also for another currency."""
        values, style = fields.values, self.layout.number
        cell, debit, credit = (values.get(role, "") for role in (Role.AMOUNT, Role.DEBIT, Role.CREDIT))
        if not cell and bool(debit) == bool(credit):
            raise Unreadable("the row has no amount" if not debit else "the row has a debit and a credit")
        money = read_sum(cell or debit or credit, self.programme.currency, style)
        code = currency_code(values.get(Role.CURRENCY, "")) or self.layout.currency or self.programme.currency
        for currency in (money.currency or code, code):
            if currency != self.programme.currency:
                message = f"the currency {currency} differs from the programme's currency {self.programme.currency}"
                raise Unreadable(message)
        if not cell:
            if credit and money.negative:
                raise Unreadable(f"the credit {credit!r} is negative")
            return Sum(money.amount, bool(debit), money.currency, money.doubt)
        return Sum(money.amount, self.side(fields, money), money.currency, money.doubt)

    @staticmethod
    def side(fields: RowFields, money: Sum) -> bool:
        """Return whether money went out: by the sign, or by a column with S (debit) or H (credit)."""
        if Role.SIDE not in fields.values:
            return money.negative
        side = fields.values[Role.SIDE].upper()
        if side not in {"S", "H"} or money.negative:
            raise Unreadable(f"{side!r} is neither S nor H")
        return side == "S"

    def kind(self, fields: RowFields, movement: Movement | None, money: Sum) -> tuple[PaymentKind, str | None]:
        """Return the kind of a row, by its type or else its sign, and why that is doubtful. Raises Unreadable."""
        by_sign = PaymentKind.REFUND if money.negative else PaymentKind.PAYMENT
        word = fields.values.get(Role.KIND, "")
        odd: str | None
        match movement:
            case Movement.REFUND | Movement.CHARGEBACK if money.negative or not self.layout.signed:
                by_sign, odd = OUT[movement], None
            case Movement.REFUND | Movement.CHARGEBACK:
                odd = f"money came in, but the type {word!r} says that it went out"
            case Movement.PAYMENT:
                odd = f"money went out, but the type {word!r} is that of a payment" if money.negative else None
            case Movement.BANK_FEE | Movement.FEE | Movement.TRANSFER:
                odd = f"the type {word!r} is {movement}"
            case Movement.OTHER:
                odd = f"the type {word!r} is {movement}: known are payment, refund and chargeback"
            case None:
                odd = f"the type {word!r} is unknown" if self.layout.typed and word else None
            case _ as unreachable:
                assert_never(unreachable)
        return by_sign, odd

    def paid_at(self, fields: RowFields) -> datetime:
        """Return the instant of a row, in UTC. Raises Unreadable, also for the future."""
        values, order, form = fields.values, self.order, self.layout.date
        wall = read_wall(values.get(Role.DAY) or values.get(Role.VALUE_DAY, ""), order, form)
        zone = read_zone(values[Role.ZONE]) if values.get(Role.ZONE) else UTC if fields.utc else self.programme.zone
        if wall.time is None and values.get(Role.TIME):
            wall = Wall(wall.day, read_clock(values[Role.TIME]))
        instant = wall.instant(self.programme.zone if wall.time is None else zone)
        if instant > self.now:
            raise Unreadable(f"{instant.isoformat()} is in the future; the current time is {self.now.isoformat()}")
        return instant

    def parts(self, fields: RowFields, money: Sum) -> str | None:
        """Return what a row says about parts of its amount: a returned debit with fees, a payment partly refunded."""
        original, refunded = fields.values.get(Role.ORIGINAL), fields.values.get(Role.REFUNDED)
        currency, style = self.programme.currency, self.layout.number
        if original and read_sum(original, currency, style).amount != money.amount:
            return f"the amount contains fees: the debit that was returned was {original}"
        if refunded and read_sum(refunded, currency, style).amount:
            return f"{refunded} of it was refunded, on a day that the file does not say"
        return None

    def reference(self, fields: RowFields) -> str:
        """Return the reference as the file has it."""
        text = fields.values.get(Role.REFERENCE, "")
        if self.layout.reference_in is None:
            return text
        match = self.layout.reference_in.search(text)
        return match[1] if match else ""


def pending(fields: RowFields, layout: Layout) -> str | None:
    """Return why a row is not booked yet, or may never be."""
    status = fields.values.get(Role.STATUS, "")
    word = fold(status)
    if layout.settled is None or not status or word in layout.settled:
        return None
    return f"pending: {status!r}" if PENDING.search(word) else f"the state {status!r} is not that of a booked row"


def usable(text: str) -> str | None:
    """Return a reference, normalised, that can identify a payment; None when it is a filler."""
    if text.casefold().strip() in NO_REFERENCE or ROUNDED_BY_EXCEL.fullmatch(text.strip()):
        return None
    try:
        return normalize_reference(text)
    except Invalid:
        return None


def digest(paid_at: datetime, kind: PaymentKind, amount: Decimal, texts: tuple[str, ...]) -> str:
    """Return a digest of what identifies a row, the same in every export."""
    words = (" ".join(unicodedata.normalize("NFC", text).split()) for text in texts)
    return sha256("\x1f".join((paid_at.isoformat(), kind, f"{amount:f}", *words)).encode()).hexdigest()[:32]
