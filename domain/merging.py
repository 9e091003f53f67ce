"""What two resellers have that cannot stand side by side when one is merged into the other (programme.md 2.6)."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from itertools import count
from uuid import UUID


def new_names(moved: Collection[str], there: Collection[str], reseller: str) -> Mapping[str, str]:
    """What templates are called after the move, for those whose name is taken: ` (A's name)` behind it.

    Should even that be taken, a number follows.
    """
    taken = {*moved, *there}
    found: dict[str, str] = {}
    for name in sorted(set(moved) & set(there)):
        candidates = (f"{name} ({reseller})" + (f" {number}" if number > 1 else "") for number in count(1))
        found[name] = next(candidate for candidate in candidates if candidate not in taken)
        taken.add(found[name])
    return found


@dataclass(frozen=True, slots=True)
class Held:
    """A client's running assignment under a reseller subscription that serves one client only."""

    subscription: str
    product: str
    account_id: UUID
    account: str
    reseller_id: UUID


def conflicts(held: Iterable[Held]) -> Mapping[str, list[Held]]:
    """The subscriptions that more than one reseller of a merge holds, and by whom; they forbid it."""
    found: dict[str, list[Held]] = {}
    for one in held:
        found.setdefault(one.subscription, []).append(one)
    return {code: whom for code, whom in sorted(found.items()) if len({one.reseller_id for one in whom}) > 1}
