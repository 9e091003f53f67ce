"""Examples for the OpenAPI document, made of the schemas themselves and of values by the names of fields."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from kontor.http.wire import Json

Schema = Mapping[str, Json]
Schemas = Mapping[str, Schema]

ID: Final = "01958f3a-7c00-7d2e-9b51-3c8e5f0a1b2c"
INSTANT: Final = "2026-03-10T12:00:00Z"
DAY: Final = "2026-03-10"
FORMATS: Final = {"uuid": ID, "date-time": INSTANT, "date": DAY, "uri": "https://weser.example"}
NAMES: Final[Mapping[str, object]] = {
    "actor": f"key:{ID}",
    "address": "admin@weser.example",
    "admin_email": "admin@weser.example",
    "amount": "30.00",
    "available": "30.00",
    "balance": "30.00",
    "changed": "name",
    "code": "not_found",
    "colour": "#204060",
    "cron": "0 3 * * *",
    "compensate": "vps.delete",
    "currency": "EUR",
    "cursor": "MDE5NThmM2E",
    "detail": "There is no such account.",
    "domain": "weser.example",
    "email": "admin@weser.example",
    "error": "the handler answered 422",
    "events": "offer.accepted",
    "external_id": "42",
    "family": "voice",
    "features": "telephony",
    "hash": "9f2c1d0e",
    "home_url": "https://weser.example",
    "identifier": "admin@weser.example",
    "into_name": "Elbe Trading",
    "lang": "de",
    "lane": "account",
    "lease": ID,
    "list": "30.00",
    "loc": "args.offer_id",
    "locale": "de",
    "logo_url": "https://weser.example/logo.png",
    "message": "Two more licences, as agreed.",
    "metric": "calls",
    "msg": "This field is required.",
    "name": "Weser Logistik",
    "net": "30.00",
    "next": None,
    "order_ref": "O-2026-17",
    "password": "correct horse battery",
    "percent": "12.5",
    "plan": "pro",
    "product": "server",
    "programme": "hosting",
    "queue": "vps",
    "reason": "Asked for by the customer.",
    "reference": "BANK-2026-0310-7",
    "scopes": "read",
    "secret": "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",
    "task": "vps.create",
    "tenant": ID,
    "term": "P1M",
    "tier": "Silver",
    "timezone": "Europe/Berlin",
    "title": "Not Found",
    "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
    "type": "about:blank",
    "url": "https://hooks.weser.example/kontor",
    "version": 3,
    "worker": "puller-1",
}
"""By the name of a field; used where the schema allows it."""

ENTRIES: Final[Mapping[str, Json]] = {
    "args": {"message": "hello"},
    "colours": {"primary": "#204060"},
    "config": {"region": "eu"},
    "metadata": {"ticket": "1234"},
    "result": {"host": "a.example"},
    "support": {"email": "help@weser.example"},
    "usage": {"calls": {"value": 120, "limit": 500}},
}
"""Whole values of fields that are objects with open members."""

DEEPEST: Final = 8
TYPES: Final[Mapping[str, type | tuple[type, ...]]] = {"string": str, "integer": int, "boolean": bool, "object": dict}


def example_of(schema: Schema, schemas: Schemas, name: str = "", depth: int = 0) -> Json:
    """Return a value that a schema allows; `name` is that of the field, as it may say more than the type."""
    if "$ref" in schema:
        return _referred(schema["$ref"].rpartition("/")[2], schemas, name, depth)
    for keyword in ("examples", "enum"):
        if schema.get(keyword):
            return schema[keyword][0]
    if "const" in schema:
        return schema["const"]
    choices = [each for each in schema.get("anyOf", schema.get("oneOf", ())) if each.get("type") != "null"]
    if choices:
        return example_of(choices[0], schemas, name, depth)
    return _by_type(schema, schemas, name, depth)


def _referred(target: str, schemas: Schemas, name: str, depth: int) -> Json:
    referred = schemas[target]
    if depth > DEEPEST and referred.get("type") == "object":
        return {}
    return example_of(referred, schemas, name, depth + 1)


def _by_type(schema: Schema, schemas: Schemas, name: str, depth: int) -> Json:
    kind = schema.get("type")
    match kind:
        case "object":
            return _object(schema, schemas, name, depth)
        case "array":
            items = schema.get("items", {})
            return [] if depth > DEEPEST or schema.get("maxItems") == 0 else [example_of(items, schemas, name, depth)]
        case "string":
            return _string(schema, name)
        case "integer" | "number":
            value = NAMES.get(name, 1)
            number = value if isinstance(value, int) else 1
            return max(number, schema.get("minimum", number))
        case "boolean":
            return False
        case _:
            return ENTRIES.get(name, NAMES.get(name, "eu"))


def _object(schema: Schema, schemas: Schemas, name: str, depth: int) -> Json:
    properties = schema.get("properties", {})
    if properties:
        return {each: example_of(inner, schemas, each, depth + 1) for each, inner in properties.items()}
    if name in ENTRIES:
        return ENTRIES[name]
    members = schema.get("additionalProperties")
    return {"calls": example_of(members, schemas, "", depth + 1)} if isinstance(members, dict) and members else {}


def _string(schema: Schema, name: str) -> str:
    if schema.get("format") in FORMATS:
        return FORMATS[schema["format"]]
    value = NAMES.get(name)
    if not isinstance(value, str):
        value = ID if name == "id" or name.endswith("_id") else name.replace("_", " ") or "text"
    return value[: schema.get("maxLength", len(value))]


REQUESTS: Final[Mapping[str, Json]] = {
    "AccountPatch": {"locale": "de", "external_id": "42"},
    "BulkIn": {"action": "retry", "filter": {"task": "vps.create", "state": ["dead"]}, "dry_run": True},
    "OfferIn": {
        "reseller_id": ID,
        "account_id": ID,
        "lines": [{"product": "server", "count": 2, "mode": "absolute", "term": "P1Y"}],
    },
    "UsageReportIn": {"metric": "calls", "value": 120, "at": INSTANT, "report_id": "2026-03-10"},
}
"""Bodies that mean something, where required fields alone would not."""


def request_example(schema: Schema, schemas: Schemas) -> Json:
    """Return a body with the fields that a schema requires; of one that requires none, with all of them."""
    name = schema.get("$ref", "").rpartition("/")[2]
    if name in REQUESTS:
        return REQUESTS[name]
    whole = example_of(schema, schemas)
    required = schemas.get(name, {}).get("required")
    return {each: whole[each] for each in required} if required else whole
