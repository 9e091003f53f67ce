"""Find what is missing now: run every check and count the schedules' occurrences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from types import MappingProxyType
from typing import Final
from zoneinfo import ZoneInfo

from sqlalchemy import text
from sqlalchemy.orm import Session

from kontor.engine.cron import Occurrence, occurrences
from kontor.kernel.ids import new_id
from kontor.kernel.zones import day_start, local_day
from kontor.programme.display_names import DisplayNames
from kontor.programme.model import TurnoverDiscount
from kontor.programme.service import Programmes, list_programmes
from kontor.reconciliation import queries
from kontor.reconciliation.check_queries import NIGHTLY, STATEMENTS
from kontor.reconciliation.queries import MissedSlot, NewGap
from models.control import Schedule
from models.reconciliation import GapKind

LIMIT: Final = 1_000
BEGINNING: Final = date(1900, 1, 1)
NIGHT_GRACE: Final = timedelta(minutes=30)
RECENT_SPAN: Final = timedelta(hours=25)
LONG_SPAN: Final = timedelta(days=62)
CHARGES_SPAN: Final = timedelta(days=10)


@dataclass(frozen=True, slots=True)
class CheckResult:
    """The gaps of one kind."""

    kind: GapKind
    gaps: tuple[NewGap, ...]

    @property
    def complete(self) -> bool:
        """Whether all gaps are listed; False when the limit was reached."""
        return len(self.gaps) < LIMIT


def run_checks(
    session: Session, programmes: Programmes, now: datetime, *, everything: bool = False
) -> list[CheckResult]:
    """Return the gaps of every kind, at most `LIMIT` each.

    `everything` checks all charges, the mails of two months instead of the last days, and the account books.
    """
    values = _parameters(session, programmes, now, everything=everything)
    statements = {**STATEMENTS, **NIGHTLY} if everything else STATEMENTS
    by_statement = [
        CheckResult(kind, _run_check(session, programmes, kind, sql, values)) for kind, sql in statements.items()
    ]
    return [*by_statement, CheckResult(GapKind.OCCURRENCE, tuple(_missing_occurrences(session, now))[:LIMIT])]


def _run_check(
    session: Session, programmes: Programmes, kind: GapKind, sql: str, values: Mapping[str, object]
) -> tuple[NewGap, ...]:
    rows = session.execute(text(sql), values)
    return tuple(
        NewGap(new_id(), row[0], describe(kind, _with_names(session, programmes, row[1])), row[2]) for row in rows
    )


def _with_names(session: Session, programmes: Programmes, facts: Mapping[str, object]) -> Mapping[str, object]:
    """Return the facts with names for the codes of their programme."""
    code = facts.get("programme")
    if not isinstance(code, str):
        return facts
    names = DisplayNames(programmes.current(session, code))
    return {**{key: names.fact(key, value) for key, value in facts.items()}, "programme": names.programme.name}


def _parameters(session: Session, programmes: Programmes, now: datetime, *, everything: bool) -> dict[str, object]:
    """Return the parameters of the statements. Nightly jobs count as missing after half an hour."""
    programmes_by_code = {row.code: programmes.current(session, row.code) for row in list_programmes(session)}
    days = {code: local_day(now - NIGHT_GRACE, programme.zone) for code, programme in programmes_by_code.items()}
    tiered = [
        code for code, programme in programmes_by_code.items() if isinstance(programme.discount, TurnoverDiscount)
    ]
    return {
        "now": now,
        "since": now - (LONG_SPAN if everything else RECENT_SPAN),
        "charged_since": BEGINNING if everything else (now - CHARGES_SPAN).date(),
        "limit": LIMIT,
        "codes": list(days),
        "days": list(days.values()),
        "tiered": tiered,
        "tiered_days": [days[code] for code in tiered],
        "tiered_starts": [day_start(days[code], programmes_by_code[code].zone) for code in tiered],
    }


def _missing_occurrences(session: Session, now: datetime) -> list[NewGap]:
    """Return slots of the last day without an occurrence, and older ones that are still missing."""
    recorded = queries.slots(session, now - RECENT_SPAN)
    missing = {
        (schedule.name, occurrence.slot): occurrence.due
        for schedule in queries.active_schedules(session)
        for occurrence in _expected_slots(schedule, now)
        if (schedule.name, occurrence.slot) not in recorded
    }
    missing_gaps = [_occurrence_gap(name, slot, due.isoformat()) for (name, slot), due in missing.items()]
    subjects = {gap.subject for gap in missing_gaps}
    for gap in queries.open_gaps(session, GapKind.OCCURRENCE):
        slot = MissedSlot.model_validate(gap.mend)
        if gap.subject not in subjects and not queries.has_occurrence(session, slot.schedule, slot.slot):
            missing_gaps.append(_occurrence_gap(slot.schedule, slot.slot, slot.due))
    return missing_gaps


def _expected_slots(schedule: Schedule, now: datetime) -> Sequence[Occurrence]:
    """Return the slots of the last day that the scheduler has processed since it knows the schedule."""
    assert schedule.expected_from is not None
    since = max(schedule.expected_from, now - RECENT_SPAN)
    until = min(schedule.checked_until, now)
    return occurrences(schedule.cron, ZoneInfo(schedule.timezone), since, until)[-300:] if until > since else ()


def _occurrence_gap(schedule: str, slot: str, due: str) -> NewGap:
    facts = {"schedule": schedule, "slot": slot, "due": due}
    return NewGap(new_id(), f"{schedule} {slot}", describe(GapKind.OCCURRENCE, facts), facts)


DETAILS: Final[Mapping[GapKind, str]] = MappingProxyType(
    {
        GapKind.TRIAL_END: "The trial of {account} ends at {at}, but no job will end it.",
        GapKind.QUOTA_MAIL: "{account} reached {threshold} of {metric} at {at}; no mail exists and no job posts it.",
        GapKind.QUOTA_DIGEST: "{count} notices of the hour of {at} wait for the digest of {account}; no job posts it.",
        GapKind.CHARGE_DUE: "{code} of {account} is due on {day}, but it is not charged and no job will charge it.",
        GapKind.CHARGE_GONE: "The charge of {code} of {account} for the period from {day} existed and is missing.",
        GapKind.OFFER_DELIVERY: "An offer to {account} is waiting, but no job will deliver it; last error: {error}.",
        GapKind.OFFER_EXPIRY: "An open offer to {account} expires at {at}, but no job will close it.",
        GapKind.MAIL_UNSENT: "A mail {template} to {account} of {at} is queued, but no job will send it.",
        GapKind.MAIL_GONE: "A mail posted at {at} is missing from the log; evidence: {by}.",
        GapKind.DISCOUNT_RUN: "{programme} has no discounts for {day}: {state} run, and no job will compute them.",
        GapKind.DISCOUNT: "No discount is recorded for {account}, although the run of {day} is done.",
        GapKind.OCCURRENCE: "The schedule {schedule} has no occurrence for {slot}.",
        GapKind.BOOK_LINE: "The {kind} of {amount} of {account}, entered at {at}, has no line in the account book.",
        GapKind.BOOK_AMOUNT: "The line of a {kind} of {account} of {at} is {amount}, but the {kind} is {fact}.",
        GapKind.BOOK_FACT: "The account book of {account} has a line for a {kind} of {amount} of {at} that is missing.",
        GapKind.STATEMENT_TOTAL: "The statement of {account} for {month} says {amount}; its lines in the account book"
        " add up to {fact}.",
    }
)
REMEDIES: Final[Mapping[GapKind, str]] = MappingProxyType(
    {
        GapKind.TRIAL_END: "Enqueue the job that ends the trial.",
        GapKind.QUOTA_MAIL: "Enqueue the job that posts the mail.",
        GapKind.QUOTA_DIGEST: "Enqueue the job that posts the digest.",
        GapKind.CHARGE_DUE: "Enqueue the job that charges the programme.",
        GapKind.CHARGE_GONE: "Restore the charge from its event.",
        GapKind.OFFER_DELIVERY: "Retry the delivery, or cancel the offer.",
        GapKind.OFFER_EXPIRY: "Enqueue the job that closes the offer.",
        GapKind.MAIL_UNSENT: "Enqueue the job that sends the mail.",
        GapKind.MAIL_GONE: "The content is lost: check a backup, inform the recipient, then accept the gap.",
        GapKind.DISCOUNT_RUN: "Enqueue a discount run for today.",
        GapKind.DISCOUNT: "Enqueue the job that recomputes the reseller's discount.",
        GapKind.OCCURRENCE: "Enqueue the task for that slot; it runs once, even if it ran before.",
        GapKind.BOOK_LINE: "Write the line.",
        GapKind.BOOK_AMOUNT: "Check both against a backup, correct the balance with a payment or refund, then accept.",
        GapKind.BOOK_FACT: "Check a backup, correct the balance with a payment or refund, then accept.",
        GapKind.STATEMENT_TOTAL: "Repair other gaps of the account book first; compare with a backup, tell the reseller"
        " what it owes, then accept.",
    }
)

MANUAL_ONLY: Final = frozenset({GapKind.MAIL_GONE, GapKind.BOOK_AMOUNT, GapKind.BOOK_FACT, GapKind.STATEMENT_TOTAL})


def can_repair(kind: GapKind) -> bool:
    """Whether Kontor can repair such a gap without guessing."""
    return kind not in MANUAL_ONLY


def describe(kind: GapKind, facts: Mapping[str, object]) -> str:
    """Return the description of a gap; instants in UTC."""
    return DETAILS[kind].format_map({name: _formatted(name, value) for name, value in facts.items()})


def _formatted(name: str, value: object) -> object:
    if name != "at" or not isinstance(value, str):
        return value
    return datetime.fromisoformat(value).astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")
