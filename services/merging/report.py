"""Report of a merge: the same shape for preview and result, so they can be compared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from domain.merging import Held
from domain.money import Money


@dataclass(frozen=True, slots=True)
class Report:
    """Turnover and tier of the remaining reseller, and `counts` of the rows that move.

    `clashes` maps templates to their new names. `conflicts` block the merge: they list clients with a subscription
    that is limited to one client. `managed_products` still name the merged reseller in the programme file.
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
        """Return the JSON shape, ids as text: the response to a preview and the result of the job."""
        return {
            "reseller_id": str(self.reseller_id),
            "into": str(self.into),
            "turnover_before": self.turnover_before.to_document(),
            "turnover_after": self.turnover_after.to_document(),
            "tier_before": self.tier_before,
            "tier_after": self.tier_after,
            **self.counts,
            "clashes": [{"template": old, "becomes": new} for old, new in self.clashes.items()],
            "conflicts": [_conflict(code, clients) for code, clients in self.conflicts.items()],
            "managed_products": list(self.managed_products),
        }


def _conflict(subscription: str, clients: Sequence[Held]) -> dict[str, Any]:
    entries = [
        {
            "account_id": str(client.account_id),
            "account": client.account,
            "reseller_id": str(client.reseller_id),
            "product": client.product,
        }
        for client in clients
    ]
    return {"subscription": subscription, "held": entries}
