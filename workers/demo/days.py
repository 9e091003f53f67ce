"""The days on which the stories meet: whoever waits for the same instant shares one move of the clock."""

from datetime import UTC, datetime, timedelta
from typing import Final

START: Final = datetime(2026, 1, 20, 8, 0, tzinfo=UTC)
"""A Tuesday morning in Paris and Berlin, 11:00 in Moscow, 03:00 in New York."""

NEXT_DAY: Final = START + timedelta(days=1)
THREE_DAYS_LEFT: Final = START + timedelta(days=4)
ONE_DAY_LEFT: Final = START + timedelta(days=6)
TRIALS_END: Final = START + timedelta(days=7)
LAST_OF_JANUARY: Final = datetime(2026, 1, 31, 17, 0, tzinfo=UTC)
FIFTH_OF_FEBRUARY: Final = datetime(2026, 2, 5, 9, 0, tzinfo=UTC)
THIRTY_DAYS_ON: Final = START + timedelta(days=30, hours=3)
LAST_OF_FEBRUARY: Final = datetime(2026, 2, 28, 18, 0, tzinfo=UTC)
FIRST_OF_APRIL: Final = datetime(2026, 4, 1, 12, 0, tzinfo=UTC)


def minutes_in(number: int) -> datetime:
    """So many minutes after the start."""
    return START + timedelta(minutes=number)


HOUR_LATER: Final = minutes_in(60)

CALENDAR: Final = (
    HOUR_LATER,
    NEXT_DAY,
    THREE_DAYS_LEFT,
    ONE_DAY_LEFT,
    TRIALS_END,
    LAST_OF_JANUARY,
    FIFTH_OF_FEBRUARY,
    THIRTY_DAYS_ON,
    LAST_OF_FEBRUARY,
    FIRST_OF_APRIL,
)
"""What the progress bar counts besides the stories."""
