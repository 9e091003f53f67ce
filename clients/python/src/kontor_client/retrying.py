"""Which calls are made again, and when."""

from __future__ import annotations

from dataclasses import dataclass
from random import uniform
from typing import Final

REPEATABLE: Final = frozenset({"GET", "HEAD", "PUT", "DELETE"})
"""Methods that have the same effect when a call is made twice; a POST has it by its Idempotency-Key."""
UNDONE: Final = frozenset({429, 503})
"""Answers that say that nothing was done."""
CLASHES: Final = frozenset({"busy", "idempotency_in_progress"})
"""Codes of a 409 that passes by itself."""


@dataclass(frozen=True, slots=True)
class Retry:
    """For how long calls are made again: `seconds` in all, with pauses from `base` doubled up to `cap` seconds."""

    seconds: float = 30.0
    base: float = 0.1
    cap: float = 5.0

    def pause(self, tried: int, retry_after: float | None = None) -> float:
        """Return the seconds until the next try; `tried` counts from 1. A server's Retry-After counts at least."""
        ceiling = min(self.cap, self.base * 2 ** (tried - 1))
        return max(uniform(ceiling / 2, ceiling), retry_after or 0.0)  # noqa: S311 -- no secret


NO_RETRY: Final = Retry(seconds=0.0)


def passes_by_itself(status: int, code: str) -> bool:
    """Whether an answer says that nothing was done and the same call may succeed soon."""
    return status in UNDONE or (status == 409 and code in CLASHES)


def seconds_of(retry_after: str | None) -> float | None:
    """Return the seconds of a Retry-After header; None for none or a date."""
    try:
        return None if retry_after is None else max(0.0, float(retry_after))
    except ValueError:
        return None
