"""Render the portal's pages: the brand of the host or account, the reader's language, the navigation."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final, assert_never

from markupsafe import Markup
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response, StreamingResponse

from kontor.accounts.portal import brand_of, brand_on_host
from kontor.http.hosts import split_host
from kontor.mailer.brand import Brand
from kontor.mails.dispatch import provider_brand
from kontor.offers import inbox
from kontor.portal import cookies
from kontor.portal.auth import language_of
from kontor.portal.navigation import navigation
from kontor.ui.pages import N, Pages, PublicPage, Reader, page_headers
from kontor.ui.portal_request import (
    PortalCount,
    PortalData,
    PortalFile,
    PortalFrame,
    PortalPage,
    PortalRequest,
    PortalResponse,
    PortalUnchanged,
    SeeOther,
)
from models.accounts import Account
from models.members import MemberRole

PASSKEYS: Final = Path(__file__).resolve().parent.parent / "console" / "static" / "passkeys.js"
LANGUAGE_NAMES: Final[Mapping[str, str]] = {
    "en": "English",
    "de": "Deutsch",
    "fr": "Français",
    "ru": "Русский",
    "ja": "日本語",
}
BAR: Final[Mapping[str, str]] = {
    "who": N("Signed in as reseller %(reseller)s in %(client)s"),
    "back": N("Back"),
    "look": N("See the page as the client does"),
    "looking": N("As the client sees it; buttons do nothing here."),
    "leave": N("Back to your own view"),
    "account": N("Account"),
    "updates": N("Updates"),
}
"""Of the bar over the pages of a client, for its reseller."""

DONE: Final[Mapping[str, str]] = {
    "link": N("If this account exists, we have sent a link to its address. It works once, for 15 minutes."),
    "password": N("Your password has been changed. Other sessions have ended."),
    "trial": N("The free trial has started."),
    "details": N("The changes have been saved."),
    "address": N("The address has been changed; both addresses get an email. Other sessions have ended."),
    "handed-over": N("The account has been handed over; both addresses get an email."),
    "member-added": N("The invitation has been sent."),
    "member-changed": N("The changes have been saved."),
    "member-removed": N("The person has been removed."),
    "accepted": N("You have accepted this offer."),
    "rejected": N("You have rejected this offer."),
    "created": N("The client has been created. An email is on its way to the admin address."),
    "connected": N("The account is your client now."),
    "disconnected": N("The client has been disconnected."),
    "deleted": N("The account has been deleted. You can restore it for 30 days."),
    "restored": N("The account has been restored."),
    "suspended": N("The client has been suspended."),
    "resumed": N("The client works again."),
    "template-saved": N("The template has been saved."),
    "template-copied": N("This is the copy; it has the same products."),
    "template-removed": N("The template has been removed."),
    "offer-sent": N("The offer is on its way."),
    "offer-mailed": N("The email about the offer is on its way again."),
    "offer-cancelled": N("The offer has been withdrawn."),
    "ordered": N("The order has been placed."),
    "order-cancelled": N("The order has been cancelled and paid back."),
    "renewed": N("The renewal has been ordered."),
    "retried": N("The service is being made again."),
    "ended": N("The service is being ended."),
    "service-changed": N("The change has been taken."),
    "service-suspended": N("The service is being suspended."),
    "service-resumed": N("The service is being resumed."),
    "key-revoked": N("The key has been revoked."),
    "endpoint-removed": N("The endpoint has been removed."),
    "endpoint-tested": N("A test event is on its way. Reload the page to see whether it arrived."),
    "endpoint-replayed": N("The failed deliveries are sent again."),
    "brand-saved": N("The brand has been saved."),
    "domain-checked": N("The records have been looked up."),
    "merge-started": N("The accounts are being merged. Both owners get an email when it is done."),
    "merge-asked": N("If there is such a reseller account, its owner has got an email and can agree or refuse."),
    "merge-withdrawn": N("The request has been withdrawn."),
    "merge-agreed": N("You have agreed. The other account can start the merge now; both owners get an email then."),
    "merge-refused": N("The request has been refused. Nothing was changed."),
    "reverted": N("Your account is a regular one again."),
    "products": N("The products have been changed."),
    "pinged": N("A test is on its way. Reload the page to see whether it was answered."),
    "instance-removed": N("The system is not connected any more."),
    "plan": N("The plan has been changed."),
    "reseller": N("You are a reseller now."),
    "reseller-left": N("You are a reseller now, and no longer a client of your former reseller."),
    "factor-removed": N("The second factor has been removed."),
    "factor-required": N("Resellers sign in with a second factor here. Please add one to go on."),
    "session-ended": N("The session has ended."),
    "sessions-ended": N("The other sessions have ended."),
    "signed-up": N("Your account has been created. We have sent you an email to confirm your address."),
}


class PortalPages:
    """Templates of the portal, compiled on first use. Safe to share between threads."""

    def __init__(self) -> None:
        self._pages = Pages(folders=("portal", "email", "pages"))
        self._script = Markup(PASSKEYS.read_text(encoding="utf-8"))  # noqa: S704 -- our own file

    def response(self, reply: PortalResponse, request: PortalRequest) -> Response:
        """Build the HTTP response of a view's reply."""
        if not isinstance(reply, PortalPage):
            return _unrendered(reply, request)
        brand = reply.brand or brand_for(request)
        zone = request.account.timezone if request.access is not None else "UTC"
        notice = reply.notice or DONE.get(request.incoming.query.get("done", ""))
        tone = "bad" if reply.status >= 400 else "good"
        view = PublicPage(
            reply.template, reply.status, reply.title, brand, Reader(reply.locale or request.locale, zone), notice, tone
        )
        of_client = reply.values.get("of_client")
        named = {
            "brand": brand.name if brand else "",
            "account": request.account.name if request.access else "",
            "client": of_client.name if isinstance(of_client, Account) else "",
            **reply.named,
        }
        scope = {
            **_scope(reply, request),
            "bar": self._bar(request),
            "script": self._script if reply.scripts else None,
            "live": reply.live,
            "own_script": reply.script,
        }
        scripts = reply.scripts or reply.live is not None or reply.script is not None
        page = self._pages.rendered(view, scope, named, reply.headers, scripts=scripts, framed=reply.framed)
        if request.embedded:
            return page
        return cookies.store(request.deps).write(page, {**_language(request), **_ticket(request), **reply.cookies})

    def _bar(self, request: PortalRequest) -> Mapping[str, str]:
        """Return the texts of the bar over a client's pages, in the language of the reseller's person."""
        client = request.client
        if client is None:
            return {}
        locale = language_of(request.deps, request.incoming, request.access)
        names = {"reseller": request.person.account.name, "client": client.name}
        return {"language": locale, **{name: self._pages.text(locale, BAR[name]) % names for name in BAR}}


