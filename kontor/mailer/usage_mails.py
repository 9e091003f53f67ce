"""Mails about trials and quotas: facts and samples."""

from typing import Final, Literal

from kontor.mailer.kinds import AccountFacts, Audience, Count, Day, Instant, Line, MailFacts, MailKind, sample_of


class TrialStartedFacts(AccountFacts):
    """`trial-started`: `metric` and `limit` are the free plan's; None: no limit."""

    ends_at: Instant
    metric: Line = ""
    limit: Count | None = None


class TrialReminderFacts(TrialStartedFacts):
    """`trial-reminder`: link `unsubscribe`."""

    days: Count


class TrialEndedFacts(AccountFacts):
    """`trial-ended`: `read_only` if usage exceeds the free plan's limit."""

    ended_at: Instant
    metric: Line = ""
    value: Count = 0
    limit: Count | None = None
    read_only: bool = False


class QuotaFacts(AccountFacts):
    """`quota-*`: `undeliverable_to` is the suppressed To address if only the reseller gets the mail."""

    metric: Line
    value: Count
    limit: Count
    percent: Count
    resets_on: Day | None = None
    read_only: bool = False
    undeliverable_to: Line = ""


class DigestLineFact(AccountFacts):
    """A quota mail of which the reseller got no copy."""

    threshold: Literal["warning", "reached", "exceeded"]
    metric: Line
    value: Count
    limit: Count


class QuotaDigestFacts(MailFacts):
    """`quota-digest`: the quota mails of one clock hour; link `unsubscribe`."""

    starts_at: Instant
    ends_at: Instant
    notices: tuple[DigestLineFact, ...]


FREE = {"metric": "Appointments", "limit": 50}
QUOTA = {**FREE, "resets_on": "2026-12-01"}
TRIAL_ENDS = "2026-11-28T08:30:00Z"
NOTICES = [
    {"account": f"Elbe {place}", "threshold": threshold, "value": value, **FREE}
    for place, threshold, value in (("Nord", "warning", 41), ("Mitte", "reached", 50), ("Süd", "exceeded", 57))
]
EXCEEDED_SAMPLE = sample_of(value=57, percent=114, read_only=True, undeliverable_to="old@elbe.example", **QUOTA)
DIGEST_SAMPLE = {"starts_at": "2026-11-21T08:00:00Z", "ends_at": "2026-11-21T09:00:00Z", "notices": NOTICES}
RESELLER, CLIENT = Audience.RESELLER, Audience.CLIENT
KINDS: Final = (
    MailKind("trial-started", TrialStartedFacts, CLIENT, sample=sample_of(ends_at=TRIAL_ENDS, **FREE)),
    MailKind(
        "trial-reminder", TrialReminderFacts, CLIENT, listed=True, sample=sample_of(ends_at=TRIAL_ENDS, days=3, **FREE)
    ),
    MailKind(
        "trial-ended",
        TrialEndedFacts,
        CLIENT,
        sample=sample_of(ended_at=TRIAL_ENDS, value=57, read_only=True, **FREE),
    ),
    MailKind("quota-warning", QuotaFacts, CLIENT, cc_reseller=True, sample=sample_of(value=41, percent=82, **QUOTA)),
    MailKind("quota-reached", QuotaFacts, CLIENT, cc_reseller=True, sample=sample_of(value=50, percent=100, **QUOTA)),
    MailKind("quota-exceeded", QuotaFacts, CLIENT, cc_reseller=True, sample=EXCEEDED_SAMPLE),
    MailKind("quota-digest", QuotaDigestFacts, RESELLER, listed=True, sample=DIGEST_SAMPLE),
)
