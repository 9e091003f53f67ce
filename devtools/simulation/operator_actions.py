"""Actions of operators: programme files, mergers, the round every morning."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import yaml
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from devtools.simulation.action_context import ActionContext, ActionHandler, ActionResult, Values
from kontor.accounts import merge as accounts_merge
from kontor.audit import Actor
from kontor.discounts import run_admin
from kontor.engine.admin.operations import Operations
from kontor.engine.dead_jobs import dead_jobs
from kontor.kernel.states import DeadReason, RunState
from kontor.programme.rollout import ApplyOptions, apply_file
from models.discounts import DiscountRun

OPERATOR: Final = "operator:simulation"
LANE_HELD: Final = f"SELECT id FROM {dead_jobs('id, reason')} WHERE reason = :reason ORDER BY id"  # noqa: S608 -- constants


def merge(ctx: ActionContext, session: Session, values: Values) -> None:
    """Preview a merge, then enqueue it."""
    context, source, target = ctx.environment.context, ctx.id(values["source"]), ctx.id(values["target"])
    accounts_merge.require_no_conflicts(accounts_merge.preview(context, session, source, target))
    accounts_merge.enqueue(context, session, source, target)


def operator_round(ctx: ActionContext, session: Session, values: Values) -> Mapping[str, int]:
    """Approve held discount runs and retry jobs that died because an instance was down too long."""
    held = session.scalars(select(DiscountRun.id).where(DiscountRun.state == RunState.HELD)).all()
    for run_id in held:
        run_admin.approve(ctx.environment.context, session, run_id, OPERATOR, "a quiet month begins")
    dead = session.scalars(text(LANE_HELD), {"reason": DeadReason.LANE_HELD.value}).all()
    operations = Operations(ctx.environment.jobs)
    for job_id in dead:
        operations.retry(session, job_id, Actor(OPERATOR, reason="the instance is back"))
    return {"approved": len(held), "retried": len(dead)}


def apply(ctx: ActionContext, session: Session, values: Values) -> ActionResult:
    """Apply the last file with some values replaced, with approval where the plan requires it."""
    document = changed(ctx.document, values["changes"])
    text, context, code = yaml.safe_dump(document, sort_keys=False), ctx.environment.context, ctx.programme_code
    dry = ApplyOptions(dry_run=True, effective=values["effective"])
    planned = apply_file(context, session, code, text, actor=OPERATOR, options=dry)
    approve = planned.hash if planned.needs_approval else None
    options = ApplyOptions(effective=values["effective"], approve=approve, reason="the new price list")
    done = apply_file(context, session, code, text, actor=OPERATOR, options=options)
    ctx.document.update(document)
    return {"version": done.plan.version, "applied": done.plan.applied, "approved": planned.needs_approval}


def changed(document: Mapping[str, object], changes: Mapping[str, object]) -> dict[str, object]:
    """Return a document with the values at some paths replaced; a path is its keys, joined with `/`."""
    result: object = document
    for path, value in changes.items():
        result = replaced(result, path.split("/"), value)
    assert isinstance(result, dict)
    return result


def replaced(node: object, steps: Sequence[str], value: object) -> object:
    """Return a part of a document with the value at a path replaced."""
    if not steps:
        return value
    key, *rest = steps
    if isinstance(node, list):
        return [replaced(each, rest, value) if place == int(key) else each for place, each in enumerate(node)]
    assert isinstance(node, dict)
    return {**node, key: replaced(node.get(key), rest, value)}


OPERATOR_ACTIONS: Final[Mapping[str, ActionHandler]] = {"merge": merge, "round": operator_round, "apply": apply}
