"""The OpenAPI document on standard output: `python -m api.export`."""

import json
import sys
from typing import Any

from fastapi import FastAPI

from api.app import FAMILIES, TITLE
from api.health import router as health
from api.metrics import router as metrics
from api.openapi import describe
from api.routes import flat


def document() -> dict[str, Any]:
    """Return the document of `/openapi.json`, except for the version."""
    app = FastAPI(title=TITLE, version="1")
    app.router.routes.extend(flat(FAMILIES))
    app.include_router(health)
    app.include_router(metrics)
    describe(app)
    result: dict[str, Any] = json.loads(json.dumps(app.openapi()))
    return result


if __name__ == "__main__":
    sys.stdout.write(json.dumps(document(), indent=1, sort_keys=True, ensure_ascii=False) + "\n")
