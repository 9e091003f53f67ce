"""Making an account of one's own, and becoming a reseller, both by the portal on the provider's host alone."""

from dataclasses import replace
from typing import Final

from kontor.accounts import activation, addresses, reseller_status
from kontor.accounts import service as accounts
from kontor.accounts.service import NewAccount
from kontor.kernel.errors import Conflict, FieldError, Forbidden, Invalid, KontorError, NotFound, TooManyAttempts
from kontor.kernel.ports import validate_password
from kontor.programme import service as programmes
from kontor.programme.model import Programme
from kontor.ui.pages import N
from kontor.ui.portal_errors import NOTICES, refused
from kontor.ui.portal_request import PortalPage, PortalRequest, PortalResponse, SeeOther
from models.accounts import Account, AccountKind, Party, SetBy

TITLE: Final = N("Create an account")
BECOME: Final = N("Become a reseller")
UNCONFIRMED: Final = "own_address_unconfirmed"


def open_programmes(request: PortalRequest) -> dict[str, Programme]:
    """Return the programmes that people may join by themselves."""
    codes = [row.code for row in programmes.list_programmes(request.session)]
    current = {code: request.deps.programmes.current(request.session, code) for code in codes}
    return {code: programme for code, programme in current.items() if programme.signup}


def may_sign_up(request: PortalRequest) -> bool:
    """Whether the sign-in leads to the form: on the provider's host, where a programme is open."""
    return request.incoming.domain_owners is None and bool(open_programmes(request))


def show_signup(request: PortalRequest) -> PortalResponse:
    """Show the form. Raises NotFound where no programme is open."""
    if request.opened is not None:
        return SeeOther("/account")
    joined = open_programmes(request)
    if not joined:
        raise NotFound
    chosen = request.incoming.query.get("programme", "")
    programme = joined.get(chosen) or next(iter(joined.values()))
    values = {"programmes": joined, "chosen": chosen, "terms": programme.terms}
    return PortalPage("signup.html", TITLE, values, page="signup")


def create_account(request: PortalRequest) -> Account | KontorError:
    """Make an account with its password and mail an activation link; return why not instead. Raises NotFound."""
    form, joined = request.incoming.form, open_programmes(request)
    if not joined:
        raise NotFound
    programme = form.get("programme", "")
    party = form.get("party") or Party.COMPANY.value
    missing = [
        *(() if programme in joined else (FieldError("programme", "is not open"),)),
        *(() if form.get("terms") else (FieldError("terms", "must be accepted"),)),
        *(() if party in set(Party) else (FieldError("party", "must be company or person"),)),
    ]
    if missing:
        return Invalid(errors=missing)
    new = NewAccount(programme, form.get("name", ""), form.get("admin_email", ""), None, party, request.locale)
    try:
        digest = request.deps.passwords.hash(validate_password(form.get("password", "")))
        with request.session.begin_nested():
            account = accounts.create(request.context, request.session, new, set_by=SetBy.CLIENT)
            account.password_hash = digest
            activation.require_activation_mail(request.context, request.session, account.admin_email, None)
            activation.mail_link(request.context, request.session, account)
            return account
    except (Conflict, Invalid, TooManyAttempts) as error:
        return error


def signup_refused(request: PortalRequest, error: KontorError) -> PortalResponse:
    """Show the form again, with the reason. Raises NotFound."""
    page = show_signup(request)
    return refused(request, page, error) if isinstance(page, PortalPage) else page


def show_become(request: PortalRequest) -> PortalResponse:
    """Show the terms of the programme; to a client first what it loses, without a word of the provider.

    Raises NotFound for resellers, and on a customer's domain.
    """
    return _become_page(request, leaving=False)


def become(request: PortalRequest) -> PortalResponse:
    """Turn the account into a reseller at once; for the owner of a confirmed address alone. A client leaves its own."""
    form, session = request.incoming.form, request.session
    client, leaving = request.account.kind == AccountKind.CLIENT, form.get("leave") == "1"
    page = _become_page(request, leaving=leaving)
    if client and not (leaving and form.keys() & {"terms", "sent"}):
        return page
    try:
        _require_terms_and_address(request)
        with session.begin_nested():
            terms = form["terms"]
            version = None if terms in {"on", "1", "yes", "true"} else terms
            reseller_status.become_reseller(request.context, session, request.account.id, version)
    except Forbidden as error:
        return refused(request, page, Conflict(error.code, error.message))
    except (Conflict, Invalid) as error:
        shown = refused(request, page, error)
        unconfirmed = error.code == UNCONFIRMED
        return replace(shown, status=422, errors={"terms": NOTICES[UNCONFIRMED]}, notice=None) if unconfirmed else shown
    return SeeOther(f"/partner?done={'reseller-left' if client else 'reseller'}")


def _require_terms_and_address(request: PortalRequest) -> None:
    """Raise Invalid unless the terms are accepted, Conflict(`own_address_unconfirmed`)."""
    if not request.incoming.form.get("terms"):
        raise Invalid(errors=[FieldError("terms", "must be accepted")])
    addresses.require_owned(request.session, request.account)


def _become_page(request: PortalRequest, *, leaving: bool) -> PortalPage:
    account = request.account
    if request.incoming.domain_owners is not None or account.kind == AccountKind.RESELLER:
        raise NotFound
    programme = request.deps.programmes.current(request.session, account.programme)
    reseller = None if account.reseller_id is None else accounts.get(request.session, account.reseller_id)
    values = {
        "terms": programme.terms,
        "affiliate": programme.accounts.affiliate,
        "leaves": None if reseller is None else reseller.name,
        "asks": reseller is None or leaving,
    }
    return PortalPage("become_reseller.html", BECOME, values, page="account.become-reseller")
