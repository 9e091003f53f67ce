"""The `webhooks` of the OpenAPI document: a POST to an endpoint for each type of event."""

from __future__ import annotations

from typing import Final

from pydantic.json_schema import models_json_schema

from kontor.http.openapi_examples import INSTANT, example_of
from kontor.http.visibility import Viewer, readers_of
from kontor.http.visible_fields import EVENTS as MARKS
from kontor.http.wire import Json
from kontor.webhooks.event_types import EVENTS, EventType

TEMPLATE: Final = "#/components/schemas/{model}"
HEADERS: Final = {
    "webhook-id": ("The same on every try of the same event.", "evt_01958f3a7c007d2e9b513c8e5f0a1b2c"),
    "webhook-timestamp": ("When it was sent, in seconds since 1970.", "1773144000"),
    "webhook-signature": (
        "A `v1` signature for each valid secret, separated by spaces.",
        "v1,K5oZfzN95Z9UVu1EsfQmfVNQ",
    ),
}


def add_webhooks(document: dict[str, Json]) -> None:
    """Add the events to an OpenAPI document, with the schemas of their bodies."""
    models = {event_type.data for event_type in EVENTS.values()}
    _, described = models_json_schema(
        [(model, "serialization") for model in sorted(models, key=lambda each: each.__name__)], ref_template=TEMPLATE
    )
    schemas = document["components"]["schemas"]
    schemas.update({name: schema for name, schema in described["$defs"].items() if name not in schemas})
    document["webhooks"] = {}
    for name, event_type in EVENTS.items():
        schemas[schema_name(name)] = _envelope(name, event_type)
        document["webhooks"][name] = {"post": _operation(name, event_type, schemas)}


def schema_name(event_type: str) -> str:
    """Return the name of an event's schema: `AccountBecameResellerEvent`."""
    return "".join(word.capitalize() for word in event_type.replace(".", "_").split("_")) + "Event"


def _ref(name: str) -> dict[str, str]:
    return {"$ref": TEMPLATE.format(model=name)}


def viewers(event_type: str) -> list[str]:
    """Return who gets an event."""
    shown = set[Viewer]().union(*readers_of(MARKS[event_type]).values())
    return [viewer.value for viewer in Viewer if viewer in shown]


def _envelope(name: str, event_type: EventType) -> dict[str, Json]:
    return {
        "type": "object",
        "title": schema_name(name),
        "description": event_type.when,
        "required": ["type", "timestamp", "data"],
        "properties": {
            "type": {"type": "string", "const": name},
            "timestamp": {"type": "string", "format": "date-time"},
            "data": _ref(event_type.data.__name__),
        },
    }


def _operation(name: str, event_type: EventType, schemas: dict[str, Json]) -> dict[str, Json]:
    data = example_of(schemas[event_type.data.__name__], schemas)
    hidden = {field for field, readers in readers_of(MARKS[name]).items() if Viewer.RESELLER not in readers}
    shown = {field: value for field, value in data.items() if field not in hidden}
    body = {"type": name, "timestamp": INSTANT, "data": shown}
    return {
        "summary": event_type.when.rstrip("."),
        "description": f"{event_type.when} Signed as Standard Webhooks 1.0 says; any 2xx is success.",
        "operationId": f"on_{name.replace('.', '_')}",
        "tags": ["webhooks"],
        "security": [],
        "x-visible-to": viewers(name),
        "parameters": [
            {
                "name": header,
                "in": "header",
                "required": True,
                "description": text,
                "schema": {"type": "string"},
                "example": example,
            }
            for header, (text, example) in HEADERS.items()
        ],
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": _ref(schema_name(name)), "example": body}},
        },
        "responses": {
            "2XX": {"description": "Received; it is not sent again."},
            "410": {"description": "The endpoint is gone: it is disabled."},
        },
    }
