"""Applied programmes."""

from typing import Annotated, Self

from fastapi import Query

from kontor.http import ownership
from kontor.http.context import Ctx, RequestContext, RoutePolicy
from kontor.http.routing import Routes
from kontor.http.visibility import ActorOut
from kontor.http.wire import PageOut, PageQuery, ResponseModel, UtcOut
from kontor.kernel.database import psycopg_connection
from kontor.kernel.errors import NotFound
from kontor.programme import service, views
from models.accounts import Account
from models.keys import Scope
from models.programmes import ProgrammeRow


class ProgrammeOut(ResponseModel):
    """An applied programme; `document` is its file with all defaults filled in, cut to what the caller may see."""

    code: str
    version: int
    applied_at: UtcOut
    applied_by: ActorOut
    document: dict[str, object]

    @classmethod
    def of(cls, row: ProgrammeRow) -> Self:
        """Build the response for an applied programme."""
        return cls(
            code=row.code,
            version=row.version,
            applied_at=row.applied_at,
            applied_by=row.applied_by,
            document=row.document,
        )


routes = Routes("programmes")


def own_programme(ctx: RequestContext) -> str | None:
    """Return the only programme that a bound key sees; None: all."""
    bound_to = ctx.caller.reseller_id or ctx.caller.account_id
    return None if bound_to is None else ownership.programme_of(psycopg_connection(ctx.session), bound_to) or ""


def require_own_programme(ctx: RequestContext) -> None:
    """Raise NotFound for a programme that the caller does not belong to."""
    own = own_programme(ctx)
    if own is not None and own != ctx.incoming.params["code"]:
        raise NotFound


def shown(ctx: RequestContext, row: ProgrammeRow) -> ProgrammeOut:
    """Build the response for a programme, its document cut to what the caller may see."""
    whole, caller = ProgrammeOut.of(row), ctx.caller
    if not caller.bound:
        return whole
    programme = ctx.deps.programmes.of_digest(ctx.session, row.code, row.digest)
    if caller.reseller_id is not None:
        document = views.for_reseller(programme, caller.reseller_id)
    else:
        account = ctx.session.get_one(Account, caller.account_id)
        document = service.document_for_client(ctx.session, programme, account)
    return whole.model_copy(update={"document": document})


@routes.get("/v1/programmes", RoutePolicy(Scope.READ), response=PageOut[ProgrammeOut])
def list_programmes(ctx: Ctx, query: Annotated[PageQuery, Query()]) -> PageOut[ProgrammeOut]:
    """List applied programmes, ordered by code."""
    own, after = own_programme(ctx), query.cursor or ""
    rows = [row for row in service.list_programmes(ctx.session) if row.code > after and own in (None, row.code)]
    page = rows[: query.limit]
    return PageOut(items=[shown(ctx, row) for row in page], next=page[-1].code if len(rows) > len(page) else None)


@routes.get("/v1/programmes/{code}", RoutePolicy(Scope.READ, first=require_own_programme), response=ProgrammeOut)
def get_programme(ctx: Ctx, code: str) -> ProgrammeOut:
    """Return an applied programme."""
    return shown(ctx, service.get(ctx.session, code))
