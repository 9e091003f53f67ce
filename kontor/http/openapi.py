"""The OpenAPI document: what FastAPI writes, corrected and completed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from http import HTTPStatus
from typing import Final

from fastapi import FastAPI

from kontor.http.code_samples import samples_of
from kontor.http.error_codes import CODES
from kontor.http.openapi_examples import example_of, request_example
from kontor.http.openapi_texts import DESCRIPTION, HEADERS, TAGS
from kontor.http.responses import MEDIA
from kontor.http.routing import DESCRIPTIONS, PROBLEM, WRITING, KontorRoute
from kontor.http.wire import Json, ProblemOut

Addition = Callable[[dict[str, Json]], None]
Operation = dict[str, Json]
SCHEMA_OF: Final = "#/components/schemas/{model}"
REPEAT: Final = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "A repeated request with the same key and body gets the first response again, for 24 hours.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255},
    "example": "order-2026-17",
}
IF_NONE_MATCH: Final = {
    "name": "If-None-Match",
    "in": "header",
    "required": False,
    "description": "The `ETag` of the document that the caller has: unchanged, the answer is 304 without a body.",
    "schema": {"type": "string"},
}
IF_MATCH: Final = {
    "name": "If-Match",
    "in": "header",
    "required": False,
    "description": "The `ETag` of the document that the change is made to: of another one, the answer is 412.",
    "schema": {"type": "string"},
}
LIMITED: Final = ("Retry-After", "RateLimit", "RateLimit-Policy")
SENT: Final = {"401": ("WWW-Authenticate",), "409": ("Retry-After",), "429": LIMITED, "503": ("Retry-After",)}
"""Headers of problems, by status."""


def describe(app: FastAPI, *additions: Addition) -> None:
    """Replace the app's OpenAPI function by one that corrects the document on first use, and adds to it."""
    plain = app.openapi

    def openapi() -> dict[str, Json]:
        if app.openapi_schema is None:
            document = corrected(plain())
            tagged = {route.path for route in app.routes if isinstance(route, KontorRoute) and route.spec.tagged}
            _condition(document, tagged)
            for add in additions:
                add(document)
            _complete(document)
            app.openapi_schema = document
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI's documented way


def corrected(document: dict[str, Json]) -> dict[str, Json]:
    """Correct a document: the schema of problems, no FastAPI error schemas, Idempotency-Key on every POST."""
    schemas = document["components"]["schemas"]
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    problem = ProblemOut.model_json_schema(ref_template=SCHEMA_OF)
    for member in problem["properties"].values():
        member.pop("default", None)  # null: FastAPI writes none
    schemas |= {**problem.pop("$defs"), ProblemOut.__name__: problem}
    for path, method, operation in operations(document):
        if not path.startswith("/v1/"):
            continue
        _drop_foreign(operation["responses"])
        if method == "post":
            operation.setdefault("parameters", []).append(REPEAT)
    return document


def operations(document: dict[str, Json]) -> Iterator[tuple[str, str, Operation]]:
    """Return each operation with its path and method."""
    for path, item in document["paths"].items():
        for method, operation in item.items():
            yield path, method, operation


def _drop_foreign(responses: dict[str, Json]) -> None:
    """Drop the 422 that FastAPI adds to routes without body or query."""
    if "HTTPValidationError" in str(responses.get("422", "")):
        del responses["422"]


def _condition(document: dict[str, Json], tagged: set[str]) -> None:
    """Describe ETag, If-None-Match and If-Match."""
    for path, method, operation in operations(document):
        if path not in tagged:
            continue
        if method == "get":
            operation.setdefault("parameters", []).append(IF_NONE_MATCH)
            operation["responses"]["200"]["headers"] = {"ETag": _header("ETag")}
            operation["responses"]["304"] = {
                "description": "The caller has the document already.",
                "headers": {"ETag": _header("ETag")},
            }
        if method.upper() in WRITING:
            operation.setdefault("parameters", []).append(IF_MATCH)
            operation["responses"]["412"] = {"description": DESCRIPTIONS[412], "content": {MEDIA: {"schema": PROBLEM}}}


def _complete(document: dict[str, Json]) -> None:
    """Add what a reader needs: servers, licence, tags, headers, examples, codes."""
    document["info"] |= {
        "description": DESCRIPTION,
        "contact": {"name": "The provider that runs this Kontor"},
        "license": {"name": "Proprietary", "identifier": "LicenseRef-Proprietary"},
    }
    document["servers"] = [{"url": "/", "description": "The host that serves this document."}]
    components = document["components"]
    schemas = components["schemas"]
    schemas["ProblemOut"]["properties"]["code"]["enum"] = sorted(CODES)
    components["headers"] = {name: text.component() for name, text in HEADERS.items()}
    components["responses"] = {}
    for path, _, operation in operations(document):
        _describe(path, operation)
        operation["responses"] = {
            status: _response(components, status, response) for status, response in operation["responses"].items()
        }
        _give_examples(operation, schemas)
        samples = samples_of(operation["operationId"])
        if samples is not None:
            operation["x-codeSamples"] = samples
        for parameter in operation.get("parameters", ()):
            parameter.setdefault("description", f"{parameter['name'].replace('_', ' ').capitalize()}.")
    document["tags"] = [{"name": name, "description": text} for name, text in TAGS.items()]
    for schema in schemas.values():
        schema["examples"] = [example_of(schema, schemas)]


def _describe(path: str, operation: Operation) -> None:
    """Take the first sentence of the description as the summary; name calls without a key as such."""
    text = operation.get("description") or operation["summary"]
    operation["description"] = text
    operation["summary"] = text.partition("\n")[0].partition(". ")[0].rstrip(".")
    if not path.startswith("/v1/"):
        operation["operationId"] = operation["operationId"].partition("_")[0]
        operation.setdefault("security", [])
        operation["responses"].setdefault("404", {"description": "The host is none of this deployment's."})


def _response(components: dict[str, Json], status: str, response: dict[str, Json]) -> dict[str, Json]:
    """Add the headers of a response; a problem becomes a reference to the one of its status."""
    if MEDIA not in response.get("content", {}):
        names = ("X-Trace-Id", "Idempotency-Replayed") if status < "300" else ("X-Trace-Id",)
        return response | {"headers": {name: _header(name) for name in names} | response.get("headers", {})}
    name = HTTPStatus(int(status)).phrase.replace(" ", "")
    codes = [code for code, about in CODES.items() if int(status) in about.statuses]
    components["responses"][name] = {
        "description": response["description"],
        "headers": {each: _header(each) for each in ("X-Trace-Id", *SENT.get(status, ()))},
        "content": {MEDIA: {"schema": PROBLEM, "example": problem_example(int(status), codes[0])}},
    }
    return {"$ref": f"#/components/responses/{name}"}


def problem_example(status: int, code: str) -> dict[str, Json]:
    """Return a problem of a status."""
    about = CODES[code]
    return {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "code": code,
        "detail": about.cause,
        "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
    }


def _give_examples(operation: Operation, schemas: dict[str, Json]) -> None:
    """Give each body an example."""
    for media in operation.get("requestBody", {}).get("content", {}).values():
        media["example"] = request_example(media["schema"], schemas)
    for response in operation["responses"].values():
        for name, media in response.get("content", {}).items():
            if name == "application/json":
                media["example"] = example_of(media["schema"], schemas)
            else:
                media.setdefault("schema", {"type": "string"})
                media.setdefault("example", "kontor_up 1\n" if name == "text/plain" else "id,name\n")


def _header(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/headers/{name}"}
