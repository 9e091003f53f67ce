"""When the discount of a reseller was recorded last: daily at 00:05, and at once when its payments change (6.4)."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING

from tests.oracle.days import wall_instant

if TYPE_CHECKING:
    from tests.oracle.oracle import Oracle

DAILY_RUN = timedelta(minutes=5)


def recompute(oracle: Oracle, label: str) -> None:
    """Its payments changed; while the processes are stopped, it waits."""
    if oracle.stopped is not None:
        oracle.memory.to_recompute.add(label)
    else:
        note(oracle, label, oracle.now)


def go_on(oracle: Oracle) -> None:
    """The processes run again."""
    for label in oracle.memory.to_recompute:
        note(oracle, label, oracle.now)
    oracle.memory.to_recompute.clear()


def begin_day(oracle: Oracle) -> None:
    """The daily run, also when it could only start late."""
    run = wall_instant(oracle.today(), time(0), oracle.rules.zone) + DAILY_RUN
    for reseller in oracle.memory.resellers():
        note(oracle, reseller.label, max(run, oracle.now))


def note(oracle: Oracle, label: str, at: datetime) -> None:
    """Note the later of two instants."""
    oracle.memory.recomputed[label] = max(at, oracle.memory.recomputed.get(label, at))
