"""How a product is provisioned: the task types of its verbs, the schema of its config, its term and renewal."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from pydantic import JsonValue

from kontor.kernel.states import Renewal, ServiceVerb
from kontor.kernel.terms import Duration, parse_term


MOST_TERMS: Final = 12
"""An order's term is at most this many terms of the product."""


@dataclass(frozen=True, slots=True)
class ProvisioningRules:
    """The keys `provisioning`, `config`, `term`, `renewal` and `grace` of a product.

    `term`: a duration such as `P1M`, None for a service without an end. `grace`: days after its end before a service
    that was not renewed is suspended.
    """

    tasks: Mapping[ServiceVerb, str] = field(default_factory=dict)
    config: Mapping[str, JsonValue] | None = None
    term: str | None = None
    renewal: Renewal = Renewal.MANUAL
    grace: int = 0

    def multiple_of(self, term: str) -> int | None:
        """Return how many terms of the product another term is; None unless it is 1 to 12 of them, whole."""
        if self.term is None:
            return None
        own, other = parse_term(self.term), parse_term(term)
        if not isinstance(own, Duration) or not isinstance(other, Duration):
            return None
        multiples = (n for n in range(1, MOST_TERMS + 1) if (own.months * n, own.days * n) == (other.months, other.days))
        return next(multiples, None)
