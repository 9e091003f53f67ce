"""The second step of signing in to the portal: a code of an authenticator app, a recovery code or a passkey."""

import base64
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from typing import Final
from urllib.parse import urlsplit
from uuid import UUID

from kontor.accounts import service as accounts
from kontor.accounts.portal import brand_of
from kontor.http import passkeys, second_factors
from kontor.http.passkeys import CHALLENGE_BYTES, RelyingParty
from kontor.http.problems import headers_of
from kontor.http.sign_in_limits import FailureLimit
from kontor.kernel.errors import Gone, NotFound, TooManyAttempts
from kontor.members import factors, sessions, sign_in
from kontor.members.factors import PortalFactors
from kontor.members.sessions import Opened
from kontor.portal import cookies
from kontor.portal.auth import browser_of, safe_next, serves, times_of
from kontor.ui.pages import N
from kontor.ui.portal_errors import FIELDS, TOO_MANY
from kontor.ui.portal_request import PortalPage, PortalRequest, PortalResponse
from models.accounts import Account

TITLE: Final = N("One more step")
STEP_LIFE: Final = timedelta(minutes=10)
PURPOSE: Final = "portal-step"
PASSKEY_PURPOSE: Final = "portal-passkey"
NOTHING: Final[Mapping[str, str]] = {}


@dataclass(frozen=True, slots=True)
class PendingSignIn:
    """What the right password or a mailed link opens, once a factor is given.

    `key`: under which failures are counted; `following`: the page that was asked for.
    """

    opened: Opened
    key: str
    following: str = ""
    remembered: bool = False


def ask(request: PortalRequest, pending: PendingSignIn) -> Mapping[str, str]:
    """Return the cookie of a sign-in that waits for its second step."""
    opened = pending.opened
    content = {
        "accounts": [account.id.hex for account in opened.accounts],
        "member": opened.member_key,
        "by_link": opened.by_link,
        "opens": _fingerprint(request, opened),
        "key": pending.key,
        "next": pending.following,
        "remembered": pending.remembered,
    }
    return {cookies.STEP: request.deps.tokens.make(PURPOSE, content, request.wall_time + STEP_LIFE)}


def pending_of(request: PortalRequest) -> PendingSignIn | None:
    """Return the sign-in of this browser that waits for its second step; None if that is over."""
    token = cookies.store(request.deps).read(request.incoming, cookies.STEP)
    try:
        content = request.deps.tokens.read(PURPOSE, token, request.wall_time)
    except (NotFound, Gone):
        return None
    rows = (accounts.find(request.session, UUID(text)) for text in content["accounts"])
    opened = Opened(
        tuple(account for account in rows if account is not None and _is_open(request, account)),
        content["member"],
        content["by_link"],
    )
    if content["opens"] != _fingerprint(request, opened):
        return None
    return PendingSignIn(opened, content["key"], safe_next(content["next"]), content["remembered"])


def show(request: PortalRequest, pending: PendingSignIn, status: int = 200) -> PortalResponse:
    """Show the form of the second step."""
    return _form(request, pending, status)


def check(request: PortalRequest, pending: PendingSignIn) -> Opened | PortalResponse:
    """Return what the factor opens, or the page with why not. Wrong ones count as failures of signing in."""
    asking = factors.stores_that_ask(request.session, pending.opened)
    limit = sign_in.limit_of_key(
        request.session, pending.key, pending.opened.holders, browser_of(request), times_of(request)
    )
    try:
        limit.check()
    except TooManyAttempts as error:
        return _form(request, pending, 429, {"code": TOO_MANY}, headers_of(error))
    proven = [store for store in asking if factor_ok(request, store, asking)]
    if asking and not proven:
        return _refused(request, pending, limit)
    return factors.opened_with(pending.opened, asking, proven)


def _refused(request: PortalRequest, pending: PendingSignIn, limit: FailureLimit) -> PortalResponse:
    limit.record()
    return _form(request, pending, 422, {"code": FIELDS["code"]})


def factor_ok(request: PortalRequest, store: PortalFactors, asked: Sequence[PortalFactors], prefix: str = "") -> bool:
    """Return whether the form's code, recovery code or passkey is the holder's; each is used up by it."""
    form, wall_time = request.incoming.form, request.wall_time
    if credential := form.get(f"{prefix}credential", ""):
        challenge = challenge_of(request, asked, form.get(f"{prefix}state", ""))
        return challenge is not None and passkeys.verify(store, party_of(request), credential, challenge, wall_time)
    code = form.get(f"{prefix}code", "")
    return bool(code.strip()) and second_factors.verify_code(store, request.deps.secret_box, code, wall_time)


def party_of(request: PortalRequest) -> RelyingParty:
    """Return the host that was asked, to which passkeys belong."""
    scheme = urlsplit(request.deps.public_url).scheme
    return RelyingParty.of(f"{scheme}://{request.incoming.headers.get('host', '')}")


def new_challenge(request: PortalRequest, asked: Sequence[PortalFactors]) -> tuple[bytes, str]:
    """Return a random challenge and the signed state that a form brings back with the answer."""
    challenge = secrets.token_bytes(CHALLENGE_BYTES)
    content = {"holders": _holders(asked), "challenge": base64.urlsafe_b64encode(challenge).decode()}
    return challenge, request.deps.tokens.make(PASSKEY_PURPOSE, content, request.wall_time + STEP_LIFE)


def challenge_of(request: PortalRequest, asked: Sequence[PortalFactors], state: str) -> bytes | None:
    """Return the challenge of a signed state; None if it is for others, expired or forged."""
    try:
        content = request.deps.tokens.read(PASSKEY_PURPOSE, state, request.wall_time)
    except (NotFound, Gone):
        return None
    return base64.urlsafe_b64decode(content["challenge"]) if content["holders"] == _holders(asked) else None


def factor_values(request: PortalRequest, asked: Sequence[PortalFactors]) -> Mapping[str, object]:
    """Return what a form needs to ask for a factor; `options` None without a passkey of this host."""
    challenge, state = new_challenge(request, asked)
    options = passkeys.request_options(asked, party_of(request), challenge)
    return {
        "options": options,
        "state": state,
        "has_factor": any(store.factors() for store in asked),
        "has_codes": any(second_factors.has_totp(store) for store in asked),
    }


def _holders(asked: Sequence[PortalFactors]) -> str:
    return sha256("\x00".join(store.holder for store in asked).encode()).hexdigest()[:16]


def _is_open(request: PortalRequest, account: Account) -> bool:
    return account.deleted_at is None and serves(request.incoming, account)


def _fingerprint(request: PortalRequest, opened: Opened) -> str:
    """A changed password or address ends a sign-in that waits for its second step."""
    credentials = [sessions.credential_of(account) for account in opened.accounts]
    if opened.member_key is not None:
        credentials.append(sessions.member_credential(request.session, opened.member_key))
    return sha256("\x00".join(credentials).encode()).hexdigest()[:32]


def _form(
    request: PortalRequest,
    pending: PendingSignIn,
    status: int,
    errors: Mapping[str, str] = NOTHING,
    headers: Mapping[str, str] = NOTHING,
) -> PortalPage:
    values = factor_values(request, factors.stores_that_ask(request.session, pending.opened))
    accounts_opened = pending.opened.accounts if request.incoming.domain_owners is None else ()
    brand = brand_of(request.deps, request.session, accounts_opened[0]) if accounts_opened else None
    return PortalPage(
        "second_step.html", TITLE, values, status, errors, headers=headers, brand=brand, page="login", scripts=True
    )
