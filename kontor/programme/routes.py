"""Applied programmes."""

from collections.abc import Callable
from functools import partial
from typing import Annotated, Final

from fastapi import Query

from kontor.http import ownership
from kontor.http.context import Ctx, RequestContext, RoutePolicy
from kontor.http.routing import Routes
from kontor.http.wire import PageOut, PageQuery
from kontor.kernel.database import psycopg_connection
from kontor.kernel.errors import FieldError, Invalid, NotFound
from kontor.kernel.paging import paginate, parsed_cursor
from kontor.programme import rollout, service, versions, views
from kontor.programme.diff import Document, to_document
from kontor.programme.model import Programme
from kontor.programme.rollout import ApplyOptions
from kontor.programme.schemas import (
    ApplyQuery,
    PlanOut,
    ProgrammeOut,
    ProgrammeQuery,
    VersionOut,
    effective_instant,
    programme_out,
)
from models.accounts import Account
from models.keys import Scope

BODY_LIMIT: Final = 2 * 1024 * 1024
"""The most bytes of a file: its 512 Ki characters have up to four bytes each."""
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


def cut_for(ctx: RequestContext) -> Callable[[Programme], Document]:
    """Return how a programme is cut to what the caller may see."""
    caller = ctx.caller
    if not caller.bound:
        return to_document
    if caller.reseller_id is not None:
        return partial(views.for_reseller, reseller_id=caller.reseller_id)
    account = ctx.session.get_one(Account, caller.account_id)
    return lambda programme: service.document_for_client(ctx.session, programme, account)


@routes.get("/v1/programmes", RoutePolicy(Scope.READ), response=PageOut[ProgrammeOut])
def list_programmes(ctx: Ctx, query: Annotated[PageQuery, Query()]) -> PageOut[ProgrammeOut]:
    """List applied programmes, ordered by code."""
    own, after = own_programme(ctx), query.cursor or ""
    codes = [row.code for row in service.list_programmes(ctx.session) if row.code > after and own in (None, row.code)]
    page, cut = codes[: query.limit], cut_for(ctx)
    items = [programme_out(ctx.session, ctx.deps.programmes, code, ctx.now, cut=cut) for code in page]
    return PageOut(items=items, next=page[-1] if len(codes) > len(page) else None)


@routes.get("/v1/programmes/{code}", RoutePolicy(Scope.READ, first=require_own_programme), response=ProgrammeOut)
def get_programme(ctx: Ctx, code: str, query: Annotated[ProgrammeQuery, Query()]) -> ProgrammeOut:
    """Return a version of a programme, by default the one in force."""
    programmes = ctx.deps.programmes
    return programme_out(ctx.session, programmes, code, ctx.now, query.version, query.against, cut=cut_for(ctx))


@routes.get(
    "/v1/programmes/{code}/versions",
    RoutePolicy(Scope.READ, first=require_own_programme),
    response=PageOut[VersionOut],
)
def list_versions(ctx: Ctx, code: str, query: Annotated[PageQuery, Query()]) -> PageOut[VersionOut]:
    """List the versions of a programme, the highest number first."""
    listed = versions.entries(ctx.session, code)
    versions.require_any(code, listed)
    last = parsed_cursor(query.cursor, int)
    ordered = sorted(listed, key=lambda each: -each.number)
    page = paginate(
        [each for each in ordered if last is None or each.number < last][: query.limit + 1],
        query.limit,
        lambda each: str(each.number),
    )
    return PageOut(items=[VersionOut.of(each) for each in page.items], next=page.next)


@routes.post(
    "/v1/programmes/{code}",
    RoutePolicy(Scope.ADMIN),
    response=PlanOut,
    body_limit=BODY_LIMIT,
)
def apply_programme(ctx: Ctx, code: str, query: Annotated[ApplyQuery, Query()]) -> PlanOut:
    """Apply a programme file, as YAML or JSON in the body, or plan it (`dry_run`).

    A file that touches more than the guard-rail allows is refused (`approval_required`) with the plan's `hash`,
    which `approve` names.
    """
    try:
        text = ctx.incoming.body.decode()
    except UnicodeDecodeError:
        message = "The file must be UTF-8."
        raise Invalid("invalid", message, errors=[FieldError("body", message)]) from None
    effective = effective_instant(query.effective)
    options = ApplyOptions(query.dry_run, effective, query.approve, query.reason)
    actor = ctx.caller.actor
    return PlanOut.of(rollout.apply_file(ctx.context, ctx.session, code, text, actor=actor, options=options))
