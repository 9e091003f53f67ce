"""The OpenAPI document as the client libraries see it: types, and calls by resource."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from devtools.source import ROOT

Node: TypeAlias = Mapping[str, Any]
"""An object of the document."""
DOCUMENT: Final = ROOT / "docs" / "openapi.json"
JSON: Final = "application/json"
METHODS: Final = ("get", "post", "put", "patch", "delete")
RAW_BODIES: Final = frozenset({"apply_programme"})
"""Calls whose body the document leaves out, since it may be YAML, too; the clients send JSON."""
PAGED: Final = frozenset({"items", "next"})


@dataclass(frozen=True, slots=True)
class TypeShape:
    """A type: `kind` is ref, literal, array, map, union or a primitive of JSON Schema; `any` for everything else."""

    kind: str
    parts: tuple[TypeShape, ...] = ()
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class MemberShape:
    """A member of an object."""

    name: str
    type: TypeShape
    required: bool


@dataclass(frozen=True, slots=True)
class ObjectShape:
    """A schema: members of an object, or `alias` for any other type."""

    name: str
    text: str
    members: tuple[MemberShape, ...] = ()
    alias: TypeShape | None = None


@dataclass(frozen=True, slots=True)
class CallShape:
    """A call. `item`: of a list that has pages; `answer` None: no JSON, but bytes."""

    resource: str
    name: str
    method: str
    path: str
    text: str
    path_names: tuple[str, ...]
    query: tuple[MemberShape, ...]
    body: MemberShape | None
    answer: TypeShape | None
    item: TypeShape | None


def shape(schema: Node) -> TypeShape:
    """Return the type that a schema describes."""
    if "$ref" in schema:
        return TypeShape("ref", names=(schema["$ref"].rpartition("/")[2],))
    if "enum" in schema or "const" in schema:
        values = schema.get("enum", [schema.get("const")])
        return TypeShape("literal", names=tuple(json.dumps(value) for value in values))
    if "anyOf" in schema:
        parts = [shape(part) for part in schema["anyOf"]]
        return TypeShape("union", tuple(dict.fromkeys(parts)))
    match schema.get("type"):
        case "array":
            return TypeShape("array", (shape(schema.get("items", {})),))
        case "object":
            values = schema.get("additionalProperties", {})
            return TypeShape("map", (shape(values if isinstance(values, dict) else {}),))
        case str() as kind:
            return TypeShape(kind)
        case _:
            return TypeShape("any")


def text_of(entry: Node) -> str:
    """Return a description in one paragraph."""
    return " ".join(str(entry.get("description", "")).split())


def object_of(name: str, schema: Node) -> ObjectShape:
    """Return a schema of the document."""
    if "properties" not in schema:
        return ObjectShape(name, text_of(schema), alias=shape(schema))
    required = schema.get("required", ())
    members = [MemberShape(each, shape(part), each in required) for each, part in schema["properties"].items()]
    return ObjectShape(name, text_of(schema), tuple(members))


def objects(document: Node) -> Sequence[ObjectShape]:
    """Return every schema, by name."""
    return [object_of(name, schema) for name, schema in sorted(document["components"]["schemas"].items())]


def calls(document: Node) -> Iterator[CallShape]:
    """Yield every call of the API, by resource."""
    schemas = document["components"]["schemas"]
    for path, item in sorted(document["paths"].items()):
        for method in METHODS:
            if path.startswith("/v1/") and method in item:
                yield call_of(path, method, item[method], schemas)


def call_of(path: str, method: str, entry: Node, schemas: Node) -> CallShape:
    """Return one call."""
    parameters = entry.get("parameters", [])
    query = [
        MemberShape(each["name"], without_null(shape(each["schema"])), required=bool(each.get("required")))
        for each in parameters
        if each["in"] == "query"
    ]
    answer = answer_of(entry)
    item = item_of(answer, schemas) if any(each.name == "cursor" for each in query) else None
    if item is not None:
        query = [each for each in query if each.name not in ("cursor", "limit")]
    return CallShape(
        resource=entry["tags"][0].replace("-", "_"),
        name=entry["operationId"],
        method=method.upper(),
        path=path,
        text=text_of(entry),
        path_names=tuple(each["name"] for each in parameters if each["in"] == "path"),
        query=tuple(query),
        body=body_of(entry),
        answer=answer,
        item=item,
    )


def without_null(type_: TypeShape) -> TypeShape:
    """Return a type without null: a parameter that is null is left out."""
    parts = tuple(part for part in type_.parts if part.kind != "null")
    if type_.kind != "union":
        return type_
    return parts[0] if len(parts) == 1 else TypeShape("union", parts)


def body_of(entry: Node) -> MemberShape | None:
    """Return the body of a call; None without one."""
    if entry["operationId"] in RAW_BODIES:
        return MemberShape("body", TypeShape("map", (TypeShape("any"),)), required=True)
    body = entry.get("requestBody")
    if body is None:
        return None
    return MemberShape("body", without_null(shape(body["content"][JSON]["schema"])), bool(body.get("required")))


def answer_of(entry: Node) -> TypeShape | None:
    """Return what a call that succeeds answers; None for a download."""
    contents = [answer.get("content", {}) for status, answer in entry["responses"].items() if status.startswith("2")]
    if any(media != JSON for content in contents for media in content):
        return None
    types = tuple(dict.fromkeys(shape(content[JSON]["schema"]) for content in contents if JSON in content))
    return types[0] if len(types) == 1 else TypeShape("union", types)


def item_of(answer: TypeShape | None, schemas: Node) -> TypeShape | None:
    """Return the type of the items of a list that has pages; None for other answers."""
    if answer is None or answer.kind != "ref":
        return None
    properties = schemas[answer.names[0]].get("properties", {})
    return shape(properties["items"]["items"]) if properties.keys() >= PAGED else None


def load() -> Node:
    """Return the committed document."""
    document: Node = json.loads(DOCUMENT.read_text())
    return document
