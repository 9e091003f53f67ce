"""Payloads of usage: quota mails and digests, changed limits, trials."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import ClassVar, Final
from uuid import UUID

from pydantic import field_validator

from kontor.engine.catalogue import Count, Instant, Payload, Policy, ProgrammeCode, isolated_policy

QUEUE: Final = "programme"
DIGEST: Final = "quotas.digest"
END: Final = "trials.end"
REMIND: Final = "trials.remind"


class QuotasNotify(Payload):
    """Mail a notice to the account's admin; the reseller gets a copy now or in the digest."""

    policy: ClassVar[Policy] = isolated_policy("quotas.tell", QUEUE)

    notice_id: UUID


class QuotasDigest(Payload):
    """Mail a reseller the copies held back in a clock hour, after the hour."""

    policy: ClassVar[Policy] = isolated_policy(DIGEST, QUEUE, timedelta(minutes=15))

    reseller_id: UUID
    hour: Instant

    @field_validator("hour")
    @classmethod
    def whole(cls, hour: datetime) -> datetime:
        """Refuse an instant that begins no hour of UTC."""
        if hour != hour.replace(minute=0, second=0, microsecond=0):
            raise ValueError("must be the beginning of an hour")
        return hour


class QuotasCheck(Payload):
    """Check accounts against the limits that a version changes; continues in another job while there are more.

    `number`, `follows`: the version and the one it replaced; without them every limit is checked.
    """

    policy: ClassVar[Policy] = isolated_policy("quotas.judge", QUEUE, timedelta(minutes=15))

    programme: ProgrammeCode
    after: UUID | None = None
    number: Count | None = None
    follows: Count | None = None


class TrialsEnd(Payload):
    """End a trial that is still running at its end."""

    policy: ClassVar[Policy] = isolated_policy(END, QUEUE)

    account_id: UUID


class TrialsRemind(Payload):
    """Remind of a trial's end; after an outage, one mail covers all missed reminders."""

    policy: ClassVar[Policy] = isolated_policy(REMIND, QUEUE, timedelta(minutes=30))

    account_id: UUID
