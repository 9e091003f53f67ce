"""Names instead of codes in the facts of a mail, in the reader's language (programme.md 3.6)."""

from collections.abc import Mapping
from typing import Final

from kontor.programme.model import Programme

METRIC: Final = "metric"
FAMILY: Final = "family"
TIERS: Final = frozenset({"before", "now", "after", "tier", "next_tier", "tier_before", "tier_after"})
"""Facts that hold a tier's general name; what is no tier's name stays as it is."""


def with_names(facts: Mapping[str, object], programme: Programme, locale: str) -> dict[str, object]:
    """Return the facts with names for the codes of metrics and families, and with tiers' names in a locale."""
    return {key: _named(key, value, programme, locale) for key, value in facts.items()}


def _named(key: str, value: object, programme: Programme, locale: str) -> object:
    match value:
        case Mapping():
            return with_names(value, programme, locale)
        case list() | tuple():
            return [_named(key, inner, programme, locale) for inner in value]
        case str() if value and key == METRIC:
            return programme.metric_name(value, locale)
        case str() if value and key == FAMILY:
            return programme.family_name(value, locale)
        case str() if key in TIERS:
            return programme.tier_name(value, locale)
        case _:
            return value
