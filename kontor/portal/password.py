"""Changing one's own password: an owner that of the account, a member that of the address."""

from collections.abc import Mapping
from typing import Final

from kontor.http.problems import headers_of
from kontor.kernel.errors import Invalid, TooManyAttempts
from kontor.members import sessions, sign_in
from kontor.portal.auth import own_limit
from kontor.ui.pages import N
from kontor.ui.portal_errors import FIELDS, TOO_MANY
from kontor.ui.portal_request import PortalPage, PortalRequest, PortalResponse, SeeOther
from models.members import MemberRole

TITLE: Final = N("Your password")
WRONG: Final = N("This is not your current password.")
NOTHING: Final[Mapping[str, str]] = {}


def show_password(request: PortalRequest) -> PortalResponse:
    """Show the form; after signing in by a link it does not ask for the current password."""
    return _form(request, 200)


def change_password(request: PortalRequest) -> PortalResponse:
    """Change the password: other sessions end. Wrong ones count as failures of signing in."""
    form, person = request.incoming.form, request.person
    limit = own_limit(request)
    try:
        limit.check()
    except TooManyAttempts as error:
        return _form(request, 429, {"current_password": TOO_MANY}, headers_of(error))
    if not _is_free(request) and not sign_in.is_password(
        request.context, request.session, person, form.get("current_password", "")
    ):
        limit.record()
        return _form(request, 422, {"current_password": WRONG})
    try:
        _change(request, form.get("new_password", ""))
    except Invalid:
        return _form(request, 422, {"new_password": FIELDS["new_password"]})
    return SeeOther("/account/password?done=password")


def _change(request: PortalRequest, new: str) -> None:
    assert request.opened is not None
    ctx, session, person = request.context, request.session, request.person
    if person.role is MemberRole.OWNER:
        sign_in.change_account_password(ctx, session, request.opened, person, new)
    else:
        sign_in.change_member_password(ctx, session, request.opened, new)


def _is_free(request: PortalRequest) -> bool:
    """Return whether a link to the address was used within 10 minutes: it stands in for a forgotten password."""
    opened = request.opened
    return opened is not None and opened.by_link and sessions.is_proven(opened, request.wall_time)


def _form(
    request: PortalRequest, status: int, errors: Mapping[str, str] = NOTHING, headers: Mapping[str, str] = NOTHING
) -> PortalPage:
    return PortalPage("password.html", TITLE, {"free": _is_free(request)}, status, errors, headers=headers)
