"""Request and response models of offers, templates and updates."""

from typing import Annotated
from uuid import UUID

from pydantic import Field

from api.schema import Incoming, Instant, Moment, Outgoing, Page, Paging
from domain.lines import LineMode
from domain.offers import OfferEvent, OfferState
from models.offers import GrantState


class LineBody(Incoming):
    """One line: product, licence count, mode, and a term (ISO 8601 duration or last day)."""

    product: str
    count: int
    mode: LineMode
    term: str


class LineDoc(Outgoing):
    """One line of an offer or template."""

    product: str
    count: int
    mode: LineMode
    term: str


class NewTemplate(Incoming):
    """A new template."""

    reseller_id: UUID
    name: str
    lines: list[LineBody]


class TemplateBody(Incoming):
    """A template, replaced completely."""

    name: str
    lines: list[LineBody]


class TemplateDoc(Outgoing):
    """A template."""

    id: UUID
    reseller_id: UUID
    name: str
    lines: list[LineDoc]
    created_at: Moment
    updated_at: Moment


class TemplateFilter(Paging):
    """Filter for templates."""

    reseller: UUID | None = None


class NewOffer(Incoming):
    """A new offer, with lines of its own or of a template."""

    reseller_id: UUID
    account_id: UUID
    template_id: UUID | None = None
    lines: list[LineBody] | None = None
    message: str | None = None
    expires_at: Instant | None = None


class OfferFilter(Paging):
    """Filter for offers."""

    reseller: UUID | None = None
    account: UUID | None = None
    state: OfferState | None = None


class DeliveryDoc(Outgoing):
    """Delivery calls to the instance, and the last error."""

    attempts: int
    last_error: str | None
    delivered_at: Moment | None
    job_id: UUID | None


class GrantDoc(Outgoing):
    """Whether the instance was notified of the licences."""

    state: GrantState
    last_error: str | None


class ChangeDoc(Outgoing):
    """Change of a product's licence count on acceptance."""

    product: str
    now: int
    then: int


class OfferEventDoc(Outgoing):
    """One transition, with its keyed hash."""

    at: Moment
    actor: str
    event: OfferEvent
    from_: Annotated[OfferState | None, Field(alias="from")]
    to: OfferState
    job: UUID | None
    hash: str


class OfferDoc(Outgoing):
    """An offer."""

    id: UUID
    programme: str
    reseller_id: UUID
    account_id: UUID
    template_id: UUID | None
    state: OfferState
    reason: str | None
    message: str | None
    lines: list[LineDoc]
    expires_at: Moment
    created_at: Moment
    decided_at: Moment | None
    decided_by: str | None
    delivery: DeliveryDoc
    grant: GrantDoc
    changes: list[ChangeDoc]
    events: list[OfferEventDoc]


class UpdatesDoc(Page[OfferDoc]):
    """Open offers, then the last 20 decided ones; `count` is the number for the badge."""

    count: int
