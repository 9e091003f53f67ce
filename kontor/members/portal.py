"""The page of an invitation: a member accepts it by pressing a button, with a first password where there is none."""

from typing import Final

from kontor.accounts.portal import PASSWORD, brand_of, require_served, suspended, unknown
from kontor.http.context import RequestTransaction
from kontor.kernel.errors import Conflict, Gone, Invalid, KontorError, NotFound
from kontor.members import invitations
from kontor.members.invitations import MemberInvitation
from kontor.ui.pages import N, PublicPage, Reader

TITLE: Final = N("An invitation to an account")
ACCEPTED: Final = N("You have accepted the invitation. You can sign in with your address and your password.")
GONE: Final[dict[str, str]] = {
    "used": N("This link was used. You can sign in with your address and your password."),
    "expired": N("This link has expired. Please request a new one."),
    "withdrawn": N("This invitation was withdrawn."),
}


def show_invitation(request: RequestTransaction) -> PublicPage:
    """Show the page; changes nothing. Raises NotFound, Gone."""
    return _page(request, _peek(request), 200)


def accept(request: RequestTransaction) -> PublicPage:
    """Accept the invitation. Raises NotFound, Gone, Conflict, Invalid."""
    _peek(request)
    token, password = request.incoming.params["token"], request.incoming.form.get("password", "")
    invitation = invitations.accept(request.context, request.session, request.deps.tokens, token, password)
    return _page(request, invitation, 200, ACCEPTED, form=False)


def refuse_invitation(request: RequestTransaction, error: KontorError) -> PublicPage:
    """Show why nothing was accepted; without a brand, which would reveal the account, when the link is of no use."""
    match error:
        case NotFound():
            return unknown()
        case Gone():
            return PublicPage("plain.html", 410, GONE.get(error.code, GONE["withdrawn"]), values={"hint": None})
        case Invalid():
            return _page(request, _peek(request), 422)
        case Conflict():
            return _page(request, _peek(request), 409, form=False)
        case _:
            raise error


def _peek(request: RequestTransaction) -> MemberInvitation:
    token = request.incoming.params["token"]
    invitation = invitations.peek(request.context, request.session, request.deps.tokens, token)
    require_served(request, invitation.account.reseller_id or invitation.account.id)
    return invitation


def _page(
    request: RequestTransaction,
    invitation: MemberInvitation,
    status: int,
    notice: str | None = None,
    *,
    form: bool = True,
) -> PublicPage:
    account, member = invitation.account, invitation.member
    if account.suspended:
        return suspended(request, account, status)
    brand = brand_of(request.deps, request.session, account)
    values = {
        "brand": brand,
        "account": account.name,
        "address": member.email,
        "open": form,
        "asks_password": invitation.asks_password,
        "error": PASSWORD if status == 422 else None,
    }
    return PublicPage(
        "invitation.html", status, TITLE, brand, Reader(member.locale, account.timezone), notice, "good", values
    )
