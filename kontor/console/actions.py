"""Table of every action of the console."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from kontor.accounts import acts_console, instances
from kontor.accounts import console as accounts_console
from kontor.audit import Actor
from kontor.bulk import console as bulk
from kontor.console import queues as queue_pages
from kontor.discounts import runs_console
from kontor.engine.admin import lanes, queues
from kontor.engine.admin.operations import Operations
from kontor.engine.enqueue import Jobs
from kontor.fees import console as fees_console
from kontor.offers import console as offers_console
from kontor.offers.send_form import deliver_again
from kontor.operators import console as operators_console
from kontor.orders import console as orders_console
from kontor.payments import console as payments_console
from kontor.provisioning import console as services_console
from kontor.reconciliation import console as reconciliation_console
from kontor.ui import texts
from kontor.ui.console_request import ConsoleAction, ConsoleRequest, Perform
from kontor.webhooks import console as webhooks_console
from models.people import OperatorRole

Steer = Callable[[ConsoleRequest, str, Actor], object]
"""Steers the object that a part of the path names; its result completes the page to return to."""


@dataclass(frozen=True, slots=True)
class Subject:
    """A kind of object that operators steer: `path` is its list, `path_param` names one of it."""

    code: str
    path: str
    path_param: str = "name"
    cancel_url: str | None = None

    def action(self, verb: str, steer: Steer, back: str, *, needs_reason: bool = False) -> ConsoleAction:
        """Return the action `verb`; `back` is the page to return to, {} in it the result of `steer`."""

        def perform(request: ConsoleRequest, reason: str | None) -> str:
            return back.format(steer(request, request.incoming.params[self.path_param], request.actor(reason)))

        return ConsoleAction(
            f"{self.path}/{{{self.path_param}}}/{verb}",
            f"{self.code}.{verb}",
            perform,
            nav=self.path.removeprefix("/console/"),
            cancel_url=self.cancel_url or self.path,
            path_param=self.path_param,
            needs_reason=needs_reason,
        )


def _by_id(method: Callable[[Operations, Session, UUID, Actor], object]) -> Steer:
    """Call an operation with a job's id; the result is that id."""

    def steer(request: ConsoleRequest, _text: str, actor: Actor) -> UUID:
        job_id = request.incoming.uuid(JOB.path_param)
        method(request.operations, request.session, job_id, actor)
        return job_id

    return steer


def _by_name(method: Callable[[Operations, Session, str, Actor], object]) -> Steer:
    """Call an operation with a name."""
    return lambda request, name, actor: method(request.operations, request.session, name, actor)


def _in_engine(function: Callable[[Session, Jobs, str, Actor], object]) -> Steer:
    """Call a function of the engine with a name."""
    return lambda request, name, actor: function(request.session, request.jobs, name, actor)


JOB: Final = Subject("job", "/console/jobs", "job_id", "/console/jobs/{}")
QUEUE: Final = Subject("queue", "/console/queues")
WORKER: Final = Subject("worker", "/console/workers", "worker")
SCHEDULE: Final = Subject("schedule", "/console/schedules")
LANE: Final = Subject("lane", "/console/instances")
DRAIN: Final = _in_engine(partial(queues.set_draining, draining=True))
UNDRAIN: Final = _in_engine(partial(queues.set_draining, draining=False))

