"""Routes of the members of an account. What a reseller opens for its clients decides nothing (programme.md 5.8)."""

from typing import Annotated, Final
from uuid import UUID

from fastapi import Query
from pydantic import Field

from kontor.accounts import addresses
from kontor.accounts import service as accounts
from kontor.accounts.locks import require_active
from kontor.accounts.portal import brand_of
from kontor.accounts.suspension import require_not_suspended
from kontor.http import ownership
from kontor.http.context import Ctx, RequestContext, RoutePolicy
from kontor.http.routing import Routes
from kontor.http.wire import PageOut, PageQuery, RequestModel, ResponseModel, UtcOut, uuid_of
from kontor.kernel.errors import FieldError, Forbidden, Invalid
from kontor.kernel.validation import is_local_path
from kontor.mails import strangers
from kontor.mails.strangers import MailFate
from kontor.members import links, service
from kontor.members.service import Person
from models.accounts import Account, SetBy
from models.keys import Scope
from models.members import MemberRole

routes = Routes("members")


class MemberIn(RequestModel):
    """A new member. Without a name the address, without a locale the account's."""

    email: str = Field(max_length=400)
    role: str
    name: str | None = None
    locale: str | None = None


class MemberPatch(RequestModel):
    """Fields to change; omitted fields stay unchanged."""

    name: str | None = None
    locale: str | None = None
    role: str | None = None


class PortalSessionIn(RequestModel):
    """Where the link leads, a path of the portal, and as which member (id or address), by default the owner.

    `embed`: the updates, for a frame in the account's own product.
    """

    path: str = Field("/", max_length=500)
    member: str | None = Field(None, max_length=400)
    embed: bool = False


class PortalSessionOut(ResponseModel):
    """A link that signs in once, or the address of an embedded page."""

    url: str
    expires_at: UtcOut


class MemberOut(ResponseModel):
    """A member. The owner's `id` is the account's; `confirmed`: a link sent to the address was used."""

    id: UUID
    email: str
    name: str
    locale: str
    role: MemberRole
    confirmed: bool


class InvitedMemberOut(MemberOut):
    """A new member; `mail`: sent, or held until the reseller's allowance grows."""

    mail: MailFate


def by_reseller(ctx: RequestContext, account: Account) -> bool:
    """Return whether the caller is the account's reseller, or a key that it made."""
    return addresses.setter_of(ctx.caller, account) is SetBy.RESELLER


def not_by_the_reseller(ctx: RequestContext) -> None:
    """Raise Forbidden for a reseller's key, or one that a reseller made, on a client's members (portal.md 3)."""
    if by_reseller(ctx, accounts.get(ctx.session, uuid_of(ctx.incoming.params["account_id"]))):
        raise Forbidden(message="A client's people are the client's alone.")


READ: Final = RoutePolicy(Scope.READ, "account_id", ownership.account, guard=not_by_the_reseller)
WRITE: Final = RoutePolicy(Scope.ENQUEUE, "account_id", ownership.account, guard=not_by_the_reseller)
OPEN: Final = RoutePolicy(Scope.ENQUEUE, "account_id", ownership.account)
"""What a reseller may do for its client, but gets no decision by."""


def member_out(person: Person) -> MemberOut:
    """Build the response for a member."""
    return MemberOut.model_validate(person)


@routes.get("/v1/accounts/{account_id}/members", READ, response=PageOut[MemberOut])
def list_members(ctx: Ctx, account_id: UUID, query: Annotated[PageQuery, Query()]) -> PageOut[MemberOut]:
    """List the owner, then the members, oldest first."""
    page = service.page(ctx.session, account_id, query.cursor, query.limit)
    return PageOut(items=[member_out(person) for person in page.items], next=page.next)


@routes.post("/v1/accounts/{account_id}/members", OPEN, response=InvitedMemberOut, status=201)
def add_member(ctx: Ctx, account_id: UUID, body: MemberIn) -> InvitedMemberOut:
    """Add a member and mail an invitation; one that the client's reseller invites decides no offer.

    409 `member_exists`; 429 `too_many` invitations to the address.
    """
    opened = by_reseller(ctx, accounts.get(ctx.session, account_id))
    new = service.NewMember(**body.model_dump(), by_reseller=opened)
    member = service.add(ctx.context, ctx.session, account_id, new)
    fate = strangers.fate_of(ctx.session, account_id)
    return InvitedMemberOut(**dict(member_out(service.person_of(member))), mail=fate)


@routes.patch("/v1/accounts/{account_id}/members/{member_id}", WRITE, response=MemberOut, problems=[409])
def change_member(ctx: Ctx, account_id: UUID, member_id: UUID, body: MemberPatch) -> MemberOut:
    """Change name, locale or role. 409 `owner_fixed`."""
    member = service.change(ctx.session, account_id, member_id, body.model_dump(exclude_unset=True))
    return member_out(service.person_of(member))


@routes.delete("/v1/accounts/{account_id}/members/{member_id}", WRITE, response=MemberOut, problems=[409])
def remove_member(ctx: Ctx, account_id: UUID, member_id: UUID) -> MemberOut:
    """Remove a member: sessions and links end with it. 409 `owner_fixed`."""
    return member_out(service.remove(ctx.session, account_id, member_id))


@routes.post("/v1/accounts/{account_id}/portal-sessions", OPEN, response=PortalSessionOut, status=201)
def create_portal_session(ctx: Ctx, account_id: UUID, body: PortalSessionIn) -> PortalSessionOut:
    """Make a link to the portal that signs in once, within 5 minutes; with `embed` the updates, for 60 minutes.

    One that the client's reseller asked for decides no offer.

    409 `account_deleted`, `account_suspended`.
    """
    account = require_active(accounts.get(ctx.session, account_id))
    require_not_suspended(account)
    if not is_local_path(body.path):
        raise Invalid(errors=[FieldError("path", "must be a path of the portal, such as /updates")])
    member = None if body.member is None else links.member_named(ctx.session, account, body.member)
    life = links.EMBED_LIFE if body.embed else links.SESSION_LIFE
    opened = by_reseller(ctx, account)
    row = links.make(ctx.context, ctx.session, account, member, body.path, life, by_reseller=opened)
    base, tokens = brand_of(ctx.deps, ctx.session, account).link_base, ctx.deps.tokens
    path = links.embed_path_of(tokens, row) if body.embed else links.path_of(tokens, row.id, row.expires_at)
    return PortalSessionOut(url=base + path, expires_at=row.expires_at)
