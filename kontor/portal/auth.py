"""Who may use a page of the portal: session, account, role, CSRF token; what a host serves."""

import secrets
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import urlencode
from uuid import UUID

from sqlalchemy.orm import Session

from kontor.accounts import service as accounts
from kontor.http.browsers import Browser
from kontor.http.context import Deps
from kontor.http.incoming import IncomingRequest
from kontor.http.problems import Unauthorized
from kontor.http.sign_in_limits import FailureLimit, SignInTimes
from kontor.kernel.errors import Forbidden, KontorError, NotFound
from kontor.kernel.validation import is_local_path
from kontor.mailer.formatting import LANGUAGES
from kontor.members import factors, sessions, sign_in
from kontor.members.factors import PortalFactors
from kontor.portal import cookies
from kontor.ui.pages import preferred_language
from kontor.ui.portal_access import Access
from kontor.ui.portal_request import PortalRequest
from models.accounts import Account, AccountKind
from models.members import MemberRole
from models.portal import PortalSession

CHOOSE: Final = "/account/switch"
LOGIN: Final = "/login"


class AccountUnchosen(Unauthorized):
    """The session opens several accounts, and none was chosen yet."""


class AccountStopped(Forbidden):
    """The account is suspended: its pages say so."""

    def __init__(self, account: Account) -> None:
        super().__init__("account_suspended", "This account is suspended.")
        self.account = account


class FactorRequired(KontorError):
    """The programme requires a second factor of resellers, and this person has none yet."""

    def __init__(self) -> None:
        super().__init__("second_factor_required", "Add a second factor first.")


@dataclass(frozen=True, slots=True)
class PagePolicy:
    """Access policy of a page. `role` None: nobody needs to be signed in.

    `reseller`: the account must be one. `any_account`: before an account is chosen, and while it is suspended.
    `proof`: a post requires that password, factor or a mailed link were used within 10 minutes. `factorless`: open to
    a reseller's person without the second factor that the programme requires.
    """

    role: MemberRole | None = MemberRole.VIEWER
    reseller: bool = False
    any_account: bool = False
    proof: bool = False
    factorless: bool = False

    def admit(self, request: PortalRequest) -> PortalRequest:
        """Check the policy and return the request with its client. Raises Unauthorized, NotFound, Forbidden."""
        if request.incoming.method == "POST" and not _csrf_ok(request):
            if self.role is not None and request.opened is None:
                raise Unauthorized
            raise Forbidden("csrf", "This form does not belong to your session.")
        if self.role is None:
            return request
        if request.opened is None or not request.accesses:
            raise Unauthorized
        if self.any_account:
            return request
        if request.access is None:
            raise AccountUnchosen
        return self._admitted(request, request.access)

    def _admitted(self, request: PortalRequest, access: Access) -> PortalRequest:
        acting = request.incoming.params.get("client_id")
        if (self.reseller or acting is not None) and access.account.kind != AccountKind.RESELLER:
            raise NotFound
        if access.account.suspended:
            raise AccountStopped(access.account)
        assert self.role is not None
        if (self.factorless or self.proof) and access.by_operator is not None:
            raise Forbidden("role", "An operator changes nobody's sign-in.")
        if not request.may(self.role):
            raise Forbidden("role", "Your role does not allow this.")
        if not self.factorless and lacks_factor(request):
            raise FactorRequired
        return request if acting is None else replace(request, client=client_of(request, access, acting))


def lacks_factor(request: PortalRequest) -> bool:
    """Return whether the programme requires a second factor that this person does not have."""
    account = request.person.account
    if account.kind != AccountKind.RESELLER or request.person.by_operator is not None:
        return False
    programme = request.deps.programmes.current(request.session, account.programme)
    return programme.second_factor and not own_factors(request).factors()


def own_factors(request: PortalRequest) -> PortalFactors:
    """Return the second factors of the person who is signed in."""
    return PortalFactors(request.session, factors.holder_of(request.person))


def security_path(request: PortalRequest) -> str:
    """Return the page of the person's own sign-in: an owner's is the account's security."""
    return "/account/security" if request.may(MemberRole.OWNER) else "/account/sign-in"


