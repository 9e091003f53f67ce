"""The OpenAPI document, told truthfully: problems have their own media type, POSTs take a key."""

from typing import Any, Final

from fastapi import FastAPI

from api.problems import MEDIA

REPEAT: Final = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "The first answer to this key and body is given again for 24 hours.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255},
}


def describe(app: FastAPI) -> None:
    """Correct the document FastAPI makes, once, when it is first asked for."""
    plain = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = corrected(plain())
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI's documented way


def corrected(document: dict[str, Any]) -> dict[str, Any]:
    """Move problems to their media type, drop FastAPI's own, name the header every POST takes."""
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
    """A route that reads neither body nor query answers no 422, whatever FastAPI adds."""
    if "HTTPValidationError" in str(responses.get("422", "")):
        del responses["422"]
