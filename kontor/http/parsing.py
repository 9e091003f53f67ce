"""Parses bodies and query strings of requests into their models."""

import re
from collections.abc import Mapping
from math import isfinite
from typing import Any, Final, TypeVar, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import from_json
from starlette.datastructures import QueryParams

from kontor.http.responses import invalid
from kontor.http.wire import QueryModel
from kontor.kernel.errors import FieldError, Invalid
from kontor.kernel.field_errors import MANY_ERRORS, unknown_names

M = TypeVar("M", bound=BaseModel)
Q = TypeVar("Q", bound=QueryModel)
SUSPICIOUS: Final = re.compile(rb"\\u0000|[eE]\+?\d{3}|NaN|Infinity")
"""Where this does not occur, a parsed body holds neither NUL characters nor numbers that are not finite."""

EMPTY: Final = b"{}"
MANY_NAMES: Final = 100_000


def parse_body(model: type[M], body: bytes, *, optional: bool) -> M:
    """Parse the body; an optional one may be empty. Raises Invalid."""
    text = EMPTY if optional and not body.strip() else body
    if SUSPICIOUS.search(text):
        tree = _tree(text)
        if not getattr(model, "any_text", False):
            _refuse_unstorable(tree, "")
    if text.count(b":") > MANY_NAMES:
        _refuse_unknown(model, _tree(text))
    try:
        return model.model_validate_json(text)
    except ValidationError as error:
        tree = _tree(text)
        if error.error_count() > MANY_ERRORS:
            _refuse_unknown(model, tree)
        raise invalid(error) from None


def _refuse_unknown(model: type[BaseModel], tree: object) -> None:
    """Name the first unknown names of a large body, which a model would collect by the million. Raises Invalid."""
    if errors := unknown_names(model, tree):
        raise Invalid("invalid", "The request is not valid.", errors=errors)


def _tree(text: bytes) -> Any:
    """Parse JSON without a model. Raises Invalid."""
    try:
        return from_json(text, allow_inf_nan=False, cache_strings=False)
    except ValueError as error:
        raise Invalid("invalid", "The body is not valid JSON.", errors=[FieldError("", str(error))]) from None


def parse_query(model: type[Q], query: QueryParams) -> Q:
    """Parse the query string. Raises Invalid."""
    open_prefix = model.open_prefix
    params: dict[str, Any] = {}
    for name in query:
        values = query.getlist(name)
        if any("\x00" in value for value in (name, *values)):
            raise Invalid(errors=[FieldError(name.replace("\x00", ""), "contains a NUL character")])
        if open_prefix is not None and name.startswith(open_prefix):
            continue
        params[name] = values if _repeats(model, name) else values[-1]
    try:
        return model.model_validate(params)
    except ValidationError as error:
        raise invalid(error) from None


def _repeats(model: type[BaseModel], name: str) -> bool:
    field = model.model_fields.get(name)
    return field is not None and get_origin(field.annotation) in (list, tuple)


def _refuse_unstorable(value: object, loc: str) -> None:
    match value:
        case str() if "\x00" in value:
            raise Invalid(errors=[FieldError(loc, "contains a NUL character")])
        case float() if not isfinite(value):
            raise Invalid(errors=[FieldError(loc, "is not a finite number")])
        case Mapping():
            for key, inner in value.items():
                _refuse_unstorable(key, loc)
                _refuse_unstorable(inner, f"{loc}.{key}" if loc else str(key))
        case list():
            for number, inner in enumerate(value):
                _refuse_unstorable(inner, f"{loc}.{number}" if loc else str(number))
        case _:
            pass
