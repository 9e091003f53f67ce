"""The engine inline on a test's database, with scripted handlers."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from kontor.adapters.fakes import ManualClock
from kontor.engine.catalogue import Payload
from kontor.engine.handlers import Handler
from kontor.engine.testing import InlineWorker
from kontor.kernel.states import TRANSITIONS
from tests.integration.engine.scripted_tasks import (
    EFFECTS,
    Script,
    Sender,
    SendParked,
    VerifyingSender,
    WriteAlone,
    WriteElsewhere,
    Writer,
)

GUARD = """
CREATE FUNCTION only_these_arrows() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.state <> NEW.state AND NOT (OLD.state || '>' || NEW.state) = ANY (ARRAY[{arrows}]) THEN
        RAISE EXCEPTION 'a job moved from %% to %%', OLD.state, NEW.state;
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER only_these_arrows BEFORE UPDATE ON jobs FOR EACH ROW EXECUTE FUNCTION only_these_arrows()
"""


def guard(engine: Engine) -> None:
    """Create the effects table, and a trigger that refuses transitions outside the life cycle."""
    arrows = ", ".join(f"'{start}>{end}'" for start, ends in TRANSITIONS.items() for end in ends)
    with engine.begin() as connection:
        connection.execute(text(EFFECTS))
        connection.exec_driver_sql(GUARD.format(arrows=arrows))


@dataclass
class EngineHarness:
    """An inline engine, its script, and queries on its tables."""

    inline: InlineWorker
    script: Script
    engine: Engine
    clock: ManualClock

    def put(self, payload: Payload, **options: Any) -> UUID:
        with Session(self.engine) as session, session.begin():
            return self.inline.jobs.enqueue(session, payload.policy.name, payload, **options).id

    def job(self, job_id: UUID) -> Any:
        """The row of a job in either table."""
        columns = "state, attempt, crashes, reason, worker, result, error, run_at, held"
        query = text(
            f"SELECT {columns} FROM jobs WHERE id = :id UNION ALL"
            f" SELECT {columns.replace('held', 'false')} FROM jobs_archive WHERE id = :id"
        )
        with self.engine.connect() as connection:
            return connection.execute(query, {"id": job_id}).one()

    def state(self, job_id: UUID) -> str:
        return str(self.job(job_id).state)

    def outcomes(self, job_id: UUID) -> list[str]:
        """The outcomes of recorded attempts, oldest first."""
        query = text("SELECT outcome FROM job_attempts WHERE job_id = :id ORDER BY seq")
        with self.engine.connect() as connection:
            return [row[0] for row in connection.execute(query, {"id": job_id})]

    def effects(self) -> list[str]:
        with self.engine.connect() as connection:
            return [row[0] for row in connection.execute(text("SELECT note FROM effects ORDER BY note"))]

    def ask(self, statement: str, **values: Any) -> Any:
        """Execute a statement and commit; returns one value, if there is one."""
        with self.engine.begin() as connection:
            result = connection.execute(text(statement), values)
            return result.scalar() if result.returns_rows else None


@pytest.fixture
def script() -> Script:
    return Script()


@pytest.fixture
def world(engine: Engine, script: Script) -> Iterator[EngineHarness]:
    clock = ManualClock()
    guard(engine)
    handlers: list[Handler] = [
        Writer(script),
        Writer(script, WriteElsewhere),
        Writer(script, WriteAlone),
        Sender(script),
        VerifyingSender(script),
        Sender(script, SendParked),
    ]
    with InlineWorker(engine, handlers, clock) as inline:
        yield EngineHarness(inline, script, engine, clock)