def client_of(request: PortalRequest, access: Access, text: str) -> Account:
    """Return a client of the reseller that is signed in. Raises NotFound, also for a client that left."""
    try:
        account = accounts.find(request.session, UUID(text))
    except ValueError:
        raise NotFound from None
    if account is None or account.reseller_id != access.account.id or account.deleted_at is not None:
        raise NotFound
    return account


def serves(incoming: IncomingRequest, account: Account) -> bool:
    """Return whether the host that was asked has an account's pages: a domain those of its reseller alone."""
    owners = incoming.domain_owners
    return owners is None or (account.reseller_id or account.id) in owners


def authenticated(deps: Deps, session: Session, incoming: IncomingRequest, *, used: bool = True) -> PortalRequest:
    """Open a request with its person, nobody if not signed in, and the account that the pages are about.

    `used`: a person asked, not a page by itself.
    """
    store = cookies.store(deps)
    secret = store.read(incoming, cookies.SESSION)
    alive = sessions.find_session(session, secret, deps.clock.wall_time(), used=used) if secret else None
    opened, accesses = (None, ()) if alive is None else alive
    served = tuple(each for each in accesses if serves(incoming, each.account))
    access = _current(opened, served)
    return PortalRequest(
        deps,
        session,
        incoming,
        deps.clock.now(),
        opened if served else None,
        served,
        access,
        ticket=cookies.ticket_of(deps, incoming),
        locale=language_of(deps, incoming, access),
    )


def _current(opened: PortalSession | None, served: tuple[Access, ...]) -> Access | None:
    chosen = next((each for each in served if opened is not None and each.account.id == opened.account_id), None)
    return chosen or (served[0] if len(served) == 1 else None)


def language_of(deps: Deps, incoming: IncomingRequest, access: Access | None) -> str:
    """Return the reader's language: the one chosen, else the person's, else the browser's."""
    for chosen in (incoming.query.get("lang", ""), cookies.store(deps).read(incoming, cookies.LANGUAGE)):
        if chosen in LANGUAGES:
            return chosen
    return access.locale if access is not None else preferred_language(incoming.headers.get("accept-language", ""))


def browser_of(request: PortalRequest) -> Browser:
    """Return the browser of a request."""
    incoming = request.incoming
    device = cookies.store(request.deps).read(incoming, cookies.DEVICE)
    return Browser(incoming.origin, incoming.headers.get("user-agent", ""), device or None, request.locale)


def times_of(request: PortalRequest) -> SignInTimes:
    """Return programme time and real time of a request."""
    return SignInTimes(request.now, request.wall_time)


def own_limit(request: PortalRequest) -> FailureLimit:
    """Return the limit of failed sign-ins of the person who is signed in."""
    person = request.person
    who = sign_in.identified(request.session, person.email, lambda account: account.id == person.account.id)
    return sign_in.limit_for(request.session, who, browser_of(request), times_of(request))


def safe_next(path: str) -> str:
    """Return a path of this host, empty for anything else: another host, another scheme, a control character."""
    return path if is_local_path(path) else ""


def login_path(incoming: IncomingRequest) -> str:
    """Return the address of the sign-in page; it leads back to the requested page."""
    if incoming.method == "POST" or incoming.path == "/":
        return LOGIN
    query = f"?{incoming.query}" if str(incoming.query) else ""
    return f"{LOGIN}?{urlencode({'next': incoming.path + query})}"


def home_of(request: PortalRequest, access: Access | None) -> str:
    """Return the first page of a person on this host."""
    if access is None:
        return CHOOSE if len(request.accesses) > 1 else "/account"
    partner = access.account.kind == AccountKind.RESELLER and request.incoming.domain_owners is None
    return "/partner" if partner else "/account"


def _csrf_ok(request: PortalRequest) -> bool:
    token = request.incoming.form.get("csrf", "")
    expected = request.csrf
    if request.opened is None and cookies.store(request.deps).read(request.incoming, cookies.TICKET) != expected:
        return False
    return secrets.compare_digest(token.encode("utf-8", "replace"), expected.encode())
