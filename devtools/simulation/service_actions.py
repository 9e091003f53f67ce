"""Actions about services, and the handlers that make them: declared push types, answered by the fake network."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final

from sqlalchemy.orm import Session

from devtools.simulation.action_context import ActionContext, ActionHandler, ActionResult, Values
from devtools.simulation.environment import HANDLER, SimulationEnvironment
from kontor.kernel.states import ServiceVerb, SuspensionCause
from kontor.programme.model import Programme
from kontor.provisioning import ordering, renewals
from kontor.provisioning import service as services
from kontor.provisioning.ordering import NewOrder
from kontor.provisioning.service import Request
from kontor.task_types.declaration import TaskTypeIn
from kontor.task_types.service import TaskTypes

ACTOR: Final = "operator:simulation"


def declare(environment: SimulationEnvironment, session: Session, programme: Programme) -> None:
    """Declare the task types that the programme's products name, all pushed to one handler."""
    types = TaskTypes(environment.jobs.catalogue, environment.secret_box)
    declared = TaskTypeIn.model_validate_json(json.dumps({"handler": {"push": HANDLER}}))
    names = {task for product in programme.products.values() for task in product.provisioning.tasks.values()}
    for name in sorted(names):
        types.put(session, name, declared, environment.now, ACTOR)


def order(ctx: ActionContext, session: Session, values: Values) -> ActionResult:
    """Order a service; return its price."""
    rules = ctx.programme.products[values["product"]].provisioning
    config = None if rules.config is None else {"region": "eu"}
    new = NewOrder(values["product"], values["order_ref"], values["quantity"], config=config)
    placed = ordering.place(ctx.environment.context, session, ctx.id(values["reseller"]), new).order
    assert placed.service_id is not None
    ctx.remember(values["service"], placed.service_id)
    return {"net": f"{placed.net:f}"}


def ask(ctx: ActionContext, session: Session, values: Values) -> None:
    """Ask something of a service as an operator."""
    context, service_id, verb = ctx.environment.context, ctx.id(values["service"]), values["verb"]
    if verb == "retry":
        ordering.retry(context, session, service_id, Request(ServiceVerb.CREATE, ACTOR))
    elif verb == ServiceVerb.RENEW:
        renewals.renew(context, session, service_id, Request(ServiceVerb.RENEW, ACTOR))
    else:
        by_hand = verb in (ServiceVerb.SUSPEND, ServiceVerb.RESUME)
        request = Request(ServiceVerb(verb), ACTOR, cause=SuspensionCause.OPERATOR.value if by_hand else None)
        services.ask(context, session, services.locked(session, service_id), request)


SERVICE_ACTIONS: Final[Mapping[str, ActionHandler]] = {"service": order, "ask": ask}