ENGINE_ACTIONS: Final = (
    JOB.action("retry", _by_id(Operations.retry), "/console/jobs/{}?done=retry"),
    JOB.action("cancel", _by_id(Operations.cancel), "/console/jobs/{}?done=cancel", needs_reason=True),
    QUEUE.action("pause", _by_name(Operations.pause_queue), "/console/queues?done=pause-queue", needs_reason=True),
    QUEUE.action("resume", _by_name(Operations.resume_queue), "/console/queues?done=resume-queue"),
    WORKER.action("drain", DRAIN, "/console/workers?done=drain", needs_reason=True),
    WORKER.action("undrain", UNDRAIN, "/console/workers?done=undrain"),
    SCHEDULE.action("run", _by_name(Operations.run_schedule), "/console/jobs/{}?done=run"),
    SCHEDULE.action(
        "pause", _by_name(Operations.pause_schedule), "/console/schedules?done=pause-schedule", needs_reason=True
    ),
    SCHEDULE.action("resume", _by_name(Operations.resume_schedule), "/console/schedules?done=resume-schedule"),
    LANE.action("probe", _in_engine(instances.probe_lane), "/console/instances?done=probe"),
    LANE.action("hold", _in_engine(lanes.hold), "/console/instances?done=hold", needs_reason=True),
    LANE.action("release", _in_engine(instances.release_lane), "/console/instances?done=release"),
)

