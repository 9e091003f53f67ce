"""Every field of a response and every type of event says who sees it; what says nothing is for operators alone."""

import ast
import re
from collections.abc import Iterator
from typing import Final
from unittest.mock import sentinel

from pydantic import BaseModel

import workers.web_app
from kontor.http import visibility, visible_fields
from kontor.http.visibility import ResponseView, Viewer
from kontor.http.wire import PageOut, ResponseModel
from workers.migrations import ROOT

CLIENTS_NEVER: Final = re.compile(
    r"wholesale|discount|percent|tier|turnover|promo|margin|balance|cost|net$|reseller_fee|sender_name|raw|how$|terms"
)
"""Names of fields that a client never gets (contract.md 7)."""

RESELLERS_NEVER: Final = frozenset({"raw", "worker"})
EMITTERS: Final = frozenset({"emit", "emit_for", "NewEvent", "emit_offer_event", "_emit"})
EVENT_TYPE: Final = re.compile(r"[a-z]+\.[a-z_]+")


def responses() -> Iterator[type[ResponseModel]]:
    """Return every response model of the application."""
    assert workers.web_app.FAMILIES
    waiting = [ResponseModel]
    while waiting:
        children = waiting.pop().__subclasses__()
        waiting += children
        yield from (child for child in children if child.__module__.startswith("kontor."))


def test_every_field_of_every_response_says_who_sees_it() -> None:
    unmarked = {
        f"{model.__name__}.{name}"
        for model in responses()
        for name in model.model_fields.keys() - visibility.readers(model)
    }

    assert unmarked == set()


def test_visibility_names_no_field_that_no_response_has() -> None:
    fields_of: dict[str, set[str]] = {}
    for model in responses():
        fields_of.setdefault(model.__name__.partition("[")[0], set()).update(model.model_fields)
    named = {
        f"{model}.{name}"
        for model, marks in visible_fields.RESPONSES.items()
        for name in visibility.readers_of(marks)
        if name not in fields_of.get(model, set())
    }

    assert named == set()


def test_no_field_that_clients_never_get_is_marked_for_them() -> None:
    marked = {
        f"{model.__name__}.{name}"
        for model in responses()
        for name, viewers in visibility.readers(model).items()
        if Viewer.CLIENT in viewers and CLIENTS_NEVER.search(name)
    }
    events = {
        f"{event}.{name}"
        for event, marks in visible_fields.EVENTS.items()
        for name, viewers in visibility.readers_of(marks).items()
        if Viewer.CLIENT in viewers and (CLIENTS_NEVER.search(name) or event.startswith(("charge.", "payment.")))
    }

    assert marked | events == set()


def test_no_field_of_operators_is_marked_for_resellers() -> None:
    marked = {
        f"{model.__name__}.{name}"
        for model in responses()
        for name, viewers in visibility.readers(model).items()
        if Viewer.RESELLER in viewers and name in RESELLERS_NEVER
    }

    assert marked == set()


def emitted() -> Iterator[str]:
    """Return the event types that the code names where it emits."""
    for folder in ("kontor", "tasks"):
        for path in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Call) and _name(node.func) in EMITTERS:
                    texts = (arg.value for arg in node.args if isinstance(arg, ast.Constant))
                    yield from (text for text in texts if isinstance(text, str) and EVENT_TYPE.fullmatch(text))


def _name(function: ast.expr) -> str:
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def test_every_emitted_event_type_says_who_sees_it() -> None:
    types = set(emitted())

    assert types >= {"charge.created", "account.connected", "trial.ended", "offer.delivered"}
    assert types <= visible_fields.EVENTS.keys()


class UnmarkedOut(ResponseModel):
    """A response without a mark."""

    wholesale: str


def shown(document: BaseModel, viewer: Viewer) -> bytes:
    """Return a document as a viewer gets it."""
    return ResponseView(viewer, sentinel.connection).serialize(document)


def test_field_without_a_mark_is_shown_to_operators_alone() -> None:
    page = PageOut(items=[UnmarkedOut(wholesale="13.37")])

    assert shown(page, Viewer.OPERATOR) == b'{"items":[{"wholesale":"13.37"}],"next":null}'
    for viewer in (Viewer.CLIENT, Viewer.RESELLER):
        assert shown(page, viewer) == b'{"items":[{}],"next":null}'


def test_event_without_a_mark_is_shown_to_operators_alone() -> None:
    data = {"wholesale": "13.37"}

    assert visibility.event_data("secret.made", data, Viewer.OPERATOR) == data
    assert visibility.event_data("secret.made", data, Viewer.RESELLER) == {}
    assert visibility.event_types(Viewer.OPERATOR) is None
    assert "charge.created" not in (visibility.event_types(Viewer.CLIENT) or ())
