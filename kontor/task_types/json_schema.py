"""JSON Schema 2020-12 of a type's args: what is a schema, what fits it, what it marks as sensitive.

The library compiles patterns to automata, or bounds their backtracking, and reads no other document.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from kontor.engine.declared import Place, value_at
from kontor.kernel.errors import FieldError, Invalid
from kontor.kernel.field_errors import LOC_LIMIT, MOST_ERRORS

if TYPE_CHECKING:
    from jsonschema_rs import Draft202012Validator

BACKTRACKING: Final = 100_000
"""Steps of one pattern on one text: a few milliseconds."""
SIZE: Final = 1024 * 1024
"""Bytes of one compiled pattern."""
MESSAGE_LIMIT: Final = 300
DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"


class SchemaCheck:
    """Implements kontor.engine.declared.ArgsCheck by a schema. Raises Invalid(`invalid_schema`)."""

    def __init__(self, schema: Mapping[str, object]) -> None:
        text = json.dumps(schema, sort_keys=True, ensure_ascii=False)
        self._validator = compiled(text)
        self._has_sensitive = '"writeOnly": true' in text

    def errors(self, args: Mapping[str, object]) -> Sequence[FieldError]:
        """Return the first hundred misfits, each with its place."""
        errors = []
        for misfit in self._validator.iter_errors(dict(args)):
            loc = ".".join(["args", *map(str, misfit.instance_path)])
            errors.append(FieldError(loc[:LOC_LIMIT], misfit.message[:MESSAGE_LIMIT]))
            if len(errors) == MOST_ERRORS:
                break
        return errors

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


@lru_cache(maxsize=512)
def compiled(schema: str) -> Draft202012Validator:
    """Compile a schema, given as JSON. Its messages hold no value: that may be a sensitive one."""
    import jsonschema_rs  # loaded where types are declared or checked only

    document = json.loads(schema)
    dialect = document.get("$schema", DIALECT).rstrip("#")
    if dialect != DIALECT:
        raise not_a_schema("args.$schema", f"Only {DIALECT} is understood.")
    try:
        return jsonschema_rs.Draft202012Validator(
            document,
            pattern_options=jsonschema_rs.FancyRegexOptions(BACKTRACKING, SIZE, SIZE),
            offline=True,
            mask="this value",
        )
    except (jsonschema_rs.ValidationError, ValueError, RecursionError) as error:
        path = getattr(error, "instance_path", None) or ()
        message = str(getattr(error, "message", error)).partition("\n")[0][:MESSAGE_LIMIT]
        raise not_a_schema(".".join(["args", *map(str, path)]), message) from None


def not_a_schema(loc: str, message: str) -> Invalid:
    """Return the refusal of a schema."""
    return Invalid("invalid_schema", "The args are no JSON Schema 2020-12.", errors=[FieldError(loc, message)])


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