PEOPLE: Final = "/console/people"
ACCOUNT_ACTS: Final[tuple[tuple[str, str, Perform, tuple[str, str] | None], ...]] = (
    ("become-reseller", "reseller.begin", acts_console.make_reseller, None),
    ("trial", "trial.start", acts_console.start_trial, None),
    ("plan", "plan.change", acts_console.change_plan, ("plan", texts.PLAN_LABEL)),
    ("delete", "deletion.begin", acts_console.delete, None),
    ("restore", "deletion.undo", acts_console.restore, None),
    ("domain", "domain.mark", acts_console.mark_domain, ("domain", texts.DOMAIN_LABEL)),
)
BULK: Final = "/console/bulk/{}"
ACTIONS: Final = (
    *ENGINE_ACTIONS,
    ConsoleAction(
        "/console/bulk/{run_id}/start", "bulk.start", bulk.start, nav="bulk", path_param="run_id", cancel_url=BULK,
        needs_reason=True,
    ),
    ConsoleAction(
        "/console/bulk/{run_id}/pause", "bulk.pause", bulk.pause, nav="bulk", path_param="run_id", cancel_url=BULK
    ),
    ConsoleAction(
        "/console/bulk/{run_id}/resume", "bulk.resume", bulk.resume, nav="bulk", path_param="run_id", cancel_url=BULK
    ),
    ConsoleAction(
        "/console/bulk/{run_id}/stop", "bulk.stop", bulk.stop, nav="bulk", path_param="run_id", cancel_url=BULK,
        needs_reason=True,
    ),
    ConsoleAction(
        "/console/accounts/{account_id}/suspend", "suspension.set", accounts_console.suspend, nav="accounts",
        path_param="account_id", cancel_url="/console/accounts/{}", needs_reason=True,
    ),
    ConsoleAction(
        "/console/accounts/{account_id}/resume", "suspension.lift", accounts_console.resume, nav="accounts",
        path_param="account_id", cancel_url="/console/accounts/{}", needs_reason=True,
    ),
    *(
        ConsoleAction(
            f"/console/services/{{service_id}}/{path}", f"service.{verb.value}",
            partial(services_console.ask, verb=verb),
            nav="services", path_param="service_id", cancel_url="/console/services/{}", needs_reason=True,
        )
        for verb, path in services_console.BUTTONS.items()
    ),
    ConsoleAction(
        "/console/accounts/{account_id}/remove-factors", "factors.remove", accounts_console.remove_factors,
        nav="accounts", path_param="account_id", cancel_url="/console/accounts/{}", needs_reason=True,
    ),
    *(
        ConsoleAction(
            f"/console/accounts/{{account_id}}/{verb}", code, perform, nav="accounts", path_param="account_id",
            cancel_url="/console/accounts/{}", needs_reason=True, field=field,
        )
        for verb, code, perform, field in ACCOUNT_ACTS
    ),
    ConsoleAction(
        "/console/offers/{offer_id}/cancel", "withdrawal.begin", acts_console.withdraw_offer, nav="accounts",
        path_param="offer_id", cancel_url="/console/offers/{}", needs_reason=True,
    ),
    ConsoleAction(
        "/console/orders/{order_id}/cancel", "order.cancel", orders_console.cancel, nav="accounts",
        path_param="order_id", cancel_url="/console/orders/{}", needs_reason=True, stake=orders_console.at_stake,
    ),
    ConsoleAction(
        "/console/charges/{charge_id}/void", "charge.void", fees_console.void, nav="accounts",
        path_param="charge_id", cancel_url="/console/charges/{}", needs_reason=True, stake=fees_console.at_stake,
    ),
    *(
        ConsoleAction(
            f"/console/discount-runs/{{run_id}}/{verb}", f"discount_run.{verb}", perform, nav="accounts",
            path_param="run_id", cancel_url="/console/discount-runs/{}", needs_reason=True, stake=runs_console.at_stake,
        )
        for verb, perform in (("approve", runs_console.approve), ("reject", runs_console.reject))
    ),
    ConsoleAction(
        "/console/endpoints/{endpoint_id}/replay", "endpoint.replay", webhooks_console.replay, nav="accounts",
        path_param="endpoint_id", cancel_url="/console/endpoints/{}",
    ),
    ConsoleAction(
        "/console/endpoints/{endpoint_id}/test", "endpoint.test", webhooks_console.send_test, nav="accounts",
        path_param="endpoint_id", cancel_url="/console/endpoints/{}",
    ),
    ConsoleAction(
        "/console/offers/{offer_id}/deliver", "offer.deliver", deliver_again, nav="accounts", path_param="offer_id",
        cancel_url="/console/offers/{}", needs_reason=True,
    ),
    ConsoleAction(
        "/console/queues/{name}/limit", "queue.limit", queue_pages.limit, nav="queues", cancel_url="/console/queues/{}",
        needs_reason=True, field=("concurrency", texts.LIMIT_LABEL),
    ),
    ConsoleAction(
        "/console/reconciliation/{gap_id}/mend", "gap.mend", reconciliation_console.mend, nav="reconciliation",
        path_param="gap_id", cancel_url=reconciliation_console.BASE_PATH,
    ),
    ConsoleAction(
        "/console/reconciliation/{gap_id}/accept", "gap.accept", reconciliation_console.accept, nav="reconciliation",
        path_param="gap_id", cancel_url=reconciliation_console.BASE_PATH, needs_reason=True,
    ),
    ConsoleAction(
        "/console/payments/unmatched/{unmatched_id}/assign", "payment.assign", payments_console.assign,
        nav=payments_console.NAV, path_param="unmatched_id", cancel_url=payments_console.UNMATCHED_PATH,
        field=("reseller", texts.PAYEE_LABEL),
    ),
    ConsoleAction(
        "/console/payments/unmatched/{unmatched_id}/dismiss", "payment.dismiss", payments_console.dismiss,
        nav=payments_console.NAV, path_param="unmatched_id", cancel_url=payments_console.UNMATCHED_PATH,
        needs_reason=True,
    ),
    ConsoleAction(
        "/console/accounts/{account_id}/free-offers", "account.free_offers", offers_console.free_offers, nav="accounts",
        path_param="account_id", cancel_url="/console/accounts/{}", needs_reason=True,
    ),
    ConsoleAction(
        "/console/people/{operator_id}/disable", "operator.disable", operators_console.disable, nav="people",
        path_param="operator_id", cancel_url=PEOPLE, needs_reason=True, role=OperatorRole.ADMIN,
    ),
    ConsoleAction(
        "/console/people/{operator_id}/enable", "operator.enable", operators_console.enable, nav="people",
        path_param="operator_id", cancel_url=PEOPLE, role=OperatorRole.ADMIN,
    ),
    ConsoleAction(
        "/console/keys/{key_id}/revoke", "key.revoke", operators_console.revoke_key, nav="people", path_param="key_id",
        cancel_url="/console/keys", needs_reason=True, role=OperatorRole.ADMIN,
    ),
)  # fmt: skip
