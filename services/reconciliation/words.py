"""What a gap says, and what would mend it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, Final

from models.reconciliation import GapKind

DETAILS: Final[Mapping[GapKind, str]] = MappingProxyType(
    {
        GapKind.TRIAL_END: "The trial of {account} ends at {at}, and no job ends it.",
        GapKind.QUOTA_MAIL: "{account} came to {threshold} of {metric} at {at}; no mail was posted, no job posts it.",
        GapKind.QUOTA_DIGEST: "{count} notices of the hour of {at} wait for the digest of {account}; no job makes it.",
        GapKind.CHARGE_DUE: "{code} of {account} is due on {day}; it is not charged and no job charges it.",
        GapKind.CHARGE_GONE: "The charge of {code} of {account} for the period from {day} was made and is gone.",
        GapKind.OFFER_DELIVERY: "An offer to {account} waits, and no job delivers it; last error: {error}.",
        GapKind.OFFER_EXPIRY: "An open offer to {account} expires at {at}, and no job closes it.",
        GapKind.MAIL_UNSENT: "A mail {template} to {account} of {at} is queued, and no job sends it.",
        GapKind.MAIL_GONE: "A mail posted at {at} is not in the log; known from: {by}.",
        GapKind.DISCOUNT_RUN: "{programme} has no discounts of {day}: {state} run, and no job makes one.",
        GapKind.DISCOUNT: "No discount is recorded of {account}, though the run of {day} is done.",
        GapKind.OCCURRENCE: "The schedule {schedule} has no occurrence for {slot}.",
    }
)
REMEDIES: Final[Mapping[GapKind, str]] = MappingProxyType(
    {
        GapKind.TRIAL_END: "Enqueue the job that ends the trial.",
        GapKind.QUOTA_MAIL: "Enqueue the job that posts the mail.",
        GapKind.QUOTA_DIGEST: "Enqueue the job that makes the digest.",
        GapKind.CHARGE_DUE: "Enqueue the charging of the programme.",
        GapKind.CHARGE_GONE: "Restore the charge from its event, as it was.",
        GapKind.OFFER_DELIVERY: "Retry the delivery, or cancel the offer.",
        GapKind.OFFER_EXPIRY: "Enqueue the job that closes the offer.",
        GapKind.MAIL_UNSENT: "Enqueue the job that sends the mail.",
        GapKind.MAIL_GONE: "Nobody can tell what it said: look in a backup, tell the addressee, then accept the gap.",
        GapKind.DISCOUNT_RUN: "Enqueue a run for today.",
        GapKind.DISCOUNT: "Enqueue the recomputation of the reseller.",
        GapKind.OCCURRENCE: "Enqueue the task for that slot; it runs once, also when it ran before.",
    }
)


def detail(kind: GapKind, facts: Mapping[str, Any]) -> str:
    """The sentence of a gap; instants in UTC."""
    return DETAILS[kind].format_map({name: _said(name, value) for name, value in facts.items()})


def _said(name: str, value: object) -> object:
    if name != "at" or not isinstance(value, str):
        return value
    return datetime.fromisoformat(value).astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")
