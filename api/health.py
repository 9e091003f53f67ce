"""Liveness and readiness of the web process."""

from typing import Any

import psycopg
from fastapi import APIRouter
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from starlette.requests import Request
from starlette.responses import JSONResponse

from api.deps import Deps

router = APIRouter(tags=["health"])
READY: dict[int | str, dict[str, Any]] = {503: {"description": "Not ready; `why` has the cause."}}


@router.get("/healthz")
async def healthz() -> dict[str, str]:
    """Report that the process is alive."""
    return {"status": "ok"}


@router.get("/readyz", responses=READY)
def readyz(request: Request) -> JSONResponse:
    """Report whether the database responds and has the schema."""
    deps: Deps = request.app.state.deps
    try:
        with deps.sessions() as session:
            session.execute(text("SELECT 1 FROM jobs LIMIT 1"))
    except (SQLAlchemyError, psycopg.Error) as error:
        why = str(getattr(error, "orig", None) or error).strip().splitlines()[0]
        return JSONResponse({"status": "unavailable", "why": why}, 503)
    return JSONResponse({"status": "ok"})
