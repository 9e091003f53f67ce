"""The floor of row 5: the same framework and server doing one bare INSERT. `python -m bench.bare_app PORT`."""

import sys
import threading
from typing import Any

import psycopg
import uvicorn
from fastapi import FastAPI
from psycopg.types.json import Jsonb
from pydantic import BaseModel, ConfigDict

from bench.effects import dsn
from kontor.kernel.ids import new_id

INSERT = "INSERT INTO bench_bare (id, payload) VALUES (%s, %s)"


class NewThing(BaseModel):
    """The body that POST /v1/jobs takes, as far as the bench sends it."""

    model_config = ConfigDict(extra="forbid")

    task: str
    args: dict[str, Any]


def build() -> FastAPI:
    """One route."""
    app = FastAPI()
    local = threading.local()

    @app.post("/v1/jobs", status_code=202)
    def create(body: NewThing) -> dict[str, str]:
        if not hasattr(local, "connection"):
            local.connection = psycopg.connect(dsn())
        row_id = new_id()
        local.connection.execute(INSERT, (row_id, Jsonb(body.args)))
        local.connection.commit()
        return {"id": str(row_id)}

    return app


if __name__ == "__main__":
    uvicorn.run(build(), port=int(sys.argv[1]), loop="uvloop", http="httptools", access_log=False, log_config=None)
