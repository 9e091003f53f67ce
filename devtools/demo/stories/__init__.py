"""Every story; those that kill and pause come first, those that look at everything last."""

from typing import Final

from devtools.demo.stories import booking, hosting, learning, telephony

STORIES: Final = (
    *learning.MISHAP_STORIES,
    *learning.LEARNING_STORIES,
    *booking.BOOKING_STORIES,
    *booking.NAME_STORIES,
    *hosting.STORIES,
    *telephony.TELEPHONY_STORIES,
    *telephony.COMMON_STORIES,
)
