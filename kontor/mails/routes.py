"""Mail log."""

from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

from fastapi import Query
from pydantic import Field

from kontor import audit
from kontor.audit import Actor
from kontor.http import ownership
from kontor.http.context import Ctx, RequestContext, RoutePolicy, require_visible_filter
from kontor.http.routing import Routes
from kontor.http.wire import CreatedQuery, PageOut
from kontor.mails import service
from kontor.mails.queries import MailFilter
from kontor.mails.schemas import INVITATIONS, MailOut
from models.keys import Scope
from models.mails import MailState

routes = Routes("mails")


class MailQuery(CreatedQuery):
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
        templates=_templates(ctx, query.template),
        states=[state.value for state in query.state],
        created=query.created,
    )
    page = service.page(ctx.session, filter_, query.cursor, query.limit)
    masked = is_masked(ctx)
    return PageOut(items=[service.mail_out(row, masked=masked) for row in page.items], next=page.next)


def is_masked(ctx: RequestContext) -> bool:
    """Whether the caller is a reseller, who must not learn whether an invited address was known (security.md 1.4)."""
    return ctx.caller.reseller_id is not None


def _templates(ctx: RequestContext, template: str | None) -> Sequence[str] | None:
    """Return the templates that a filter means to the caller."""
    if template is None or not is_masked(ctx) or template not in INVITATIONS:
        return None if template is None else [template]
    return INVITATIONS if template == INVITATIONS[0] else ()


@routes.get("/v1/mails/{mail_id}", RoutePolicy(Scope.READ, "mail_id", ownership.mail), response=MailOut)
def get_mail(ctx: Ctx, mail_id: UUID) -> MailOut:
    """Return a mail; to an unbound key with the scope `operate` including its source."""
    raw = ctx.caller.has_scope(Scope.OPERATE) and not ctx.caller.bound
    if raw:
        actor = Actor(ctx.caller.actor, f"api {ctx.incoming.origin}")
        audit.record(ctx.session, actor, "mail.read", f"mail:{mail_id}", at=ctx.now)
    return service.mail_out(service.get(ctx.session, mail_id), raw=raw, masked=is_masked(ctx))
