"""The committed OpenAPI document equals the served one."""

import json
from collections import Counter
from functools import cache
from typing import Any

import jsonschema_rs

from devtools.reference import openapi_document
from kontor.http.error_codes import CODES
from kontor.http.openapi import operations
from workers.migrations import ROOT

COMMAND = "python -m devtools.reference openapi > docs/openapi.json"
KEPT = ROOT / "docs" / "openapi.json"
DOCUMENT = openapi_document()
HOOKS = [("webhooks", name, item["post"]) for name, item in DOCUMENT["webhooks"].items()]
OPERATIONS = [*operations(DOCUMENT), *HOOKS]


def resolved(node: dict[str, Any]) -> dict[str, Any]:
    """Follow a reference."""
    while "$ref" in node:
        *_, kind, name = node["$ref"].split("/")
        node = DOCUMENT["components"][kind][name]
    return node


REGISTRY = jsonschema_rs.Registry([("urn:kontor", DOCUMENT)], draft=jsonschema_rs.Draft202012)


@cache
def validator(text: str) -> jsonschema_rs.Draft202012Validator:
    """The validator of a schema of the document, given as JSON; the document is read once for all of them."""
    schema = json.loads(text.replace('"#/components', '"urn:kontor#/components'))
    return jsonschema_rs.Draft202012Validator(schema, registry=REGISTRY, validate_formats=True)


def misfits(schema: dict[str, Any], value: Any) -> list[str]:
    """What is wrong with a value."""
    return [error.message for error in validator(json.dumps(schema)).iter_errors(value)]


def test_committed_document_equals_the_served_one() -> None:
    assert json.loads(KEPT.read_text()) == openapi_document(), f"stale: run `{COMMAND}`"


def test_every_operation_documents_its_security_and_responses() -> None:
    for path, item in DOCUMENT["paths"].items():
        for method, operation in item.items():
            if not path.startswith("/v1/"):
                continue
            statuses = set(operation["responses"])
            assert {"401", "403", "503"} <= statuses, (method, path)
            assert operation["security"] == [{"key": []}]
            if "{" in path:
                assert "404" in statuses, (method, path)
            if method == "post":
                assert {"409", "413", "422"} <= statuses, (method, path)


def test_every_list_has_the_same_shape() -> None:
    described = DOCUMENT
    lists = 0
    for item in described["paths"].values():
        good = item.get("get", {}).get("responses", {}).get("200", {})
        schema = good.get("content", {}).get("application/json", {}).get("schema", {})
        name = schema.get("$ref", "").rpartition("/")[2]
        properties = described["components"]["schemas"].get(name, {}).get("properties", {})
        if "items" in properties:
            lists += 1
            assert "next" in properties, name

    assert lists >= 12


def test_document_names_its_server_licence_contact_and_tags() -> None:
    info, used = DOCUMENT["info"], {tag for _, _, operation in OPERATIONS for tag in operation["tags"]}

    assert DOCUMENT["servers"][0]["url"] == "/"
    assert info["license"] == {"name": "Proprietary", "identifier": "LicenseRef-Proprietary"}
    assert info["contact"]["name"]
    assert info["description"]
    assert {tag["name"] for tag in DOCUMENT["tags"] if tag["description"]} == used


def test_each_operation_has_a_name_of_its_own_a_summary_and_a_refusal() -> None:
    for path, method, operation in OPERATIONS:
        assert operation["summary"], (path, method)
        assert operation["description"], (path, method)
        assert "security" in operation, (path, method)
        assert any(status.startswith("4") for status in operation["responses"]), (path, method)
        assert any(status.startswith("2") for status in operation["responses"]), (path, method)
        assert all(resolved(each)["description"] for each in operation.get("parameters", ())), (path, method)
    names = Counter(operation["operationId"] for _, _, operation in OPERATIONS)
    assert [name for name, count in names.items() if count > 1 or "__" in name] == []


def test_each_body_has_an_example_that_its_schema_allows() -> None:
    bodies = 0
    for path, method, operation in OPERATIONS:
        answers = [resolved(each) for each in operation["responses"].values()]
        for holder in [operation.get("requestBody", {}), *answers]:
            for media in holder.get("content", {}).values():
                bodies += 1
                assert misfits(media["schema"], media["example"]) == [], (path, method)

    assert bodies > 300


def test_each_schema_has_an_example_that_it_allows() -> None:
    for name, schema in DOCUMENT["components"]["schemas"].items():
        assert [misfits(schema, example) for example in schema["examples"]] == [[]], name
        assert not name.endswith("Doc")
        assert "__" not in name


def test_headers_of_answers_are_described() -> None:
    for path, method, operation in operations(DOCUMENT):
        for status, answer in operation["responses"].items():
            headers = resolved(answer).get("headers", {})
            assert "X-Trace-Id" in headers, (path, method, status)
            assert "Retry-After" in headers or status not in ("429", "503") or not path.startswith("/v1/")
    shown = DOCUMENT["paths"]["/v1/accounts/{account_id}"]
    assert "ETag" in shown["get"]["responses"]["200"]["headers"]
    assert {"304"} <= shown["get"]["responses"].keys()
    assert {"412"} <= shown["patch"]["responses"].keys()


def test_codes_of_problems_are_listed() -> None:
    assert DOCUMENT["components"]["schemas"]["ProblemOut"]["properties"]["code"]["enum"] == sorted(CODES)


def test_next_and_cursor_of_every_list_are_texts() -> None:
    for path, method, operation in operations(DOCUMENT):
        for parameter in operation.get("parameters", ()):
            if parameter["name"] == "cursor":
                types = [each.get("type") for each in parameter["schema"].get("anyOf", [parameter["schema"]])]
                assert types == ["string", "null"], (path, method)
