"""Masks what others answered: members with the name of a property that a schema marks as sensitive."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Final

from pydantic import JsonValue

MASK: Final = "***"


def masked(schema: Mapping[str, JsonValue], value: JsonValue) -> JsonValue:
    """Return a value without what a schema marks as `writeOnly`."""
    names = set(sensitive_names(schema))
    return without(value, names) if names else value


def sensitive_names(schema: JsonValue | Mapping[str, JsonValue]) -> Iterator[str]:
    """Yield the names of properties that a schema marks as `writeOnly`, at any depth."""
    if isinstance(schema, list):
        for each in schema:
            yield from sensitive_names(each)
    if not isinstance(schema, Mapping):
        return
    properties = schema.get("properties")
    for name, inner in properties.items() if isinstance(properties, Mapping) else ():
        if isinstance(inner, Mapping) and inner.get("writeOnly") is True:
            yield name
    for inner in schema.values():
        yield from sensitive_names(inner)


def without(value: JsonValue, names: Collection[str]) -> JsonValue:
    """Return a value with the members of these names masked, at any depth."""
    if isinstance(value, dict):
        return {name: MASK if name in names else without(inner, names) for name, inner in value.items()}
    if isinstance(value, list):
        return [without(each, names) for each in value]
    return value
