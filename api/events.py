"""The feed of domain events, for systems that rather poll."""

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
GREATEST = 2**63 - 1


class EventDoc(Outgoing):
    """Something that happened; `seq` is its place in the order."""

    seq: int
    id: UUID
    type: str
    account_id: UUID | None
    reseller_id: UUID | None
    programme: str | None
    at: Moment
    data: dict[str, Json]


class EventQuery(QueryModel):
    """`after` is the last `seq` seen; `cursor` says the same."""

    after: int | None = Field(None, ge=0, le=GREATEST)
    cursor: int | None = Field(None, ge=0, le=GREATEST)
    limit: int = Field(PAGE, ge=1, le=PAGE_LIMIT)


@routes.get("/v1/events", Access(Scope.READ), answer=Page[EventDoc])
def list_events(call: Here, query: Annotated[EventQuery, Query()]) -> Page[EventDoc]:
    """Events in order, oldest first; reading on from the last one skips none."""
    start = query.cursor if query.cursor is not None else query.after or 0
    found = events.feed(
        call.session,
        start,
        query.limit,
        reseller_id=call.caller.reseller_id,
        account_id=call.caller.account_id,
    )
    items = [EventDoc.model_validate(events.document(event)) for event in found]
    return Page(items=items, next=str(items[-1].seq) if len(items) == query.limit else None)
