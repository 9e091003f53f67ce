"""What of a changed OpenAPI document breaks a client of the released one: `python -m devtools.api_changes [release]`.

With `release`, the shape of the present document is kept as that of the version in pyproject.toml.
"""

import json
import sys
import tomllib
from collections.abc import Iterator, Mapping
from typing import Any, Final

from devtools.reference import openapi_document
from devtools.source import ROOT

KEPT: Final = ROOT / "docs" / "openapi-released.json"
WORDS: Final = frozenset({"description", "summary", "example", "examples", "title", "x-codeSamples"})
"""Members that no client depends on."""
LOWER: Final = ("maximum", "maxLength", "maxItems")
HIGHER: Final = ("minimum", "minLength", "minItems")
DEEPEST: Final = 12
Document = Mapping[str, Any]
Schema = Mapping[str, Any]


def shape(node: Any, *, named: bool = False) -> Any:
    """Return a document without its texts; the members of `named` nodes are names, not keywords."""
    if isinstance(node, list):
        return [shape(each) for each in node]
    if not isinstance(node, dict):
        return node
    kept = {key: value for key, value in node.items() if named or key not in WORDS}
    return {key: shape(value, named=key in ("properties", "schemas")) for key, value in kept.items()}


def breaking(old: Document, new: Document) -> list[str]:
    """Return what a client of the old document could no longer do, or would no longer find."""
    changes = [f"webhook {name} is gone" for name in old.get("webhooks", {}) if name not in new.get("webhooks", {})]
    for path, item in old["paths"].items():
        for method, operation in item.items():
            place = f"{method.upper()} {path}"
            present = new["paths"].get(path, {}).get(method)
            if present is None:
                changes.append(f"{place} is gone")
                continue
            changes += _parameters(place, operation, present, old, new)
            changes += _bodies(place, operation, present, old, new)
            changes += _answers(place, operation, present, old, new)
    for name, hook in old.get("webhooks", {}).items():
        present = new.get("webhooks", {}).get(name)
        if present is not None:
            before, after = (_schema(each["post"]["requestBody"]) for each in (hook, present))
            changes += SchemaDiff(old, new).lost(f"webhook {name}", before, after)
    return sorted(set(changes))


def _parameters(place: str, operation: Document, present: Document, old: Document, new: Document) -> Iterator[str]:
    before = {(each["in"], each["name"]): each for each in operation.get("parameters", ())}
    after = {(each["in"], each["name"]): each for each in present.get("parameters", ())}
    yield from (f"{place}: parameter {name} is gone" for where, name in before.keys() - after.keys())
    for key, parameter in after.items():
        if parameter.get("required") and not before.get(key, {}).get("required"):
            yield f"{place}: parameter {key[1]} is required"
        if key in before:
            named = f"{place}: parameter {key[1]}"
            yield from SchemaDiff(old, new, texts=True).refused(named, before[key]["schema"], parameter["schema"])


def _bodies(place: str, operation: Document, present: Document, old: Document, new: Document) -> Iterator[str]:
    if "requestBody" not in operation:
        if present.get("requestBody", {}).get("required"):
            yield f"{place}: a body is required"
        return
    before, after = _schema(operation["requestBody"]), _schema(present.get("requestBody", {}))
    yield from SchemaDiff(old, new).refused(f"{place}: body", before, after)


def _answers(place: str, operation: Document, present: Document, old: Document, new: Document) -> Iterator[str]:
    for status, answer in operation["responses"].items():
        if not status.startswith("2"):
            continue
        if status not in present["responses"]:
            yield f"{place}: answer {status} is gone"
            continue
        before, after = _schema(answer), _schema(present["responses"][status])
        yield from SchemaDiff(old, new).lost(f"{place}: answer {status}", before, after)


def _schema(holder: Document) -> Schema:
    return next((media.get("schema", {}) for media in holder.get("content", {}).values()), {})


