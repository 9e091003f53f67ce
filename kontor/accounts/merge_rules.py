"""Conflicts between two resellers when one is merged into the other (programme.md 2.6)."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from itertools import count
from uuid import UUID


def renamed_templates(moved: Collection[str], existing: Collection[str], reseller: str) -> Mapping[str, str]:
    """Return new names for moved templates whose name is taken: the reseller's name is appended in parentheses.

    If that name is taken too, a number follows.
    """
    taken = {*moved, *existing}
    renamed: dict[str, str] = {}
    for name in sorted(set(moved) & set(existing)):
        candidates = (f"{name} ({reseller})" + (f" {number}" if number > 1 else "") for number in count(1))
        renamed[name] = next(candidate for candidate in candidates if candidate not in taken)
        taken.add(renamed[name])
    return renamed


@dataclass(frozen=True, slots=True)
class SharedAssignment:
    """A client's running assignment under a reseller subscription that serves one client only."""

    subscription: str
    product: str
    account_id: UUID
    account: str
    reseller_id: UUID


def subscription_conflicts(held: Iterable[SharedAssignment]) -> Mapping[str, list[SharedAssignment]]:
    """Return the subscriptions that several resellers of a merge hold, with their assignments; they prevent it."""
    by_code: dict[str, list[SharedAssignment]] = {}
    for assignment in held:
        by_code.setdefault(assignment.subscription, []).append(assignment)
    return {code: group for code, group in sorted(by_code.items()) if len({each.reseller_id for each in group}) > 1}
