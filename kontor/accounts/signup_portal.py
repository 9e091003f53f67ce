"""Making an account of one's own, and becoming a reseller, both by the portal on the provider's host alone."""

from typing import Final

from kontor.accounts import activation, addresses, reseller_status
from kontor.accounts import service as accounts
from kontor.accounts.service import NewAccount
from kontor.kernel.errors import Conflict, FieldError, Forbidden, Invalid, KontorError, NotFound, TooManyAttempts
from kontor.kernel.ports import validate_password
from kontor.programme import service as programmes
from kontor.programme.model import Programme
from kontor.ui.pages import N
from kontor.ui.portal_errors import refused
from kontor.ui.portal_request import PortalPage, PortalRequest, PortalResponse, SeeOther
from models.accounts import Account, AccountKind, Party, SetBy

TITLE: Final = N("Create an account")
BECOME: Final = N("Become a reseller")


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
    """Show the terms of the programme. Raises NotFound for clients, who see nothing of the provider, and resellers."""
    return _become_page(request)


def become(request: PortalRequest) -> PortalResponse:
    """Turn the account into a reseller at once; for the owner of a confirmed address alone."""
    page, session = _become_page(request), request.session
    try:
        if not request.incoming.form.get("terms"):
            return refused(request, page, Invalid(errors=[FieldError("terms", "must be accepted")]))
        addresses.require_owned(session, request.account)
        with session.begin_nested():
            terms = request.incoming.form["terms"]
            version = None if terms in {"on", "1", "yes", "true"} else terms
            reseller_status.become_reseller(request.context, session, request.account.id, version)
    except Forbidden as error:
        return refused(request, page, Conflict(error.code, error.message))
    except (Conflict, Invalid) as error:
        return refused(request, page, error)
    return SeeOther("/partner?done=reseller")


def _become_page(request: PortalRequest) -> PortalPage:
    if request.incoming.domain_owners is not None or request.account.kind != AccountKind.REGULAR:
        raise NotFound
    programme = request.deps.programmes.current(request.session, request.account.programme)
    values = {"terms": programme.terms, "affiliate": programme.accounts.affiliate}
    return PortalPage("become_reseller.html", BECOME, values, page="account.become-reseller")
