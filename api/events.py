"""Feed of domain events, for polling."""

from typing import Annotated
from uuid import UUID

from fastapi import Query
from pydantic import Field

from api.call import Ctx, RoutePolicy
from api.routes import Routes
from api.schema import PAGE, PAGE_LIMIT, Json, PageOut, QueryModel, ResponseModel, UtcOut
from models.keys import Scope
from services import events

routes = Routes("events")
MAX_SEQ = 2**63 - 1


class EventOut(ResponseModel):
    """A domain event; `seq` is its position in the feed."""

    seq: int
    id: UUID
    type: str
    account_id: UUID | None
    reseller_id: UUID | None
    programme: str | None
    at: UtcOut
    data: dict[str, Json]


class EventQuery(QueryModel):
    """`after` is the last `seq` read; `cursor` is an alias."""

    after: int | None = Field(None, ge=0, le=MAX_SEQ)
    cursor: int | None = Field(None, ge=0, le=MAX_SEQ)
    limit: int = Field(PAGE, ge=1, le=PAGE_LIMIT)


@routes.get("/v1/events", RoutePolicy(Scope.READ), response=PageOut[EventOut])
def list_events(ctx: Ctx, query: Annotated[EventQuery, Query()]) -> PageOut[EventOut]:
    """List events, oldest first; continuing from the last one skips none."""
    start = query.cursor if query.cursor is not None else query.after or 0
    rows = events.feed(
        ctx.session,
        start,
        query.limit,
        reseller_id=ctx.caller.reseller_id,
        account_id=ctx.caller.account_id,
    )
    items = [EventOut.model_validate(events.document(event)) for event in rows]
    return PageOut(items=items, next=str(items[-1].seq) if len(items) == query.limit else None)
