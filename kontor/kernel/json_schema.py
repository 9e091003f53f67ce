"""JSON Schema 2020-12: what is a schema, and what fits it.

The library compiles patterns to automata, or bounds their backtracking, and reads no other document.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Final

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


def misfits(schema: Draft202012Validator, value: Mapping[str, object], place: str) -> Sequence[FieldError]:
    """Return the first hundred members of an object that do not fit a schema, each with its place below `place`."""
    errors = []
    for misfit in schema.iter_errors(dict(value)):
        loc = ".".join([place, *map(str, misfit.instance_path)])
        errors.append(FieldError(loc[:LOC_LIMIT], misfit.message[:MESSAGE_LIMIT]))
        if len(errors) == MOST_ERRORS:
            break
    return errors
