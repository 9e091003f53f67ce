"""Mail log."""

from typing import Annotated
from uuid import UUID

from fastapi import Query
from pydantic import Field

from api import owners
from api.call import Access, Here, visible_filter
from api.routes import Routes
from api.schema import Moment, Outgoing, Page, Paging
from models.keys import Scope
from models.mails import MailState, RecipientRole, RecipientState
from services import mails
from store.mails import MailFilter

routes = Routes("mails")


class RecipientDoc(Outgoing):
    """Delivery to one recipient."""

    address: str
    role: RecipientRole
    state: RecipientState
    tries: int
    last_error: str | None
    sent_at: Moment | None


class MailDoc(Outgoing):
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
    recipients: list[RecipientDoc]
    job_id: UUID | None
    created_at: Moment
    sent_at: Moment | None
    raw: str | None = None


class MailQuery(Paging):
    """Filter for mails; `state` may be repeated."""

    account: UUID | None = None
    template: str | None = None
    state: list[MailState] = Field([], description="May be repeated.")


@routes.get("/v1/mails", Access(Scope.READ), answer=Page[MailDoc], problems=[404])
def list_mails(call: Here, query: Annotated[MailQuery, Query()]) -> Page[MailDoc]:
    """List mails, newest first."""
    visible_filter(call, owners.account, query.account)
    filter_ = MailFilter(
        account=query.account or call.caller.account_id,
        reseller=call.caller.reseller_id,
        template=query.template,
        states=[state.value for state in query.state],
    )
    page = mails.page(call.session, filter_, query.cursor, query.limit)
    documents = [MailDoc.model_validate(mails.document(row)) for row in page.items]
    return Page(items=documents, next=page.next)


@routes.get("/v1/mails/{mail_id}", Access(Scope.READ, "mail_id", owners.mail), answer=MailDoc)
def get_mail(call: Here, mail_id: UUID) -> MailDoc:
    """Return a mail; with the scope `operate` including its source."""
    raw = call.caller.may(Scope.OPERATE)
    return MailDoc.model_validate(mails.document(mails.get(call.session, mail_id), raw=raw))
