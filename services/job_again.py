"""A job run again as a new one, its args edited or not: the old one stays as it was."""

import json
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from domain.errors import FieldError, Invalid
from engine.control import Actor
from engine.enqueue import Jobs
from services.jobs import REDACTED, JobView
from store import audit


def parsed(text: str) -> Mapping[str, Any]:
    """Edited args; whole numbers of any size stay exact. Raises Invalid."""
    try:
        found = json.loads(text, parse_constant=_refuse)
    except ValueError as error:
        message = f"This is no JSON: {error}."
        raise Invalid("invalid_args", message, errors=[FieldError("args", message)]) from None
    if not isinstance(found, dict):
        message = 'Args are an object such as {"offer_id": "…"}.'
        raise Invalid("invalid_args", message, errors=[FieldError("args", message)])
    return found


def run_again(session: Session, jobs: Jobs, view: JobView, args: Mapping[str, Any], actor: Actor) -> UUID:
    """Enqueue the task anew for the same tenant and lane, without the old job's keys. Raises Invalid.

    What was shown redacted and left so keeps its value. The new job says that it came from the old one.
    """
    old = view.job
    whole = {name: _unredacted(view, name, value) for name, value in args.items()}
    family = jobs.child_of(old.id, old.trace_id)
    put = family.enqueue(session, old.task, whole, tenant=old.tenant, lane=old.lane, queue=old.queue)
    changed = sorted(name for name in {*whole, *old.payload} if whole.get(name) != old.payload.get(name))
    audit.add(
        session, at=jobs.clock.now(), actor=actor.name, action="job.again", target=f"job:{old.id}",
        reason=actor.reason, origin=actor.origin, detail={"job": str(put.id), "changed": changed},
    )  # fmt: skip
    return put.id


def _unredacted(view: JobView, name: str, value: Any) -> Any:
    hidden = value == REDACTED and view.args.get(name) == REDACTED and name in view.job.payload
    return view.job.payload[name] if hidden else value


def _refuse(word: str) -> Any:
    raise ValueError(f"{word} is no number")
