"""Mail log."""

from typing import Annotated
from uuid import UUID

from fastapi import Query
from pydantic import Field

from kontor import audit
from kontor.audit import Actor
from kontor.http import ownership
from kontor.http.context import Ctx, RoutePolicy, require_visible_filter
from kontor.http.routing import Routes
from kontor.http.wire import PageOut, PageQuery
from kontor.mails import service
from kontor.mails.queries import MailFilter
from kontor.mails.schemas import MailOut
from models.keys import Scope
from models.mails import MailState

routes = Routes("mails")


class MailQuery(PageQuery):
    """Filter for mails; `state` may be repeated."""

    account: UUID | None = None
    template: str | None = None
    state: list[MailState] = Field([], description="May be repeated.")


@routes.get("/v1/mails", RoutePolicy(Scope.READ), response=PageOut[MailOut], problems=[404])
def list_mails(ctx: Ctx, query: Annotated[MailQuery, Query()]) -> PageOut[MailOut]:
    """List mails, newest first."""
    require_visible_filter(ctx, ownership.account, query.account)
    filter_ = MailFilter(
        account=query.account or ctx.caller.account_id,
        reseller=ctx.caller.reseller_id,
        template=query.template,
        states=[state.value for state in query.state],
    )
    page = service.page(ctx.session, filter_, query.cursor, query.limit)
    return PageOut(items=[service.mail_out(row) for row in page.items], next=page.next)


@routes.get("/v1/mails/{mail_id}", RoutePolicy(Scope.READ, "mail_id", ownership.mail), response=MailOut)
def get_mail(ctx: Ctx, mail_id: UUID) -> MailOut:
    """Return a mail; to an unbound key with the scope `operate` including its source."""
    raw = ctx.caller.has_scope(Scope.OPERATE) and not ctx.caller.bound
    if raw:
        actor = Actor(ctx.caller.actor, f"api {ctx.incoming.origin}")
        audit.record(ctx.session, actor, "mail.read", f"mail:{mail_id}", at=ctx.now)
    return service.mail_out(service.get(ctx.session, mail_id), raw=raw)
