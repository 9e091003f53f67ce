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


def unaccepted(source: Mapping[str, object], target: Mapping[str, object]) -> list[str]:
    """Return why a schema may refuse args that another one lets pass, as far as their top members tell."""
    offered, taken = _members(source), _members(target)
    always, needed = _names(source, "required"), _names(target, "required")
    problems = [
        f"requires {name!r}, which these args {'may lack' if name in offered else 'do not have'}"
        for name in sorted(needed - always)
    ]
    if target.get("additionalProperties") is False:
        problems += [f"does not take {name!r}" for name in sorted(offered.keys() - taken.keys())]
    return problems + [
        f"takes another type or other values of {name!r}"
        for name in sorted(offered.keys() & taken.keys())
        if not _fits(offered[name], taken[name])
    ]


def _members(schema: Mapping[str, object]) -> Mapping[str, object]:
    properties = schema.get("properties")
    return properties if isinstance(properties, Mapping) else {}


def _names(schema: Mapping[str, object], keyword: str) -> set[str]:
    names = schema.get(keyword)
    return {str(name) for name in names} if isinstance(names, list) else set()


def _fits(offered: object, taken: object) -> bool:
    """Return whether one member's types and values are among another's; what says nothing allows all."""
    if not isinstance(offered, Mapping) or not isinstance(taken, Mapping):
        return True
    types, allowed = _types(offered), _types(taken)
    if types and allowed and not types <= allowed:
        return False
    values, permitted = offered.get("enum"), taken.get("enum")
    return not isinstance(values, list) or not isinstance(permitted, list) or all(each in permitted for each in values)


def _types(schema: Mapping[str, object]) -> set[str]:
    named = schema.get("type")
    types = set(named) if isinstance(named, list) else {str(named)} if named is not None else set()
    return types | {"integer"} if "number" in types else types
