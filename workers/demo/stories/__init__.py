"""Every story; those that kill and pause come first, those that look at everything last."""

from typing import Final

from workers.demo.stories import learning, learning_mishaps

STORIES: Final = (*learning_mishaps.STORIES, *learning.STORIES)
