"""What a merge would do, or did: the same shape for both, so that they can be compared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from domain.merging import Held
from domain.money import Money


@dataclass(frozen=True, slots=True)
class Report:
    """Turnover and tier are those of the reseller that stays; `counts` is how much of everything moves.

    `clashes` are templates and their new names. `conflicts` forbid the merge: who holds a subscription
    that serves one client only. `managed_products` keep naming the merged reseller in the programme file.
    """

    reseller_id: UUID
    into: UUID
    turnover_before: Money
    turnover_after: Money
    tier_before: str | None
    tier_after: str | None
    counts: Mapping[str, int]
    clashes: Mapping[str, str]
    conflicts: Mapping[str, Sequence[Held]]
    managed_products: Sequence[str]

    def document(self) -> dict[str, Any]:
        """The JSON shape, ids as text: the answer of a dry run and the result of the job."""
        return {
            "reseller_id": str(self.reseller_id),
            "into": str(self.into),
            "turnover_before": self.turnover_before.to_document(),
            "turnover_after": self.turnover_after.to_document(),
            "tier_before": self.tier_before,
            "tier_after": self.tier_after,
            **self.counts,
            "clashes": [{"template": old, "becomes": new} for old, new in self.clashes.items()],
            "conflicts": [_conflict(code, whom) for code, whom in self.conflicts.items()],
            "managed_products": list(self.managed_products),
        }


def _conflict(subscription: str, whom: Sequence[Held]) -> dict[str, Any]:
    held = [
        {
            "account_id": str(one.account_id),
            "account": one.account,
            "reseller_id": str(one.reseller_id),
            "product": one.product,
        }
        for one in whom
    ]
    return {"subscription": subscription, "held": held}
