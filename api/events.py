"""Feed of domain events, for polling."""

from typing import Annotated
from uuid import UUID

from fastapi import Query
from pydantic import Field

from api.call import Access, Here
from api.routes import Routes
from api.schema import PAGE, PAGE_LIMIT, Json, Moment, Outgoing, Page
from api.schema import Query as QueryModel
from models.keys import Scope
from services import events

routes = Routes("events")
MAX_SEQ = 2**63 - 1


class EventDoc(Outgoing):
    """A domain event; `seq` is its position in the feed."""

    seq: int
    id: UUID
    type: str
    account_id: UUID | None
    reseller_id: UUID | None
    programme: str | None
    at: Moment
    data: dict[str, Json]


class EventQuery(QueryModel):
    """`after` is the last `seq` read; `cursor` is an alias."""

    after: int | None = Field(None, ge=0, le=MAX_SEQ)
    cursor: int | None = Field(None, ge=0, le=MAX_SEQ)
    limit: int = Field(PAGE, ge=1, le=PAGE_LIMIT)


@routes.get("/v1/events", Access(Scope.READ), answer=Page[EventDoc])
def list_events(call: Here, query: Annotated[EventQuery, Query()]) -> Page[EventDoc]:
    """List events, oldest first; continuing from the last one skips none."""
    start = query.cursor if query.cursor is not None else query.after or 0
    rows = events.feed(
        call.session,
        start,
        query.limit,
        reseller_id=call.caller.reseller_id,
        account_id=call.caller.account_id,
    )
    items = [EventDoc.model_validate(events.document(event)) for event in rows]
    return Page(items=items, next=str(items[-1].seq) if len(items) == query.limit else None)
