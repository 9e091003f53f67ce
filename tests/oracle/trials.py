"""Trials (programme.md 4.2-4.4)."""

from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass
class Trial:
    """The only trial of an account."""

    started: datetime
    ends: datetime
    converted: bool = False
    closed_at: datetime | None = None

    def state(self, now: datetime) -> str:
        """The state on reading."""
        if self.converted:
            return "converted"
        if self.closed_at is not None or now >= self.ends:
            return "expired"
        return "running"

    def end_shown(self) -> datetime:
        """The shown end: for a closed account, when it was closed."""
        if self.closed_at is not None and self.closed_at < self.ends:
            return self.closed_at
        return self.ends


def begin(days: int, now: datetime) -> Trial:
    """Start a trial; a day is 24 hours."""
    return Trial(now, now + timedelta(hours=24 * days))


def reminders(trial: Trial, leads: tuple[int, ...]) -> list[datetime]:
    """The due instants of reminders; none in the first half."""
    middle = trial.started + (trial.ends - trial.started) / 2
    instants = [trial.ends - timedelta(hours=24 * lead) for lead in leads]
    return sorted(at for at in instants if at >= middle)


def identity(email: str, name: str, reseller_email: str | None) -> tuple[str, str]:
    """The identity of a trial: the admin address, or the name if that address is the reseller's own."""
    if reseller_email is not None and reseller_email.casefold() == email.casefold():
        return "name", name.casefold()
    return "address", email.casefold()
