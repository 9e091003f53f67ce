"""The people of an account: its owner adds, changes and removes members."""

from typing import Final

from kontor.kernel.errors import Conflict, Invalid, TooManyAttempts
from kontor.members import service
from kontor.members.service import NewMember
from kontor.ui.pages import N
from kontor.ui.portal_errors import FIELDS, refused
from kontor.ui.portal_request import PortalPage, PortalRequest, PortalResponse, SeeOther
from models.members import MemberRole

TITLE: Final = N("People with access")
PAGE: Final = "/account/members"
ROLES: Final = {
    MemberRole.OWNER: N("Owner: everything"),
    MemberRole.STAFF: N("Staff: everything but people and security"),
    MemberRole.VIEWER: N("Viewer: reads only"),
}


def show_members(request: PortalRequest) -> PortalResponse:
    """Show the owner and the members."""
    return _page(request)


def add_member(request: PortalRequest) -> PortalResponse:
    """Add a member and mail an invitation."""
    form = request.incoming.form
    name, locale = form.get("name", "").strip() or None, form.get("locale") or None
    new = NewMember(form.get("email", ""), form.get("role", ""), name, locale, request.person.by_reseller)
    try:
        with request.session.begin_nested():
            service.add(request.context, request.session, request.account.id, new)
    except (Conflict, Invalid, TooManyAttempts) as error:
        return refused(request, _page(request), error)
    return SeeOther(f"{PAGE}?done=member-added")


def change_member(request: PortalRequest) -> PortalResponse:
    """Change the role of a member. Raises NotFound."""
    changes = {
        name: request.incoming.form[name] for name in ("name", "locale", "role") if name in request.incoming.form
    }
    try:
        with request.session.begin_nested():
            service.change(request.session, request.account.id, request.incoming.uuid("member_id"), changes)
    except Invalid:
        page = _page(request)
        return PortalPage(page.template, page.title, page.values, 422, {"role": FIELDS["role"]}, page=page.page)
    except Conflict as error:
        return refused(request, _page(request), error)
    return SeeOther(f"{PAGE}?done=member-changed")


def remove_member(request: PortalRequest) -> PortalResponse:
    """Remove a member. Raises NotFound."""
    try:
        with request.session.begin_nested():
            service.remove(request.session, request.account.id, request.incoming.uuid("member_id"))
    except Conflict as error:
        return refused(request, _page(request), error)
    return SeeOther(f"{PAGE}?done=member-removed")


def _page(request: PortalRequest) -> PortalPage:
    page = service.page(request.session, request.account.id, request.incoming.param("cursor"), 100)
    values = {"people": page.items, "next": page.next, "roles": ROLES}
    name = "partner.team" if request.page == "partner.team" else "account.members"
    return PortalPage("members.html", TITLE, values, page=name)
