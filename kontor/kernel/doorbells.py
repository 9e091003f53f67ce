"""Doorbells: messages between relay and workers through the broker."""

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Final, Protocol
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Doorbell:
    """A doorbell: ids of queued jobs of one task. `urgent` skips the queue; `time_limit` in milliseconds."""

    id: str
    queue: str
    task: str
    ids: tuple[UUID, ...]
    urgent: bool = False
    time_limit: int = 300_000


HANDED_BACK: Final = -1
"""Instead of a number of claimed jobs: none was tried, and they may be dispatched again at once."""
# A relay of an older release reads the seconds of claimed jobs only.
UNKNOWN_TASK = -1.0
NEWER_PAYLOAD = -2.0


@dataclass(frozen=True, slots=True)
class DoorbellResult:
    """Result of a doorbell: number of claimed jobs and total handler time in seconds.

    `seconds` of a refused doorbell is UNKNOWN_TASK or NEWER_PAYLOAD: the worker's release cannot run its jobs.
    """

    bell_id: str
    claimed: int
    seconds: float

    @property
    def refused(self) -> bool:
        """Whether the worker's release does not support the jobs."""
        return self.seconds < 0


@dataclass(frozen=True, slots=True)
class RelayEvents:
    """Events that woke the relay: doorbell results, and whether new jobs were hinted at."""

    answers: tuple[DoorbellResult, ...]
    new_jobs: bool


Offers = Mapping[tuple[str, str], int]
"""How many jobs were set aside for pull workers, by task and tenant."""


def offer_json(offers: Offers) -> str:
    """Return the JSON form of offers."""
    return json.dumps([[task, tenant, count] for (task, tenant), count in offers.items()])


def decode_offers(text: str | bytes) -> Offers:
    """Return the offers of `offer_json`."""
    return {(task, tenant): count for task, tenant, count in json.loads(text)}


class PullHints(Protocol):
    """Hints to waiting pull workers that jobs are there for them; a hint may be lost."""

    def listening(self, heard: Callable[[Offers], None]) -> AbstractContextManager[None]:
        """Call `heard` in another thread for each hint, until the end of the block."""


class DoorbellUnavailable(Exception):
    """The broker cannot be reached."""


class DoorbellReset(Exception):
    """The broker lost its data: every doorbell must be rung again."""


class DoorbellChannel(Protocol):
    """The relay's interface to the broker."""

    def begin(self) -> None:
        """Start an epoch: delete every doorbell in the broker. Raises DoorbellUnavailable."""

    def ring(self, bells: Sequence[Doorbell]) -> None:
        """Publish doorbells in one round trip. Raises DoorbellUnavailable, DoorbellReset."""

    def listen(self, seconds: float) -> RelayEvents:
        """Wait up to `seconds` for results or a hint. Raises DoorbellUnavailable, DoorbellReset."""

    def reclaim(self, worker: str) -> tuple[Doorbell, ...]:
        """Remove and return the doorbells that a dead worker had taken. Raises DoorbellUnavailable."""

    def waiting(self, queue: str, workers: Sequence[str]) -> frozenset[str]:
        """Return the ids of the doorbells in a queue and taken from it by these workers. Raises DoorbellUnavailable."""

    def discard(self, bell: Doorbell, workers: Sequence[str]) -> None:
        """Remove a doorbell from what these workers have taken. Raises DoorbellUnavailable."""

    def holders(self) -> frozenset[str]:
        """Return some workers that have taken doorbells; repeated calls return all. Raises DoorbellUnavailable."""

    def offer(self, offers: Offers) -> None:
        """Hint to waiting pull workers that jobs are there for them. Raises DoorbellUnavailable."""
