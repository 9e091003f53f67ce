"""Which of a reseller's clients a list or export has, and in which order."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from kontor.kernel.validation import name_key

LONGEST_SEARCH: Final = 200


class ClientState(StrEnum):
    """What a filter of the list asks for; several are all asked for."""

    OVER_QUOTA = "over_quota"
    READ_ONLY = "read_only"
    TRIAL = "trial"
    OPEN_OFFER = "open_offer"
    NO_INSTANCE = "no_instance"
    SUSPENDED = "suspended"
    DELETED = "deleted"


BY_USAGE: Final = frozenset({ClientState.OVER_QUOTA, ClientState.READ_ONLY})
"""More is used than one of the limits allows, which makes an account read-only."""


class ClientSort(StrEnum):
    """The order of the list."""

    NAME = "name"
    NEWEST = "newest"
    TRIAL_ENDS = "trial_ends"


@dataclass(frozen=True, slots=True)
class ClientFilter:
    """Filter and order; None, and no states, match any."""

    search: str | None = None
    plan: str | None = None
    states: frozenset[ClientState] = frozenset()
    sort: ClientSort = ClientSort.NAME

    @property
    def by_usage(self) -> bool:
        """Whether it asks for what a client uses, which `FILTER` does not know."""
        return bool(self.states & BY_USAGE)

    def params(self) -> dict[str, object]:
        """Return the parameters of `FILTER`, besides the instant `now`."""
        typed = (self.search or "")[:LONGEST_SEARCH]
        escaped = name_key(typed).replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
        return {
            "search": f"%{escaped}%" if typed else None,
            "plan": self.plan,
            "states": sorted(state.value for state in self.states - BY_USAGE),
        }


FILTER: Final = """
 AND (a.deleted_at IS NOT NULL) = ('deleted' = ANY({states}))
 AND ({plan} IS NULL OR a.plan = {plan})
 AND ({search} IS NULL OR a.name_key LIKE {search} OR a.email_key LIKE {search})
 AND ('trial' <> ALL({states}) OR (a.trial_state = 'running' AND a.trial_ends_at > {now}))
 AND ('open_offer' <> ALL({states}) OR EXISTS (
  SELECT FROM offers AS f WHERE f.account_id = a.id AND f.reseller_id = a.reseller_id AND f.expires_at > {now}
  AND f.state IN ('waiting', 'waiting_for_confirmation')))
 AND ('no_instance' <> ALL({states}) OR NOT EXISTS (SELECT FROM instances AS i WHERE i.account_id = a.id))
 AND ('suspended' <> ALL({states}) OR a.suspended)
"""
"""Conditions on `accounts AS a`; the names in braces stand for parameters with their types."""
