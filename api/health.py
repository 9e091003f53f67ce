"""Whether this process lives, and whether it can serve."""

from typing import Any

import psycopg
from fastapi import APIRouter
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from starlette.requests import Request
from starlette.responses import JSONResponse

from api.deps import Deps

router = APIRouter(tags=["health"])
READY: dict[int | str, dict[str, Any]] = {503: {"description": "Not ready, and why."}}


@router.get("/healthz")
async def healthz() -> dict[str, str]:
    """The process lives."""
    return {"status": "ok"}


@router.get("/readyz", responses=READY)
def readyz(request: Request) -> JSONResponse:
    """The database answers and has the schema."""
    deps: Deps = request.app.state.deps
    try:
        with deps.sessions() as session:
            session.execute(text("SELECT 1 FROM jobs LIMIT 1"))
    except (SQLAlchemyError, psycopg.Error) as error:
        why = str(getattr(error, "orig", None) or error).strip().splitlines()[0]
        return JSONResponse({"status": "unavailable", "why": why}, 503)
    return JSONResponse({"status": "ok"})
