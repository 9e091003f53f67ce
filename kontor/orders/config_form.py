"""A product's config as fields of a form: made of its JSON Schema, read back as JSON values."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from pydantic import JsonValue

PREFIX: Final = "config."
Schema = Mapping[str, JsonValue]


class FieldKind(StrEnum):
    """How a member of a config is entered. `json`: anything else, as JSON."""

    TEXT = "text"
    MASKED = "masked"
    NUMBER = "number"
    CHECK = "check"
    CHOICE = "choice"
    JSON = "json"


@dataclass(frozen=True, slots=True)
class ConfigField:
    """A field of a form. `name`: with `config.` before the key."""

    name: str
    label: str
    kind: FieldKind
    required: bool
    options: Sequence[str] = ()


def fields_of(schema: Schema | None) -> list[ConfigField]:
    """Return the fields for the properties of a config, in the order of the schema."""
    required = (schema or {}).get("required")
    names = required if isinstance(required, list) else []
    return [_field(key, inner, required=key in names) for key, inner in _properties(schema).items()]


def config_of(schema: Schema | None, form: Mapping[str, str]) -> dict[str, JsonValue]:
    """Return the config that a form holds; a field left empty is not in it. Whether it fits, the schema says.

    A field that the schema does not name is kept as text, so that it is refused by its name.
    """
    config: dict[str, JsonValue] = {}
    properties = _properties(schema)
    for name, text in form.items():
        key = name.removeprefix(PREFIX)
        if name.startswith(PREFIX) and text.strip():
            config[key] = _value(properties.get(key, {}), text)
    for key, inner in properties.items():
        if _kind(inner) is FieldKind.CHECK:
            config[key] = f"{PREFIX}{key}" in form
    return config


def _properties(schema: Schema | None) -> dict[str, Schema]:
    properties = (schema or {}).get("properties")
    if not isinstance(properties, dict):
        return {}
    return {key: inner if isinstance(inner, dict) else {} for key, inner in properties.items()}


def _field(key: str, inner: Schema, *, required: bool) -> ConfigField:
    title, options = inner.get("title"), inner.get("enum")
    choices = [_text(each) for each in options] if isinstance(options, list) else []
    label = title if isinstance(title, str) else key
    return ConfigField(f"{PREFIX}{key}", label, _kind(inner), required, choices)


def _kind(inner: Schema) -> FieldKind:
    if isinstance(inner.get("enum"), list):
        return FieldKind.CHOICE
    if inner.get("writeOnly") is True:
        return FieldKind.MASKED
    match inner.get("type"):
        case "boolean":
            return FieldKind.CHECK
        case "integer" | "number":
            return FieldKind.NUMBER
        case "object" | "array":
            return FieldKind.JSON
        case _:
            return FieldKind.TEXT


def _value(inner: Schema, text: str) -> JsonValue:
    """Return what was typed as the schema's type; text that is none of it stays text."""
    options = inner.get("enum")
    if isinstance(options, list):
        return next((each for each in options if _text(each) == text), text)
    if inner.get("type") in (None, "string"):
        return text
    try:
        value: JsonValue = json.loads(text)
    except ValueError:
        return text
    return value


def _text(value: JsonValue) -> str:
    return value if isinstance(value, str) else json.dumps(value)
