"""Doorbells: what the relay and the workers say to one another through the broker."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Bell:
    """One doorbell: ids of queued jobs of one task. `urgent` overtakes the queue; `time_limit` in ms."""

    id: str
    queue: str
    task: str
    ids: tuple[UUID, ...]
    urgent: bool = False
    time_limit: int = 300_000


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a bell: how many of its jobs were claimed, and seconds of handler time in all."""

    bell_id: str
    claimed: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Heard:
    """What woke the relay: answers, and whether somebody hinted at new work."""

    answers: tuple[Answer, ...]
    hinted: bool


class BellsDown(Exception):
    """The broker cannot be reached."""


class BellsForgotten(Exception):
    """The broker lost its memory: every doorbell has to be rung again."""


class Bells(Protocol):
    """The relay's side of the broker."""

    def begin(self) -> None:
        """Start an epoch: forget every bell in the broker. Raises BellsDown."""

    def ring(self, bells: Sequence[Bell]) -> None:
        """Publish in one round trip. Raises BellsDown, BellsForgotten."""

    def listen(self, seconds: float) -> Heard:
        """Wait for answers or a hint. Raises BellsDown, BellsForgotten."""

    def held_by(self, worker: str) -> tuple[Bell, ...]:
        """Take away what a dead worker had picked up. Raises BellsDown."""

    def waiting(self, bell: Bell, workers: Sequence[str]) -> bool:
        """Whether a bell still waits in the broker or with one of these workers. Raises BellsDown."""