class SchemaDiff:
    """Compares schemas of two documents; `texts`: values are sent as text, whatever their type."""

    def __init__(self, old: Document, new: Document, *, texts: bool = False) -> None:
        self._old = old["components"]["schemas"]
        self._new = new["components"]["schemas"]
        self._texts = texts

    def refused(self, place: str, before: Schema, after: Schema, depth: int = 0) -> Iterator[str]:
        """Return what the old schema lets pass and the new one does not."""
        if depth > DEEPEST:
            return
        before, after = _merged(before, self._old), _merged(after, self._new)
        if not self._texts and _types(before) - _types(after) and _types(after):
            yield f"{place} takes another type"
        allowed = _values(after)
        if allowed:
            yield from (f"{place} no longer takes {value!r}" for value in _values(before) - allowed)
        if allowed and not _values(before):
            yield f"{place} takes fewer values"
        yield from (f"{place} has a lower {name}" for name in LOWER if _less(after, before, name))
        yield from (f"{place} has a higher {name}" for name in HIGHER if _less(before, after, name))
        fields, former = after.get("properties", {}), before.get("properties", {})
        added = set(after.get("required", ())) - set(before.get("required", ()))
        yield from (f"{place}.{name} is required" for name in sorted(added))
        yield from (f"{place}.{name} is gone" for name in sorted(former.keys() - fields.keys()))
        for name in former.keys() & fields.keys():
            yield from self.refused(f"{place}.{name}", former[name], fields[name], depth + 1)
        if "items" in before and "items" in after:
            yield from self.refused(f"{place}[]", before["items"], after["items"], depth + 1)

    def lost(self, place: str, before: Schema, after: Schema, depth: int = 0) -> Iterator[str]:
        """Return what the old schema promises and the new one does not."""
        if depth > DEEPEST:
            return
        before, after = _merged(before, self._old), _merged(after, self._new)
        if _types(after) - _types(before) and _types(before):
            yield f"{place} has another type"
        fields, former = after.get("properties", {}), before.get("properties", {})
        yield from (f"{place}.{name} is gone" for name in sorted(former.keys() - fields.keys()))
        for name in former.keys() & fields.keys():
            yield from self.lost(f"{place}.{name}", former[name], fields[name], depth + 1)
        if "items" in before and "items" in after:
            yield from self.lost(f"{place}[]", before["items"], after["items"], depth + 1)


def _merged(schema: Schema, schemas: Mapping[str, Schema]) -> Schema:
    """Return a schema with its references followed; of alternatives, all that they say."""
    if "$ref" in schema:
        return _merged(schemas[schema["$ref"].rpartition("/")[2]], schemas)
    choices = [_merged(each, schemas) for each in schema.get("anyOf", ())]
    if not choices:
        return schema
    merged: dict[str, Any] = {"type": sorted({kind for each in choices for kind in _types(each)})}
    for each in choices:
        merged = {**each, **merged, "properties": {**merged.get("properties", {}), **each.get("properties", {})}}
    return merged


def _types(schema: Schema) -> set[str]:
    kind = schema.get("type")
    return set(kind) if isinstance(kind, list) else {kind} if kind else set()


def _values(schema: Schema) -> set[Any]:
    return set(schema.get("enum", ())) | ({schema["const"]} if "const" in schema else set())


def _less(left: Schema, right: Schema, name: str) -> bool:
    missing = float("-inf") if name in HIGHER else float("inf")
    return bool(left.get(name, missing) < right.get(name, missing))


def version() -> str:
    """Return the version of the product."""
    project: str = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    return project


if __name__ == "__main__":
    if sys.argv[1:] == ["release"]:
        kept = {"release": version(), "document": shape(openapi_document())}
        KEPT.write_text(json.dumps(kept, sort_keys=True, ensure_ascii=False) + "\n")
    else:
        sys.stdout.writelines(
            f"{each}\n" for each in breaking(json.loads(KEPT.read_text())["document"], openapi_document())
        )
