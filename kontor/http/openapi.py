"""The OpenAPI document: what FastAPI writes, corrected and completed."""

from collections.abc import Callable
from typing import Any, Final

from fastapi import FastAPI

from kontor.http.responses import MEDIA

REPEAT: Final = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "A repeated request with the same key and body gets the first response again, for 24 hours.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255},
}


Addition = Callable[[dict[str, Any]], None]


def describe(app: FastAPI, *additions: Addition) -> None:
    """Replace the app's OpenAPI function by one that corrects the document on first use, and adds to it."""
    plain = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = corrected(plain())
            for add in additions:
                add(document)
            app.openapi_schema = document
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI's documented way


def corrected(document: dict[str, Any]) -> dict[str, Any]:
    """Correct a document: problem media type, no FastAPI error schemas, Idempotency-Key on every POST."""
    for name in ("HTTPValidationError", "ValidationError"):
        document["components"]["schemas"].pop(name, None)
    for path, item in document["paths"].items():
        for method, operation in item.items():
            if not path.startswith("/v1/"):
                continue
            _drop_foreign(operation["responses"])
            for status, response in operation["responses"].items():
                if status >= "400" and "application/json" in response.get("content", {}):
                    response["content"] = {MEDIA: response["content"]["application/json"]}
            if method == "post":
                operation.setdefault("parameters", []).append(REPEAT)
    return document


def _drop_foreign(responses: dict[str, Any]) -> None:
    """Drop the 422 that FastAPI adds to routes without body or query."""
    if "HTTPValidationError" in str(responses.get("422", "")):
        del responses["422"]
