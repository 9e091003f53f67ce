"""Processes that are stopped with SIGSTOP, and the leaders among them."""

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager

from tests.faults.fleet import Fleet, Member
from tests.faults.recovery import owner

LEADER = "SELECT pid FROM leaders WHERE role = %s AND holder IS NOT NULL AND expires_at > clock_timestamp()"
AWAKE = "SELECT FROM processes WHERE pid = %s AND NOT leads AND beat_at > clock_timestamp() - interval '1 s'"
BEATS = "SELECT count(*) FROM processes WHERE role = %s AND beat_at > clock_timestamp() - interval '2 s'"


def has_leader(made: Fleet, role: str, processes: int) -> bool:
    """Whether one leads and that many are present."""
    return bool(made.ask(LEADER, [role])) and int(made.ask(BEATS, [role])[0][0]) >= processes


def leader_of(made: Fleet, role: str) -> Member:
    return owner(made, made.ask(LEADER, [role])[0][0])


def stands_by(made: Fleet, member: Member) -> bool:
    """Whether a process beats and does not lead."""
    return bool(made.ask(AWAKE, [member.pid]))


@contextmanager
def stopped(member: Member) -> Iterator[float]:
    """SIGSTOP for the length of the block; yields when it was sent, in monotonic seconds."""
    member.send_signal(signal.SIGSTOP)
    try:
        yield time.monotonic()
    finally:
        member.send_signal(signal.SIGCONT)
