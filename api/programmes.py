"""Applied programmes."""

from typing import Annotated

from fastapi import Query

from api.call import Ctx, RequestContext, RoutePolicy
from api.routes import Routes
from api.schema import Json, PageOut, PageQuery, ResponseModel, UtcOut
from domain.errors import NotFound
from engine.driver import driver
from models.keys import Scope
from services import programmes
from store import owners

routes = Routes("programmes")


class ProgrammeOut(ResponseModel):
    """An applied programme; `document` is its file with all defaults filled in."""

    code: str
    version: int
    applied_at: UtcOut
    applied_by: str
    document: dict[str, Json]


def own_programme(ctx: RequestContext) -> str | None:
    """Return the only programme that a bound key sees; None: all."""
    bound_to = ctx.caller.reseller_id or ctx.caller.account_id
    return None if bound_to is None else owners.programme_of(driver(ctx.session), bound_to) or ""


def require_own_programme(ctx: RequestContext) -> None:
    """Raise NotFound for a programme that the caller does not belong to."""
    own = own_programme(ctx)
    if own is not None and own != ctx.incoming.params["code"]:
        raise NotFound


@routes.get("/v1/programmes", RoutePolicy(Scope.READ), response=PageOut[ProgrammeOut])
def list_programmes(ctx: Ctx, query: Annotated[PageQuery, Query()]) -> PageOut[ProgrammeOut]:
    """List applied programmes, ordered by code."""
    own, after = own_programme(ctx), query.cursor or ""
    rows = [row for row in programmes.listed(ctx.session) if row.code > after and own in (None, row.code)]
    page = rows[: query.limit]
    documents = [ProgrammeOut.model_validate(programmes.document(row)) for row in page]
    return PageOut(items=documents, next=page[-1].code if len(rows) > len(page) else None)


@routes.get("/v1/programmes/{code}", RoutePolicy(Scope.READ, first=require_own_programme), response=ProgrammeOut)
def get_programme(ctx: Ctx, code: str) -> ProgrammeOut:
    """Return an applied programme."""
    return ProgrammeOut.model_validate(programmes.document(programmes.get(ctx.session, code)))
