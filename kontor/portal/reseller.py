"""Merging another reseller into one's own, which both consent to, and being a regular account again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Final
from uuid import UUID

from kontor.accounts import client_list, merge, reseller_status
from kontor.accounts import service as accounts
from kontor.accounts.client_filter import ClientFilter
from kontor.accounts.merge import MergeReport
from kontor.accounts.merge_portal import BLOCKED, MERGE, merge_page, report_values
from kontor.http.problems import headers_of
from kontor.kernel.errors import Conflict, Gone, NotFound, TooManyAttempts
from kontor.members import factors, sign_in
from kontor.portal import second_step
from kontor.portal.auth import browser_of, times_of
from kontor.ui.pages import N
from kontor.ui.portal_errors import TOO_MANY, refused
from kontor.ui.portal_request import PortalPage, PortalRequest, PortalResponse, SeeOther
from models.accounts import Account, AccountKind

REVERT: Final = N("Stop being a reseller")
WRONG: Final = N("No reseller account of this programme has this name and password.")
MOST_NAMED: Final = 200
CONSENT: Final = "merge-consent"
CONSENT_LIFE: Final = timedelta(minutes=10)
NOTHING: Final[Mapping[str, str]] = {}


def merge_other(request: PortalRequest) -> PortalResponse:
    """Show what a merge would do, after signing in to the other account; with `confirm` begin it.

    The page carries the other side's consent for 10 minutes, for this session alone.
    """
    try:
        other = _consented(request) or _signed_in(request)
    except TooManyAttempts as error:
        return replace(merge_page(request), status=429, errors={"password": TOO_MANY}, headers=headers_of(error))
    form, own = request.incoming.form, request.person.account
    if other is None:
        return replace(
            merge_page(request), status=422, errors={"password": WRONG}, typed={"name": form.get("name", "")}
        )
    try:
        with request.session.begin_nested():
            report = merge.preview(request.context, request.session, other.id, own.id)
            if form.get("confirm") == "1":
                merge.require_no_conflicts(report)
                consent = {"via": "signed in to the other account"}
                merge.enqueue(request.context, request.session, other.id, own.id, request.actor().name, consent)
                return SeeOther("/partner?done=merge-started")
    except Conflict as error:
        page = refused(request, merge_page(request), error)
        return replace(page, notice=BLOCKED, typed=NOTHING) if error.code == "conflicts" else page
    return _report(request, other, report)


def show_revert(request: PortalRequest) -> PortalResponse:
    """Show who is let go when the account is no reseller any more."""
    return _letting_go(request)


def revert(request: PortalRequest) -> PortalResponse:
    """Make the account a regular one; its clients are disconnected. Needs `confirm`."""
    if request.incoming.form.get("confirm") != "1":
        return _letting_go(request)
    own = request.person.account
    try:
        with request.session.begin_nested():
            reseller_status.revert_reseller(request.context, request.session, own.id, disconnect_clients=True)
    except Conflict as error:
        return refused(request, _letting_go(request), error)
    return SeeOther("/account?done=reverted")


def _signed_in(request: PortalRequest) -> Account | None:
    """Return the other reseller whose name and password were typed, and its code where it asks for one.

    A wrong one is counted as a failed sign-in. Raises TooManyAttempts.
    """
    form, session = request.incoming.form, request.session
    browser, times = browser_of(request), times_of(request)

    def served(account: Account) -> bool:
        return _may_merge(request, account)

    name = form.get("name", "")
    opened = sign_in.attempt(request.context, session, name, form.get("password", ""), served, browser, times)
    if opened is None or len(opened.accounts) != 1:
        return None
    asking = factors.stores_that_ask(session, opened)
    proven = [store for store in asking if second_step.factor_ok(request, store, asking)]
    if not factors.opened_with(opened, asking, proven).accounts:
        sign_in.limit_for(session, sign_in.identified(session, name, served), browser, times).record()
        return None
    return opened.accounts[0]


def _may_merge(request: PortalRequest, account: Account) -> bool:
    own = request.person.account
    other = account.id != own.id and account.programme == own.programme
    return other and account.kind == AccountKind.RESELLER and not account.suspended and account.deleted_at is None


def _consented(request: PortalRequest) -> Account | None:
    """Return the reseller whose consent the form brings back, None if it is another session's or too old."""
    try:
        kept = request.deps.tokens.read(CONSENT, request.incoming.form.get("consent", ""), request.wall_time)
    except (NotFound, Gone):
        return None
    account = accounts.find(request.session, UUID(kept["other"]))
    usable = account is not None and _may_merge(request, account) and kept["session"] == _session_of(request)
    return account if usable else None


def _session_of(request: PortalRequest) -> str:
    assert request.opened is not None
    return request.opened.id.hex


def _report(request: PortalRequest, other: Account, report: MergeReport) -> PortalPage:
    consent = {"other": other.id.hex, "session": _session_of(request)}
    values = {
        "consent": request.deps.tokens.make(CONSENT, consent, request.wall_time + CONSENT_LIFE),
        "other": other,
        **report_values(report),
    }
    return PortalPage("merge.html", MERGE, values, page="partner.merge")


def _letting_go(request: PortalRequest) -> PortalPage:
    page = client_list.page(
        request.session,
        request.deps.programmes,
        request.person.account.id,
        ClientFilter(),
        request.now,
        None,
        MOST_NAMED,
    )
    values = {"clients": page.items, "more": page.next is not None}
    return PortalPage("revert.html", REVERT, values, page="partner.revert")
