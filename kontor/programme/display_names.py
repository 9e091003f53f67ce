"""Names in place of codes for readers of pages and files, in one language (programme.md 3.6)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from kontor.programme.model import Programme

CONSOLE_LOCALE: Final = "en"
ALL_FAMILIES: Final = "*"


@dataclass(frozen=True, slots=True)
class DisplayNames:
    """What a reader sees of a programme's codes; a code that the file in force does not have stays as it is."""

    programme: Programme
    locale: str = CONSOLE_LOCALE

    def plan(self, code: str) -> str:
        """Return the name of a plan."""
        plan = self.programme.plans.get(code)
        return code if plan is None else plan.name_in(self.locale)

    def product(self, code: str) -> str:
        """Return the name of a product."""
        product = self.programme.products.get(code)
        return code if product is None else product.name_in(self.locale)

    def sold(self, code: str) -> str:
        """Return the name of a product or plan, as charges name both."""
        return self.product(code) if code in self.programme.products else self.plan(code)

    def metric(self, code: str) -> str:
        """Return the name of a metric."""
        return self.programme.metric_name(code, self.locale)

    def family(self, code: str) -> str:
        """Return the name of a product family."""
        return "all" if code == ALL_FAMILIES else self.programme.family_name(code, self.locale)

    def tier(self, name: str) -> str:
        """Return a tier's name by its general name."""
        return self.programme.tier_name(name, self.locale)

    def shares(self, percent: Mapping[str, object]) -> str:
        """Return percentages by product family, for example `Virtual servers 15 %, SSL certificates 3 %`."""
        return ", ".join(f"{self.family(family)} {share} %" for family, share in percent.items())

    def fact(self, key: str, value: object) -> object:
        """Return the name for the code that an event's fact holds, by the fact's key; other facts as they are."""
        named = {
            "plan": self.plan, "then_plan": self.plan, "product": self.sold, "code": self.sold, "metric": self.metric,
            "family": self.family, "tier": self.tier,
        }.get(key)  # fmt: skip
        return named(value) if named and isinstance(value, str) else value
