"""Applied programmes."""

from typing import Annotated

from fastapi import Query

from api.call import Access, Call, Here
from api.routes import Routes
from api.schema import Json, Moment, Outgoing, Page, Paging
from domain.errors import NotFound
from engine.driver import driver
from models.keys import Scope
from services import programmes
from store import owners

routes = Routes("programmes")


class ProgrammeDoc(Outgoing):
    """An applied programme; `document` is its file with all defaults filled in."""

    code: str
    version: int
    applied_at: Moment
    applied_by: str
    document: dict[str, Json]


def own_programme(call: Call) -> str | None:
    """Return the only programme that a bound key sees; None: all."""
    bound_to = call.caller.reseller_id or call.caller.account_id
    return None if bound_to is None else owners.programme_of(driver(call.session), bound_to) or ""


def require_own_programme(call: Call) -> None:
    """Raise NotFound for a programme that the caller does not belong to."""
    own = own_programme(call)
    if own is not None and own != call.arrival.params["code"]:
        raise NotFound


@routes.get("/v1/programmes", Access(Scope.READ), answer=Page[ProgrammeDoc])
def list_programmes(call: Here, query: Annotated[Paging, Query()]) -> Page[ProgrammeDoc]:
    """List applied programmes, ordered by code."""
    own, after = own_programme(call), query.cursor or ""
    rows = [row for row in programmes.listed(call.session) if row.code > after and own in (None, row.code)]
    page = rows[: query.limit]
    documents = [ProgrammeDoc.model_validate(programmes.document(row)) for row in page]
    return Page(items=documents, next=page[-1].code if len(rows) > len(page) else None)


@routes.get("/v1/programmes/{code}", Access(Scope.READ, first=require_own_programme), answer=ProgrammeDoc)
def get_programme(call: Here, code: str) -> ProgrammeDoc:
    """Return an applied programme."""
    return ProgrammeDoc.model_validate(programmes.document(programmes.get(call.session, code)))
