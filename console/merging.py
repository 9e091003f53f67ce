"""Keyset merge of several lists, each newest first; a page continues each list where the last page ended."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from domain.paging import bad_cursor

BETWEEN: Final = "~"
Positions = Mapping[str, str]
"""By list, the position of the last entry that was shown."""


@dataclass(frozen=True, slots=True)
class TimelineEntry:
    """One row of activity. `place` is its position in its list; `about` is another account it concerns.

    `hidden`: another list has the same fact, so this one is skipped.
    """

    kind: str
    place: str
    at: datetime
    says: str
    detail: str = ""
    state: str | None = None
    link: str | None = None
    job: UUID | None = None
    about: UUID | None = None
    hidden: bool = False


@dataclass(frozen=True, slots=True)
class TimelinePage:
    """Entries, newest first, and the cursor of the next page; None at the end."""

    entries: Sequence[TimelineEntry]
    next: str | None


def merge(lists: Mapping[str, Sequence[TimelineEntry]], before: Positions, limit: int) -> TimelinePage:
    """Merge the newest `limit` entries; each list holds up to `limit` + 1 from its position in `before` on.

    Each list keeps its own order, whatever its timestamps, so that no entry is lost or shown twice.
    """
    reached, at = dict(before), dict.fromkeys(lists, 0)
    shown: list[TimelineEntry] = []
    while len(shown) < limit:
        waiting = [name for name, entries in lists.items() if at[name] < len(entries)]
        if not waiting or any(at[name] == len(entries) > limit for name, entries in lists.items()):
            break
        name = max(waiting, key=lambda key: lists[key][at[key]].at)
        entry = lists[name][at[name]]
        at[name] += 1
        reached[name] = entry.place
        if not entry.hidden:
            shown.append(entry)
    more = any(at[name] < len(entries) or len(entries) > limit for name, entries in lists.items())
    return TimelinePage(shown, format_cursor(reached) if more else None)


def format_cursor(positions: Positions) -> str:
    """Format positions as a cursor."""
    return BETWEEN.join(f"{name}:{place}" for name, place in sorted(positions.items()))


def parse_cursor(cursor: str | None, lists: Sequence[str]) -> Positions:
    """Parse a cursor. Raises Invalid for a malformed one."""
    if cursor is None:
        return {}
    pairs = [part.partition(":") for part in cursor.split(BETWEEN)]
    if any(name not in lists or not place for name, _, place in pairs):
        raise bad_cursor()
    return {name: place for name, _, place in pairs}
