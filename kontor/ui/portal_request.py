"""One request of the portal with its person and account; pages and redirects."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from kontor.audit import Actor
from kontor.http.context import NetworkCheck, RequestTransaction
from kontor.mailer.brand import Brand
from kontor.ui.portal_access import Access
from models.accounts import Account
from models.members import MemberRole
from models.portal import PortalSession

RANK: Final[Mapping[MemberRole, int]] = {MemberRole.VIEWER: 0, MemberRole.STAFF: 1, MemberRole.OWNER: 2}
NOTHING: Final[Mapping[str, str]] = {}


@dataclass(frozen=True, slots=True)
class PortalRequest(RequestTransaction):
    """A request of the portal in its transaction.

    `accesses`: what the session opens on this host; `access`: the account that the pages are about, None when nobody
    is signed in or the person has not chosen yet. `client`: the account under `/as/`, for its reseller `access`.
    `ticket`: the secret of a form of a browser that is not signed in. `locale`: the reader's language. `check`: what
    the network answered before the form's transaction. `embedded`: the path of pages in a frame of the customer's
    product, which use no cookies; empty for others. `shown_to`: the client's owner, for whom a page
    under `/as/` is made so that its reseller sees it; a former reseller's things stay hidden, and no form of it works.
    """

    opened: PortalSession | None = None
    accesses: tuple[Access, ...] = ()
    access: Access | None = None
    client: Account | None = None
    ticket: str = ""
    locale: str = "en"
    page: str = ""
    check: NetworkCheck = field(default_factory=NetworkCheck)
    embedded: str = ""
    shown_to: Access | None = None

    @property
    def wall_time(self) -> datetime:
        """Real time, aware, UTC: sessions and limits of sign-in run on it."""
        return self.deps.clock.wall_time()

    @property
    def account(self) -> Account:
        """The account that the page is about."""
        account = self.client or (self.access.account if self.access else None)
        assert account is not None, "a page of an account needs a policy that asks for one"
        return account

    @property
    def person(self) -> Access:
        """Who is signed in, and as what."""
        assert self.access is not None, "a page of a person needs a policy that asks for one"
        return self.access

    @property
    def reader(self) -> Access:
        """Whom the page is made for: who is signed in, or the client's owner when its reseller looks."""
        return self.shown_to or self.person

    @property
    def own_view(self) -> bool:
        """Whether the page is made for the account's own people, with nothing that only the reseller may do."""
        return self.client is None or self.shown_to is not None

    @property
    def base(self) -> str:
        """What the paths of the account's pages begin with."""
        return self.embedded if self.client is None or self.shown_to is not None else f"/as/{self.client.id}"

    @property
    def csrf(self) -> str:
        """The secret that every form brings back; none on a page that is only looked at."""
        if self.shown_to is not None:
            return ""
        return self.opened.csrf if self.opened is not None else self.ticket

    def may(self, role: MemberRole) -> bool:
        """Return whether the person has at least that role."""
        access = self.shown_to or self.access
        return access is not None and RANK[access.role] >= RANK[role]

    def actor(self) -> Actor:
        """Return the actor for the audit log."""
        origin = f"portal {self.incoming.origin}"
        if self.access is None:
            return Actor("nobody", origin)
        if self.access.by_operator is not None:
            return Actor(f"operator:{self.access.by_operator} for account:{self.account.id}", origin)
        kind = "admin" if self.access.role is MemberRole.OWNER else "member"
        name = f"{kind}:{self.access.person_id}"
        return Actor(name if self.client is None else f"{name} for account:{self.client.id}", origin)


@dataclass(frozen=True, slots=True)
class PortalPage:
    """A template with its values. Texts are English message ids, translated when the page is rendered.

    `errors`: messages by field; `typed`: what the fields show, as typed. `brand`: another than that of the account or
    host. `page`: another name than that of the route. `scripts`: it asks for passkeys. `framed`: a page of our own
    shows it in a frame. `locale`: another language than the reader's. `live`: a path that answers `PortalCount`; the
    page loads again when the number of open offers has changed. `script`: the template of a script of its own.
    `open_offers`: how many await the account's decision, where the page has counted them already. `named`: what fills
    placeholders of the title, in addition to brand, account and client.
    """

    template: str
    title: str
    values: Mapping[str, object] = field(default_factory=dict)
    status: int = 200
    errors: Mapping[str, str] = field(default_factory=dict)
    typed: Mapping[str, str] = field(default_factory=dict)
    notice: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    cookies: Mapping[str, str] = field(default_factory=dict)
    brand: Brand | None = None
    page: str = ""
    framed: bool = False
    live: str | None = None
    locale: str | None = None
    scripts: bool = False
    script: str | None = None
    open_offers: int | None = None
    named: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SeeOther:
    """Redirect to another page of this host after a form; a cookie with an empty value is deleted."""

    path: str
    cookies: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PortalFile:
    """A file streamed while it is produced, in constant memory."""

    name: str
    media: str
    parts: Iterator[bytes] | Iterator[str]


@dataclass(frozen=True, slots=True)
class PortalFrame:
    """HTML of a mail, for a sandboxed frame on a page of ours. `policy`: its Content-Security-Policy."""

    html: str
    policy: str


@dataclass(frozen=True, slots=True)
class PortalCount:
    """A number for a page that asks by itself whether something has changed."""

    count: int


@dataclass(frozen=True, slots=True)
class PortalUnchanged:
    """For a page that asks by itself: what it shows is still so."""


PortalData = PortalFile | PortalFrame | PortalCount | PortalUnchanged
PortalResponse = PortalPage | SeeOther | PortalData
