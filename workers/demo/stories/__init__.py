"""Every story; those that kill and pause come first, those that look at everything last."""

from typing import Final

from workers.demo.stories import booking, booking_names, everywhere, hosting, learning, learning_mishaps, telephony

STORIES: Final = (
    *learning_mishaps.STORIES,
    *learning.STORIES,
    *booking.STORIES,
    *booking_names.STORIES,
    *hosting.STORIES,
    *telephony.STORIES,
    *everywhere.STORIES,
)
