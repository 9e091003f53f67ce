"""Who sees which field of a response or an event: an answer is cut for its viewer here, and nowhere else."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from typing import Annotated, Any, Final, get_args, get_origin
from uuid import UUID

from psycopg import Connection
from pydantic import BaseModel, PlainSerializer, SerializationInfo

from kontor.http import visible_fields
from kontor.http.visible_fields import Fields
from kontor.http.wire import PageOut
from kontor.kernel.failure_causes import public_error


class Viewer(StrEnum):
    """Who reads an answer: a client (any key bound to an account), a reseller, or the provider's staff."""

    CLIENT = "client"
    RESELLER = "reseller"
    OPERATOR = "operator"


OPERATORS: Final = frozenset({Viewer.OPERATOR})
READERS: Final[Mapping[str, frozenset[Viewer]]] = {
    "everyone": frozenset(Viewer),
    "trade": frozenset({Viewer.RESELLER, Viewer.OPERATOR}),
    "decider": frozenset({Viewer.CLIENT, Viewer.OPERATOR}),
    "staff": OPERATORS,
}
STAFF: Final = "staff"
"""How readers outside the provider see any of its people and keys."""

UNNAMED: Final = frozenset({"system", "dns"})
NAMED: Final = frozenset({"admin", "link"})
PROVIDER_KEY: Final = "SELECT FROM api_keys WHERE id = %s AND reseller_id IS NULL AND account_id IS NULL"


def readers_of(marks: Fields) -> Mapping[str, frozenset[Viewer]]:
    """Return the viewers of each field that the marks name."""
    return {name: READERS[group] for group, names in marks.by_group() for name in names}


@cache
def readers(model: type[BaseModel]) -> Mapping[str, frozenset[Viewer]]:
    """Return the viewers of each marked field of a model; a subclass adds to its bases."""
    marked: dict[str, frozenset[Viewer]] = {}
    for base in reversed(model.__mro__):
        marks = visible_fields.RESPONSES.get(base.__name__.partition("[")[0])
        marked |= readers_of(marks) if marks is not None else {}
    return marked


Exclusion = dict[str, Any]
"""Fields to leave out, as pydantic takes them: True, or the same of a nested model; `__all__` for each of many."""


@cache
def excluded(model: type[BaseModel], viewer: Viewer) -> Exclusion:
    """Return the fields that a viewer does not get; one without a mark is for operators alone."""
    marked, left_out = readers(model), Exclusion()
    for name, info in model.model_fields.items():
        if viewer not in marked.get(name, OPERATORS):
            left_out[name] = True
        elif (inner := _nested(info.annotation)) is not None and (deeper := excluded(inner.model, viewer)):
            left_out[name] = {"__all__": deeper} if inner.many else deeper
    return left_out


@dataclass(frozen=True, slots=True)
class NestedModel:
    """The model in an annotation; `many`: in a list or a mapping."""

    model: type[BaseModel]
    many: bool


def _nested(annotation: object) -> NestedModel | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return NestedModel(annotation, many=False)
    many = get_origin(annotation) in (list, tuple, dict)
    inner = next((model for arg in get_args(annotation) if (model := _nested(arg)) is not None), None)
    return None if inner is None else NestedModel(inner.model, many or inner.many)


def exclusion(document: BaseModel, viewer: Viewer) -> Exclusion:
    """Return the fields of a document that a viewer does not get; the items of a page are of one type."""
    left_out = Exclusion(excluded(type(document), viewer))
    if isinstance(document, PageOut) and document.items and "items" not in left_out:
        first = document.items[0]
        deeper = excluded(type(first), viewer) if isinstance(first, BaseModel) else {}
        return {**left_out, "items": {"__all__": deeper}} if deeper else left_out
    return left_out


def closed(task: str) -> bool:
    """Whether a task is open to its viewer: none is."""
    return False


@dataclass(frozen=True, slots=True)
class ResponseView:
    """The viewer of a response, and the connection on which its actors are looked up.

    `is_open`: whether a task's arguments and results are not for operators alone. `raw_errors`: an operator with the
    scope `operate` sees errors as they were recorded, everyone else their class (programme.md 3.6).
    """

    viewer: Viewer
    connection: Connection[Any]
    is_open: Callable[[str], bool] = closed
    raw_errors: bool = False
    providers: dict[UUID, bool] = field(default_factory=dict)

    def serialize(self, document: BaseModel) -> bytes:
        """Return the JSON of a document as its viewer may see it."""
        left_out = None if self.viewer is Viewer.OPERATOR else exclusion(document, self.viewer)
        return document.model_dump_json(by_alias=True, exclude=left_out, context=self).encode()

    def sees_task(self, task: str) -> bool:
        """Whether the viewer may see the arguments and results of a task's jobs."""
        return self.viewer is Viewer.OPERATOR or self.is_open(task)

    def error(self, error: str) -> str:
        """Return a recorded error as the viewer may know it."""
        return error if self.raw_errors else public_error(error)

    def actor(self, actor: str) -> str:
        """Return who did something as the viewer may know it: the provider's people and keys are `staff`."""
        kind, _, name = actor.partition(":")
        if self.viewer is Viewer.OPERATOR or actor in UNNAMED or kind in NAMED:
            return actor
        return STAFF if kind != "key" or self._is_provider_key(name) else actor

    def _is_provider_key(self, text: str) -> bool:
        try:
            key_id = UUID(text)
        except ValueError:
            return True
        if key_id not in self.providers:
            row = self.connection.execute(PROVIDER_KEY, (key_id,)).fetchone()
            self.providers[key_id] = row is not None
        return self.providers[key_id]


def _shown_actor(actor: str | None, info: SerializationInfo) -> str | None:
    view = info.context
    return view.actor(actor) if isinstance(view, ResponseView) and actor is not None else actor


ActorOut = Annotated[str, PlainSerializer(_shown_actor, return_type=str)]
"""Who did something, in a response."""


def shown_error(error: str | None, info: SerializationInfo) -> str | None:
    """Return a recorded error as the viewer of a response may know it."""
    view = info.context
    return view.error(error) if isinstance(view, ResponseView) and error is not None else error


ErrorOut = Annotated[str | None, PlainSerializer(shown_error, return_type=str | None)]
"""Why something of others failed, in a response."""


def event_types(viewer: Viewer) -> list[str] | None:
    """Return the types of events that a viewer gets; None for all."""
    if viewer is Viewer.OPERATOR:
        return None
    return sorted(name for name, marks in visible_fields.EVENTS.items() if viewer in _viewers(marks))


def _viewers(marks: Fields) -> frozenset[Viewer]:
    return frozenset[Viewer]().union(*readers_of(marks).values())


def event_data(event_type: str, data: Mapping[str, object], viewer: Viewer) -> dict[str, object]:
    """Return the data of an event, a webhook or a call to an instance as its viewer may see it."""
    if viewer is Viewer.OPERATOR:
        return dict(data)
    marked = readers_of(visible_fields.EVENTS.get(event_type, Fields()))
    seen = {name: value for name, value in data.items() if viewer in marked.get(name, OPERATORS)}
    return seen | {"error": public_error(str(seen["error"]))} if "error" in seen else seen