def _unrendered(reply: SeeOther | PortalData, request: PortalRequest) -> Response:
    match reply:
        case SeeOther():
            redirect = RedirectResponse(reply.path, 303, page_headers("none"))
            return redirect if request.embedded else cookies.store(request.deps).write(redirect, reply.cookies)
        case PortalFile():
            named_file = {"Content-Disposition": f'attachment; filename="{reply.name}"', "Cache-Control": "no-store"}
            return StreamingResponse(reply.parts, media_type=reply.media, headers=named_file)
        case PortalCount():
            return JSONResponse({"count": reply.count}, headers=page_headers("none"))
        case PortalUnchanged():
            return Response(status_code=204, headers=page_headers("none"))
        case PortalFrame():
            policy = {"Content-Security-Policy": reply.policy, "X-Frame-Options": "SAMEORIGIN"}
            return HTMLResponse(reply.html, 200, {**page_headers("none"), **policy})
        case _:
            assert_never(reply)


def brand_for(request: PortalRequest) -> Brand | None:
    """Return the brand of a page: on a domain its own, elsewhere that of the account, else the provider's."""
    deps, session, owners = request.deps, request.session, request.incoming.domain_owners
    account = request.account if request.access is not None else None
    if owners is not None:
        return brand_on_host(deps, session, account, split_host(request.incoming.headers.get("host", ""))[0], owners)
    if account is not None:
        return brand_of(deps, session, account)
    programme = deps.programmes.any(session, None)
    return None if programme is None else provider_brand(programme, deps.public_url)


def _scope(page: PortalPage, request: PortalRequest) -> Mapping[str, object]:
    signed_in = request.access is not None
    return {
        "page": page.page or request.page,
        "csrf": request.csrf,
        "base": request.base,
        "account": request.account if signed_in else None,
        "person": request.reader if signed_in else None,
        "client": None if request.own_view else request.client,
        "acting": request.client,
        "operated": request.access,
        "looking": request.shown_to is not None,
        "embedded": request.embedded,
        "on_domain": request.incoming.domain_owners is not None,
        "several": len(request.accesses) > 1 and request.shown_to is None,
        "is_owner": request.may(MemberRole.OWNER),
        "is_staff": request.may(MemberRole.STAFF),
        "navigation": navigation(request),
        "open_offers": _open_offers(request) if page.open_offers is None else page.open_offers,
        "languages": LANGUAGE_NAMES,
        "here": request.incoming.path,
        "now": request.now,
        "errors": page.errors,
        "typed": page.typed,
        **page.values,
    }


def _open_offers(request: PortalRequest) -> int:
    return 0 if request.access is None else inbox.count_open(request.session, request.account.id, request.now)


def _language(request: PortalRequest) -> Mapping[str, str]:
    chosen = request.incoming.query.get("lang", "")
    return {cookies.LANGUAGE: chosen} if chosen in LANGUAGE_NAMES else {}


def _ticket(request: PortalRequest) -> Mapping[str, str]:
    return {} if request.opened is not None else {cookies.TICKET: request.ticket}
