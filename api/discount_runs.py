"""Discount runs over all resellers of a programme; unbound keys only."""

from typing import Annotated
from uuid import UUID

from fastapi import Query

from api import owners
from api.answers import Answer
from api.call import Access, Call, Here
from api.discount_run_docs import MoverDoc, NewRun, PreviewDoc, RunDoc, RunQuery
from api.payments import discount_book
from api.queues import Reason
from api.routes import Routes
from api.schema import Page, Paging
from models.discounts import DiscountRun
from models.keys import Scope
from services.discounts import overseeing
from store.discount_runs import RunFilter

routes = Routes("discounts")
READ = Access(Scope.READ, "run_id", owners.provider)
DECIDE = Access(Scope.OPERATE, "run_id", owners.provider)


def shown(call: Call, run: DiscountRun) -> RunDoc:
    """Build the response for a run, with its totals."""
    return RunDoc.model_validate(overseeing.documents(call.session, [run])[0])


@routes.post(
    "/v1/discount-runs",
    Access(Scope.OPERATE, unbound_only=True),
    answer=RunDoc,
    status=202,
    also={200: PreviewDoc},
)
def begin_run(call: Here, body: NewRun) -> Answer:
    """Start a run for today as jobs; a dry run returns its result. 422 `no_turnover_discount`."""
    book = discount_book(call)
    if body.dry_run:
        return Answer.of(PreviewDoc.model_validate(overseeing.preview(book, call.session, body.programme)))
    run = overseeing.begin(book, call.session, body.programme, call.caller.actor)
    return Answer.of(shown(call, run), 202, {"Location": f"/v1/discount-runs/{run.id}"})


@routes.get("/v1/discount-runs", Access(Scope.READ, unbound_only=True), answer=Page[RunDoc])
def list_runs(call: Here, query: Annotated[RunQuery, Query()]) -> Page[RunDoc]:
    """List runs, newest first."""
    filter_ = RunFilter(query.programme, query.state, query.day)
    page = overseeing.page(call.session, filter_, query.cursor, query.limit)
    documents = overseeing.documents(call.session, page.items)
    return Page(items=[RunDoc.model_validate(document) for document in documents], next=page.next)


@routes.get("/v1/discount-runs/{run_id}", READ, answer=RunDoc)
def get_run(call: Here, run_id: UUID) -> RunDoc:
    """Return a run with its totals."""
    return shown(call, overseeing.get(call.session, run_id))


@routes.get("/v1/discount-runs/{run_id}/movers", READ, answer=Page[MoverDoc])
def list_movers(call: Here, run_id: UUID, query: Annotated[Paging, Query()]) -> Page[MoverDoc]:
    """List resellers that change tier in a run, ordered by id."""
    page = overseeing.movers(call.session, run_id, query.cursor, query.limit)
    book, run = discount_book(call), overseeing.get(call.session, run_id)
    documents = [overseeing.mover_document(book, call.session, run, move) for move in page.items]
    return Page(items=[MoverDoc.model_validate(document) for document in documents], next=page.next)


@routes.post("/v1/discount-runs/{run_id}/approve", DECIDE, answer=RunDoc)
def approve_run(call: Here, run_id: UUID, body: Reason = Reason()) -> RunDoc:  # noqa: B008 -- frozen
    """Approve a held run: it records discounts and sends mails. 409 `not_held` with the state."""
    run = overseeing.approve(discount_book(call), call.session, run_id, call.caller.actor, body.reason)
    return shown(call, run)


@routes.post("/v1/discount-runs/{run_id}/reject", DECIDE, answer=RunDoc)
def reject_run(call: Here, run_id: UUID, body: Reason = Reason()) -> RunDoc:  # noqa: B008 -- frozen
    """Reject a held run: it records nothing. 409 `not_held` with the state."""
    run = overseeing.reject(discount_book(call), call.session, run_id, call.caller.actor, body.reason)
    return shown(call, run)
