"""Response models of the mail log."""

from typing import Annotated, Final
from uuid import UUID

from pydantic import ConfigDict, Field, FieldSerializationInfo, field_serializer

from kontor.http.visibility import ErrorOut, shown_error
from kontor.http.wire import ResponseModel, UtcOut
from models.mails import MailState, RecipientRole, RecipientState


class RecipientOut(ResponseModel):
    """Delivery to one recipient."""

    address: str
    role: RecipientRole
    state: RecipientState
    tries: int
    last_error: ErrorOut
    sent_at: UtcOut | None


INVITATIONS: Final = ("activation", "account-notice")
"""To a new client's admin, by whether another account has the address; a reseller sees both as the first."""


class MailOut(ResponseModel):
    """A mail; `raw` requires an unbound key with the scope `operate` and has the tokens in its links masked.

    A reseller sees `account-notice` as `activation`, and the subject of neither.
    """

    model_config = ConfigDict(populate_by_name=True)

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

    @field_serializer("reason")
    def reason_for_viewer(self, reason: str | None, info: FieldSerializationInfo) -> str | None:
        """Tell what went wrong as an error is told; other reasons are Kontor's own words."""
        return shown_error(reason, info) if self.state in {MailState.QUEUED, MailState.FAILED} else reason
