"""Texts of gaps: description and remedy."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, Final

from models.reconciliation import GapKind

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
    }
)


def detail(kind: GapKind, facts: Mapping[str, Any]) -> str:
    """Return the description of a gap; instants in UTC."""
    return DETAILS[kind].format_map({name: _formatted(name, value) for name, value in facts.items()})


def _formatted(name: str, value: object) -> object:
    if name != "at" or not isinstance(value, str):
        return value
    return datetime.fromisoformat(value).astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")
