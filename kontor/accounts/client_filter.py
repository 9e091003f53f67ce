"""Which of a reseller's clients a list or export has, and in which order."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from kontor.kernel.validation import name_key

LONGEST_SEARCH: Final = 200


class ClientState(StrEnum):
    """What a filter of the list asks for."""

    TRIAL = "trial"
    OPEN_OFFER = "open_offer"
    NO_INSTANCE = "no_instance"
    SUSPENDED = "suspended"
    DELETED = "deleted"


class ClientSort(StrEnum):
    """The order of the list."""

    NAME = "name"
    NEWEST = "newest"
    TRIAL_ENDS = "trial_ends"


@dataclass(frozen=True, slots=True)
class ClientFilter:
    """Filter and order; None matches any."""

    search: str | None = None
    plan: str | None = None
    state: ClientState | None = None
    sort: ClientSort = ClientSort.NAME

    def params(self) -> dict[str, object]:
        """Return the parameters of `FILTER`, besides the instant `now`."""
        typed = (self.search or "")[:LONGEST_SEARCH]
        escaped = name_key(typed).replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
        return {
            "search": f"%{escaped}%" if typed else None,
            "plan": self.plan,
            "state": None if self.state is None else self.state.value,
        }


FILTER: Final = """
 AND (a.deleted_at IS NOT NULL) = coalesce({state} = 'deleted', false)
 AND ({plan} IS NULL OR a.plan = {plan})
 AND ({search} IS NULL OR a.name_key LIKE {search} OR a.email_key LIKE {search})
 AND CASE {state}
  WHEN 'trial' THEN a.trial_state = 'running' AND a.trial_ends_at > {now}
  WHEN 'open_offer' THEN EXISTS (
   SELECT FROM offers AS f WHERE f.account_id = a.id AND f.reseller_id = a.reseller_id AND f.expires_at > {now}
   AND f.state IN ('waiting', 'waiting_for_confirmation'))
  WHEN 'no_instance' THEN NOT EXISTS (SELECT FROM instances AS i WHERE i.account_id = a.id)
  WHEN 'suspended' THEN a.suspended
  ELSE true END
"""
"""Conditions on `accounts AS a`; the names in braces stand for parameters with their types."""
