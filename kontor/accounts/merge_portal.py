"""Merging another reseller by its owner's consent, asked for by mail: the asker's page, and the owner's."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final

from kontor.accounts import merge_requests
from kontor.accounts.merge import MergeReport
from kontor.accounts.merge_requests import AskedMerge, RequestOver
from kontor.kernel.errors import Conflict, Invalid, NotFound, TooManyAttempts
from kontor.ui.pages import N
from kontor.ui.portal_errors import refused
from kontor.ui.portal_request import PortalPage, PortalRequest, PortalResponse, SeeOther
from models.merging import MergeRequestState

MERGE: Final = N("Merge another reseller account into this one")
REQUEST: Final = N("A request to merge this account")
BLOCKED: Final = N("Both accounts have products that only one client may have. Remove one of them first.")
ELSEWHERE: Final = N(
    "This link is not valid for this account. If you have another account, sign out and open the link from the email"
    " again."
)
OVER: Final[Mapping[str, str]] = {
    "expired": N("This request has expired. Nothing was changed."),
    "withdrawn": N("This request was withdrawn. Nothing was changed."),
    "refused": N("This request was refused. Nothing was changed."),
    "begun": N("The merge has begun."),
    "address_changed": N("This link is no longer valid because the account’s address has changed."),
}
NO_REQUEST: Final = N("This request is no longer open. Nothing was changed.")
CHOOSE: Final = N("Please choose one of the two.")
COUNTS: Final[Mapping[str, str]] = {
    "clients": N("Clients"),
    "open_offers": N("Open offers"),
    "running_trials": N("Running trials"),
    "templates": N("Templates"),
    "payments": N("Payments"),
    "charges": N("Charges"),
    "assignments": N("Products of clients"),
    "paid_plans": N("Paid plans"),
    "webhook_endpoints": N("Webhooks"),
    "keys": N("API keys, which are revoked"),
}


def show_merge(request: PortalRequest) -> PortalResponse:
    """Show the newest request with what came of it, and both ways to the other owner's consent."""
    return merge_page(request)


def merge_page(request: PortalRequest) -> PortalPage:
    """Return the page of merges; with the report once the other owner has agreed."""
    asked = merge_requests.latest(request.session, request.person.account.id)
    state, other, report = "", None, None
    if asked is not None:
        state = asked.state if merge_requests.is_open(asked, request.now) else OVER_AS.get(asked.state, asked.state)
    if asked is not None and state == MergeRequestState.AGREED:
        try:
            agreed = merge_requests.agreed_report(request.context, request.session, asked)
        except Conflict:
            agreed = None
        other, report = agreed or (None, None)
        state = state if agreed else "expired"
    values = {"other": None, "asked": asked, "state": state, "agreed": other, **report_values(report)}
    return PortalPage("merge.html", MERGE, values, page="partner.merge")


OVER_AS: Final[Mapping[str, str]] = {MergeRequestState.ASKED: "expired", MergeRequestState.AGREED: "expired"}
"""What a request whose time is over counts as."""


def report_values(report: MergeReport | None) -> Mapping[str, object]:
    """Return what the templates show of a report."""
    if report is None:
        return {"report": None, "counts": []}
    shown = [(text, report.counts[name]) for name, text in COUNTS.items() if report.counts.get(name)]
    return {"report": report, "counts": shown}


def ask(request: PortalRequest) -> PortalResponse:
    """Ask whoever the name or address means; the answer is the same for an unknown one."""
    typed, own = request.incoming.form.get("identifier", ""), request.person.account
    try:
        with request.session.begin_nested():
            merge_requests.ask(request.context, request.session, own.id, typed, request.actor())
    except (Conflict, Invalid, TooManyAttempts) as error:
        return refused(request, merge_page(request), error)
    return SeeOther("/partner/merge?done=merge-asked")


def withdraw(request: PortalRequest) -> PortalResponse:
    """Withdraw one's own request. Raises NotFound."""
    own, asked = request.person.account, request.incoming.uuid("request_id")
    try:
        with request.session.begin_nested():
            merge_requests.withdraw(request.context, request.session, own.id, asked, request.actor())
    except Conflict as error:
        return refused(request, merge_page(request), error)
    return SeeOther("/partner/merge?done=merge-withdrawn")


def begin(request: PortalRequest) -> PortalResponse:
    """Begin the merge that the other owner agreed to. Raises NotFound."""
    own, asked = request.person.account, request.incoming.uuid("request_id")
    try:
        with request.session.begin_nested():
            merge_requests.begin(request.context, request.session, own.id, asked, request.actor())
    except Conflict as error:
        page = refused(request, merge_page(request), error)
        return replace(page, notice=BLOCKED) if error.code == "conflicts" else page
    return SeeOther("/partner?done=merge-started")


def show_request(request: PortalRequest) -> PortalResponse:
    """Show the owner of the other account who asks and what would happen; changes nothing."""
    return _answered(request, lambda: _request_page(request))


def decide(request: PortalRequest) -> PortalResponse:
    """Agree to a merge of one's own account, or refuse it, also after having agreed."""
    return _answered(request, lambda: _decide(request))


def _answered(request: PortalRequest, show: Callable[[], PortalResponse]) -> PortalResponse:
    """Return the answer, or the page that says why the link is of no use."""
    try:
        with request.session.begin_nested():
            return show()
    except RequestOver as error:
        return PortalPage("message.html", REQUEST, {"hint": OVER.get(error.code, NO_REQUEST)}, 410)
    except NotFound:
        return PortalPage("message.html", REQUEST, {"hint": ELSEWHERE}, 404)
    except Conflict:
        return PortalPage("message.html", REQUEST, {"hint": NO_REQUEST}, 409)


def _decide(request: PortalRequest) -> PortalResponse:
    ctx, session, tokens = request.context, request.session, request.deps.tokens
    token, own, actor = request.incoming.params["token"], request.person.account, request.actor()
    match request.incoming.form.get("decision"):
        case "agree":
            merge_requests.agree(ctx, session, tokens, token, own, actor)
            return SeeOther(f"{request.incoming.path}?done=merge-agreed")
        case "refuse":
            merge_requests.refuse(ctx, session, tokens, token, own, actor)
            return SeeOther("/partner?done=merge-refused")
        case _:
            return replace(_request_page(request), status=422, errors={"decision": CHOOSE})


def _request_page(request: PortalRequest) -> PortalPage:
    asked = _asked(request)
    values = {"asked": asked.request, "asker": asked.asker, **report_values(asked.report)}
    return PortalPage("merge_request.html", REQUEST, values, page="partner.merge.requests.show")


def _asked(request: PortalRequest) -> AskedMerge:
    token, own = request.incoming.params["token"], request.person.account
    return merge_requests.peek(request.context, request.session, request.deps.tokens, token, own)
