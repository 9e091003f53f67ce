"""Facts of the mails about trials and quotas."""

from typing import Literal

from mail.facts import AccountFacts, Count, Day, Facts, Instant, Line


class TrialStarted(AccountFacts):
    """`trial-started`: `metric` and `limit` are the free plan's; None: no limit."""

    ends_at: Instant
    metric: Line = ""
    limit: Count | None = None


class TrialReminder(TrialStarted):
    """`trial-reminder`: link `unsubscribe`."""

    days: Count


class TrialEnded(AccountFacts):
    """`trial-ended`: `read_only` if usage exceeds the free plan's limit."""

    ended_at: Instant
    metric: Line = ""
    value: Count = 0
    limit: Count | None = None
    read_only: bool = False


class Quota(AccountFacts):
    """`quota-*`: `undeliverable_to` is the suppressed To address if only the reseller gets the mail."""

    metric: Line
    value: Count
    limit: Count
    percent: Count
    resets_on: Day | None = None
    read_only: bool = False
    undeliverable_to: Line = ""


class DigestLine(AccountFacts):
    """A quota mail of which the reseller got no copy."""

    threshold: Literal["warning", "reached", "exceeded"]
    metric: Line
    value: Count
    limit: Count


class QuotaDigest(Facts):
    """`quota-digest`: the quota mails of one clock hour; link `unsubscribe`."""

    starts_at: Instant
    ends_at: Instant
    notices: tuple[DigestLine, ...]
