"""JSON Schema 2020-12 of a type's args: what fits it, what it marks as sensitive."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from kontor.engine.declared import Place, value_at
from kontor.kernel.errors import FieldError
from kontor.kernel.json_schema import compiled, misfits


class SchemaCheck:
    """Implements kontor.engine.declared.ArgsCheck by a schema. Raises Invalid(`invalid_schema`)."""

    def __init__(self, schema: Mapping[str, object]) -> None:
        text = json.dumps(schema, sort_keys=True, ensure_ascii=False)
        self._validator = compiled(text)
        self._has_sensitive = '"writeOnly": true' in text

    def errors(self, args: Mapping[str, object]) -> Sequence[FieldError]:
        """Return the first hundred misfits, each with its place."""
        return misfits(self._validator, args, "args")

    def sensitive(self, args: Mapping[str, object]) -> Sequence[Place]:
        """Return the places of valid args that the schema marks as `writeOnly`, outermost alone."""
        if not self._has_sensitive:
            return ()
        pointers = {
            unit["instanceLocation"]
            for unit in self._validator.evaluate(dict(args)).annotations()
            if isinstance(unit["annotations"], dict) and unit["annotations"].get("writeOnly") is True
        }
        places = sorted((_place(args, pointer) for pointer in pointers if pointer), key=len)
        return [place for place in places if not any(place[: len(o)] == o for o in places if len(o) < len(place))]


def _place(args: Mapping[str, object], pointer: str) -> Place:
    """Return the place of a JSON pointer; what is a number depends on whether it leads into a list."""
    place: list[str | int] = []
    value: object = args
    for text in pointer.split("/")[1:]:
        name = text.replace("~1", "/").replace("~0", "~")
        step: str | int = int(name) if isinstance(value, list) else name
        place.append(step)
        value = value_at(value, (step,))
    return tuple(place)
