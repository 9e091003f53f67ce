"""Rerun a job as a new one, with the same or edited args; the old job is left unchanged."""

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
    """Parse edited args from JSON; integers of any size stay exact. Raises Invalid."""
    try:
        args = json.loads(text, parse_constant=_refuse)
    except ValueError as error:
        message = f"Invalid JSON: {error}."
        raise Invalid("invalid_args", message, errors=[FieldError("args", message)]) from None
    if not isinstance(args, dict):
        message = 'Args must be a JSON object such as {"offer_id": "…"}.'
        raise Invalid("invalid_args", message, errors=[FieldError("args", message)])
    return args


def run_again(session: Session, jobs: Jobs, view: JobView, args: Mapping[str, Any], actor: Actor) -> UUID:
    """Enqueue the task again for the same tenant and lane, without the old job's keys. Raises Invalid.

    Args that were shown redacted and not edited keep their values. The new job is a child of the old one.
    """
    old = view.job
    payload = {name: _unredacted(view, name, value) for name, value in args.items()}
    family = jobs.child_of(old.id, old.trace_id)
    job = family.enqueue(session, old.task, payload, tenant=old.tenant, lane=old.lane, queue=old.queue)
    changed = sorted(name for name in {*payload, *old.payload} if payload.get(name) != old.payload.get(name))
    audit.add(
        session, at=jobs.clock.now(), actor=actor.name, action="job.again", target=f"job:{old.id}",
        reason=actor.reason, origin=actor.origin, detail={"job": str(job.id), "changed": changed},
    )  # fmt: skip
    return job.id


def _unredacted(view: JobView, name: str, value: Any) -> Any:
    hidden = value == REDACTED and view.args.get(name) == REDACTED and name in view.job.payload
    return view.job.payload[name] if hidden else value


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is no number")
