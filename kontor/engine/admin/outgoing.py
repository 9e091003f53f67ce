"""Hold back all that goes outside (mails, webhooks, calls, tasks of others), as in a restored copy, and release it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sqlalchemy.orm import Session

from kontor import audit
from kontor.audit import Actor
from kontor.engine.catalogue import Catalogue
from kontor.kernel.database import psycopg_connection
from kontor.kernel.states import TaskKind

HOLD: Final = """
INSERT INTO queues (name, paused, held) SELECT name, true, true FROM unnest(%s::text[]) AS name
ON CONFLICT (name) DO UPDATE SET paused = true, held = true WHERE NOT queues.paused
RETURNING name
"""
RELEASE: Final = "UPDATE queues SET paused = false, held = false WHERE held RETURNING name"
HELD: Final = "SELECT name FROM queues WHERE held AND paused ORDER BY name"


def outgoing(catalogue: Catalogue) -> list[str]:
    """Return the queues with tasks that act outside, sorted."""
    return sorted({payload.policy.queue for payload in catalogue if payload.policy.kind is TaskKind.EXTERNAL})


def hold(session: Session, catalogue: Catalogue, actor: Actor, at: datetime) -> Sequence[str]:
    """Pause the queues that act outside until `release`; return those that were not paused."""
    names = _names(session, HOLD, outgoing(catalogue))
    audit.record(session, actor, "queues.hold", "queues", at=at, detail={"queues": names})
    return names


def release(session: Session, actor: Actor, at: datetime) -> Sequence[str]:
    """Resume what `hold` paused, no queue that somebody paused by name; return the queues."""
    names = _names(session, RELEASE)
    audit.record(session, actor, "queues.release", "queues", at=at, detail={"queues": names})
    return names


def _names(session: Session, statement: str, *parameters: list[str]) -> list[str]:
    rows = psycopg_connection(session).execute(statement.encode(), parameters).fetchall()
    return sorted(str(name) for (name,) in rows)
