"""Errors of a validated model, bounded: an answer lists a hundred, and a million of them cost no minute to list."""

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Final, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from kontor.kernel.errors import FieldError

MOST_ERRORS: Final = 100
"""An answer lists this many errors."""
MANY_ERRORS: Final = 1_000
"""More errors than this are counted, not listed: to describe one takes microseconds."""
LOC_LIMIT: Final = 500
NO_SUCH_FIELD: Final = "There is no such field: leave it out."
MESSAGES: Final[Mapping[str, str]] = {"extra_forbidden": NO_SUCH_FIELD, "missing": "This field is required."}
"""What a caller reads instead of pydantic's message, by its type."""


def field_errors(error: ValidationError, *prefix: str) -> list[FieldError]:
    """Return the first hundred errors by dotted path; of very many, their number alone."""
    count = error.error_count()
    if count > MANY_ERRORS:
        return [FieldError(".".join(prefix), f"There are {count:,} errors, too many to list.")]
    details = error.errors(include_url=False, include_input=False, include_context=False)
    return [FieldError(".".join([*prefix, *map(str, item["loc"])]), _said(item)) for item in details[:MOST_ERRORS]]


def _said(item: ErrorDetails) -> str:
    """Return the message of one error; that of our own validators without pydantic's words before it."""
    return MESSAGES.get(item["type"], item["msg"].removeprefix("Value error, "))


def unknown_names(model: type[BaseModel], value: object, *prefix: str) -> list[FieldError]:
    """Return the first hundred names that a model does not have, without validating the rest."""
    return list(islice(_unknown(model, value, prefix), MOST_ERRORS))


def _unknown(model: type[BaseModel], value: object, prefix: tuple[str, ...]) -> Iterator[FieldError]:
    if not isinstance(value, Mapping) or model.model_config.get("extra") != "forbid":
        return
    fields = {field.alias or name: field for name, field in model.model_fields.items()}
    accepted = fields.keys() | model.model_fields.keys()
    for name in value:
        if name not in accepted:
            yield FieldError(".".join([*prefix, str(name)[:LOC_LIMIT]]), NO_SUCH_FIELD)
    for name, field in fields.items():
        inner, items = _item_model(field.annotation), value.get(name)
        if inner is not None and isinstance(items, list):
            for number, item in enumerate(items):
                yield from _unknown(inner, item, (*prefix, name, str(number)))


def _item_model(annotation: object) -> type[BaseModel] | None:
    """Return the model in `list[Model]`."""
    arguments = get_args(annotation)
    if get_origin(annotation) is not list or not isinstance(arguments[0], type):
        return None
    return arguments[0] if issubclass(arguments[0], BaseModel) else None
