"""The OpenAPI document on standard output: `python -m devtools.export_openapi`."""

import json
import sys
from typing import Any

from fastapi import FastAPI

from kontor.http.routing import describe, flat
from kontor.monitoring.routes import health_router, metrics_router
from workers.web_app import FAMILIES, TITLE


def document() -> dict[str, Any]:
    """Return the document of `/openapi.json`, except for the version."""
    app = FastAPI(title=TITLE, version="1")
    app.router.routes.extend(flat(FAMILIES))
    app.include_router(health_router)
    app.include_router(metrics_router)
    describe(app)
    result: dict[str, Any] = json.loads(json.dumps(app.openapi()))
    return result


if __name__ == "__main__":
    sys.stdout.write(json.dumps(document(), indent=1, sort_keys=True, ensure_ascii=False) + "\n")
