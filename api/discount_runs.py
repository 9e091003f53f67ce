"""Runs over all resellers of a programme: for operators, with unbound keys."""

from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import Query
from pydantic import Field

from api import owners
from api.answers import Answer
from api.call import Access, Call, Here
from api.money import MoneyDoc
from api.payments import discount_book
from api.queues import Reason
from api.routes import Routes
from api.schema import Day, Incoming, Moment, Outgoing, Page, Paging
from models.discounts import DiscountRun, RunState
from models.keys import Scope
from services.discounts import overseeing
from store.discount_runs import RunFilter

routes = Routes("discounts")
READ = Access(Scope.READ, "run_id", owners.provider)
DECIDE = Access(Scope.OPERATE, "run_id", owners.provider)


class NewRun(Incoming):
    """Which programme; a dry run computes and writes nothing."""

    programme: str
    dry_run: bool = False


class RunQuery(Paging):
    """Which runs."""

    programme: str | None = None
    state: RunState | None = None
    day: Day | None = None


class TotalDoc(Outgoing):
    """How many move from which tier to which; null stands for no tier."""

    from_: Annotated[str | None, Field(alias="from")]
    to: str | None
    resellers: int


class MoverDoc(Outgoing):
    """A reseller that moves."""

    reseller_id: UUID
    from_: Annotated[str | None, Field(alias="from")]
    to: str | None
    turnover: MoneyDoc


class PreviewDoc(Outgoing):
    """What a run would do; `movers` names the first thousand."""

    programme: str
    day: date
    resellers: int
    moved: int
    guard_rail: float
    needs_approval: bool
    moves: list[TotalDoc]
    movers: list[MoverDoc]


class RunDoc(Outgoing):
    """A run; `guard_rail` is the per cent of resellers it may move without an approval."""

    id: UUID
    programme: str
    day: date
    state: RunState
    ranges: int
    computed: int
    applied: int
    resellers: int
    moved: int
    guard_rail: float
    moves: list[TotalDoc]
    started_at: Moment
    decided_at: Moment | None
    decided_by: str | None
    reason: str | None
    finished_at: Moment | None


def shown(call: Call, run: DiscountRun) -> RunDoc:
    """A run with its totals."""
    return RunDoc.model_validate(overseeing.documents(call.session, [run])[0])


@routes.post(
    "/v1/discount-runs",
    Access(Scope.OPERATE, unbound_only=True),
    answer=RunDoc,
    status=202,
    also={200: PreviewDoc},
)
def begin_run(call: Here, body: NewRun) -> Answer:
    """Begin a run for today, by jobs; a dry run answers at once. 422 `no_turnover_discount`."""
    book = discount_book(call)
    if body.dry_run:
        return Answer.of(PreviewDoc.model_validate(overseeing.preview(book, call.session, body.programme)))
    run = overseeing.begin(book, call.session, body.programme, call.caller.actor)
    return Answer.of(shown(call, run), 202, {"Location": f"/v1/discount-runs/{run.id}"})


@routes.get("/v1/discount-runs", Access(Scope.READ, unbound_only=True), answer=Page[RunDoc])
def list_runs(call: Here, query: Annotated[RunQuery, Query()]) -> Page[RunDoc]:
    """Runs, newest first."""
    wanted = RunFilter(query.programme, query.state, query.day)
    page = overseeing.page(call.session, wanted, query.cursor, query.limit)
    documents = overseeing.documents(call.session, page.items)
    return Page(items=[RunDoc.model_validate(one) for one in documents], next=page.next)


@routes.get("/v1/discount-runs/{run_id}", READ, answer=RunDoc)
def get_run(call: Here, run_id: UUID) -> RunDoc:
    """One run with its totals."""
    return shown(call, overseeing.get(call.session, run_id))


@routes.get("/v1/discount-runs/{run_id}/movers", READ, answer=Page[MoverDoc])
def list_movers(call: Here, run_id: UUID, query: Annotated[Paging, Query()]) -> Page[MoverDoc]:
    """Who moved in a run, or would if it were approved, in the order of their ids."""
    page = overseeing.movers(call.session, run_id, query.cursor, query.limit)
    book, run = discount_book(call), overseeing.get(call.session, run_id)
    documents = [overseeing.mover_document(book, call.session, run, move) for move in page.items]
    return Page(items=[MoverDoc.model_validate(one) for one in documents], next=page.next)


@routes.post("/v1/discount-runs/{run_id}/approve", DECIDE, answer=RunDoc)
def approve_run(call: Here, run_id: UUID, body: Reason = Reason()) -> RunDoc:  # noqa: B008 -- frozen
    """Let a held run record and mail. 409 `not_held` with the state."""
    run = overseeing.approve(discount_book(call), call.session, run_id, call.caller.actor, body.reason)
    return shown(call, run)


@routes.post("/v1/discount-runs/{run_id}/reject", DECIDE, answer=RunDoc)
def reject_run(call: Here, run_id: UUID, body: Reason = Reason()) -> RunDoc:  # noqa: B008 -- frozen
    """Have a held run record nothing. 409 `not_held` with the state."""
    run = overseeing.reject(discount_book(call), call.session, run_id, call.caller.actor, body.reason)
    return shown(call, run)
