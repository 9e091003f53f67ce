"""Request and response models of offers, templates and updates."""

from typing import Annotated
from uuid import UUID

from pydantic import ConfigDict, Field

from kontor.http.visibility import ActorOut, ErrorOut
from kontor.http.wire import CreatedQuery, PageOut, PageQuery, QueryModel, RequestModel, ResponseModel, UtcIn, UtcOut
from kontor.kernel.states import LineMode, OfferEvent, OfferState
from kontor.mails.strangers import MailFate
from kontor.offers.rules import WaitReason
from models.offers import GrantState, HeldBy


class LineIn(RequestModel):
    """One line: product, licence count, mode, and a term (ISO 8601 duration or last day)."""

    product: str
    count: int
    mode: LineMode
    term: str


class LineQuery(QueryModel):
    """The product whose line is meant."""

    product: str


class LineOut(ResponseModel):
    """One line of an offer or template."""

    product: str
    count: int
    mode: LineMode
    term: str


class TemplateIn(RequestModel):
    """A new template."""

    reseller_id: UUID
    name: str
    lines: list[LineIn] = Field(default_factory=list)


class TemplateUpdate(RequestModel):
    """A template, replaced completely."""

    name: str
    lines: list[LineIn]


class TemplateOut(ResponseModel):
    """A template."""

    id: UUID
    reseller_id: UUID
    name: str
    lines: list[LineOut]
    created_at: UtcOut
    updated_at: UtcOut


class TemplateQuery(PageQuery):
    """Filter for templates."""

    reseller: UUID | None = None


class OfferIn(RequestModel):
    """A new offer, with lines of its own or of a template."""

    reseller_id: UUID
    account_id: UUID
    template_id: UUID | None = None
    lines: list[LineIn] | None = None
    message: str | None = None
    expires_at: UtcIn | None = None
    external_id: str | None = Field(None, max_length=1_000)
    metadata: dict[str, str] | None = None


class OfferQuery(CreatedQuery):
    """Filter for offers."""

    reseller: UUID | None = None
    account: UUID | None = None
    state: OfferState | None = None
    external_id: str | None = None


class BadgeOut(ResponseModel):
    """The number of offers that await a decision."""

    count: int


class OfferWaitOut(ResponseModel):
    """Why the offer is not delivered yet, since when, and when the next try is; null: not known, or none by itself.

    `ahead`: calls to the instance that come first, 100 at most.
    """

    reason: WaitReason
    since: UtcOut | None
    next_try_at: UtcOut | None
    ahead: int
    last_error: ErrorOut


class OfferDeliveryOut(ResponseModel):
    """Delivery calls to the instance, and the last error. `wait`: while the offer is `waiting`."""

    attempts: int
    last_error: ErrorOut
    delivered_at: UtcOut | None
    job_id: UUID | None
    wait: OfferWaitOut | None


class GrantStatusOut(ResponseModel):
    """Whether the instance was notified of the licences."""

    state: GrantState
    last_error: ErrorOut


class LicenceChangeOut(ResponseModel):
    """Change of a product's licence count on acceptance."""

    product: str
    now: int
    then: int


class BriefEvidenceOut(ResponseModel):
    """The way of a decision, all that a reseller sees of its evidence."""

    model_config = ConfigDict(extra="forbid")

    via: str


class EvidenceOut(BriefEvidenceOut):
    """The evidence of a decision: the way, the address that it was mailed to, who set and confirmed it, from where.

    `domain_set_by`: who set the domain of the link; null for the provider's. `self_decided`: the address is also the
    reseller's.
    """

    address: str
    confirmed_at: UtcOut | None
    set_by: str | None
    link_host: str | None
    domain_set_by: str | None
    origin: str
    user_agent: str | None
    self_decided: bool = False


class OfferEventOut(ResponseModel):
    """One transition, with its keyed hash."""

    model_config = ConfigDict(populate_by_name=True)

    at: UtcOut
    actor: ActorOut
    event: OfferEvent
    from_: Annotated[OfferState | None, Field(alias="from")]
    to: OfferState
    job: UUID | None
    hash: str
    evidence: EvidenceOut | BriefEvidenceOut | None


class OfferOut(ResponseModel):
    """An offer."""

    id: UUID
    programme: str
    reseller_id: UUID
    account_id: UUID
    template_id: UUID | None
    external_id: str | None
    metadata: dict[str, str]
    state: OfferState
    reason: str | None
    held_by: HeldBy | None
    message: str | None
    lines: list[LineOut]
    expires_at: UtcOut
    created_at: UtcOut
    decided_at: UtcOut | None
    decided_by: ActorOut | None
    delivery: OfferDeliveryOut
    grant: GrantStatusOut
    changes: list[LicenceChangeOut]
    events: list[OfferEventOut]


class SentOfferOut(OfferOut):
    """An offer just sent, and what becomes of its mail: `held` waits for the reseller's allowance."""

    mail: MailFate


class UpdatesOut(PageOut[OfferOut]):
    """Open offers, then the last 20 decided ones; `count` is the number for the badge."""

    count: int


class LicenceOut(ResponseModel):
    """Number of licences of a product, and when the next grant ends."""

    product: str
    count: int
    expires_at: UtcOut | None
