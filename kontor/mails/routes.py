"""Mail log."""

from typing import Annotated
from uuid import UUID

from fastapi import Query
from pydantic import Field

from kontor.http import ownership
from kontor.http.context import Ctx, RoutePolicy, require_visible_filter
from kontor.http.routing import Routes
from kontor.http.wire import PageOut, PageQuery, ResponseModel, UtcOut
from kontor.mails import service
from kontor.mails.queries import MailFilter
from models.keys import Scope
from models.mails import MailState, RecipientRole, RecipientState

routes = Routes("mails")


class RecipientOut(ResponseModel):
    """Delivery to one recipient."""

    address: str
    role: RecipientRole
    state: RecipientState
    tries: int
    last_error: str | None
    sent_at: UtcOut | None


class MailOut(ResponseModel):
    """A mail; `raw` requires the scope `operate` and has the tokens in its links masked."""

    id: UUID
    template: str
    programme: str | None
    account_id: UUID | None
    reseller_id: UUID | None
    locale: str
    state: MailState
    reason: str | None
    subject: str | None
    from_: Annotated[str | None, Field(alias="from")]
    sender: str | None
    reply_to: str | None
    message_id: str | None
    repeats: Annotated[UUID | None, Field(description="The mail that this one resends.")]
    recipients: list[RecipientOut]
    job_id: UUID | None
    created_at: UtcOut
    sent_at: UtcOut | None
    raw: str | None = None


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
    documents = [MailOut.model_validate(service.mail_to_dict(row)) for row in page.items]
    return PageOut(items=documents, next=page.next)


@routes.get("/v1/mails/{mail_id}", RoutePolicy(Scope.READ, "mail_id", ownership.mail), response=MailOut)
def get_mail(ctx: Ctx, mail_id: UUID) -> MailOut:
    """Return a mail; with the scope `operate` including its source."""
    raw = ctx.caller.has_scope(Scope.OPERATE)
    return MailOut.model_validate(service.mail_to_dict(service.get(ctx.session, mail_id), raw=raw))
