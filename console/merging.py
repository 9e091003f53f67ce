"""Several lists, each newest first, shown as one: pages that go on in each list where the last page ended."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from domain.paging import bad_cursor

BETWEEN: Final = "~"
Positions = Mapping[str, str]
"""By list, the place of the last entry that was shown of it."""


@dataclass(frozen=True, slots=True)
class Entry:
    """Something that happened. `place` is where it stands in its list; `about` is another account it concerns.

    `hidden`: another list tells the same, so it is passed over.
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
class Merged:
    """Entries, newest first, and the cursor of what follows; None at the end."""

    entries: Sequence[Entry]
    next: str | None


def merged(lists: Mapping[str, Sequence[Entry]], before: Positions, limit: int) -> Merged:
    """The newest `limit` of all lists; each holds up to `limit` + 1 entries from its place in `before` on.

    Lists keep their own order, whatever their clocks say, so no entry is lost or shown twice.
    """
    reached, at = dict(before), dict.fromkeys(lists, 0)
    shown: list[Entry] = []
    while len(shown) < limit:
        waiting = [name for name, entries in lists.items() if at[name] < len(entries)]
        if not waiting or any(at[name] == len(entries) > limit for name, entries in lists.items()):
            break
        name = max(waiting, key=lambda one: lists[one][at[one]].at)
        entry = lists[name][at[name]]
        at[name] += 1
        reached[name] = entry.place
        if not entry.hidden:
            shown.append(entry)
    more = any(at[name] < len(entries) or len(entries) > limit for name, entries in lists.items())
    return Merged(shown, written(reached) if more else None)


def written(positions: Positions) -> str:
    """Positions as a cursor."""
    return BETWEEN.join(f"{name}:{place}" for name, place in sorted(positions.items()))


def read(cursor: str | None, known: Sequence[str]) -> Positions:
    """The positions of a cursor. Raises Invalid for one that no page gave."""
    if cursor is None:
        return {}
    pairs = [part.partition(":") for part in cursor.split(BETWEEN)]
    if any(name not in known or not place for name, _, place in pairs):
        raise bad_cursor()
    return {name: place for name, _, place in pairs}
