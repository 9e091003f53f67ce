"""The committed OpenAPI document equals the served one."""

import json

from devtools.reference import openapi_document
from workers.migrations import ROOT

COMMAND = "python -m devtools.reference openapi > docs/openapi.json"
KEPT = ROOT / "docs" / "openapi.json"


def test_committed_document_equals_the_served_one() -> None:
    assert json.loads(KEPT.read_text()) == openapi_document(), f"stale: run `{COMMAND}`"


def test_every_operation_documents_its_security_and_responses() -> None:
    for path, item in openapi_document()["paths"].items():
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
    described = openapi_document()
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
