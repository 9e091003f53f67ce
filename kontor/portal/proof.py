"""Proof that the person at the browser is still the one who signed in: password or factor, within 10 minutes."""

from typing import Final

from kontor.http.problems import headers_of
from kontor.kernel.errors import TooManyAttempts
from kontor.members import sessions, sign_in
from kontor.portal import second_step
from kontor.portal.auth import own_factors, own_limit
from kontor.ui.pages import N
from kontor.ui.portal_errors import TOO_MANY
from kontor.ui.portal_request import PortalPage, PortalRequest

TITLE: Final = N("Confirm that it is you")
WRONG: Final = N("That is not right. Nothing has been changed.")
PREFIX: Final = "proof_"
GIVEN: Final = ("proof_password", "proof_code", "proof_credential")
FIELDS: Final = frozenset({*GIVEN, "proof_state"})


def demand(request: PortalRequest) -> PortalPage | None:
    """Return the page that asks for proof; None if it was given within 10 minutes or comes with this form.

    The page posts the same form again, with the proof. Wrong proofs count as failures of signing in.
    """
    opened, form = request.opened, request.incoming.form
    assert opened is not None
    if sessions.is_proven(opened, request.wall_time):
        return None
    if not any(form.get(name) for name in GIVEN):
        return _page(request, 403)
    limit = own_limit(request)
    try:
        limit.check()
    except TooManyAttempts as error:
        return _page(request, 429, TOO_MANY, error)
    if not _is_right(request):
        limit.record()
        return _page(request, 422, WRONG)
    opened.proven_at = request.wall_time
    return None


def _is_right(request: PortalRequest) -> bool:
    """A passwordless account proves itself by a factor, or by signing in again with a mailed link."""
    form, store = request.incoming.form, own_factors(request)
    if password := form.get("proof_password"):
        return sign_in.is_password(request.context, request.session, request.person, password)
    return second_step.factor_ok(request, store, [store], PREFIX)


def _page(
    request: PortalRequest, status: int, message: str | None = None, error: TooManyAttempts | None = None
) -> PortalPage:
    kept = {name: text for name, text in request.incoming.form.items() if name not in {"csrf", *FIELDS}}
    values = {
        "kept": kept,
        "action": request.incoming.path,
        "identifier": request.person.email,
        **second_step.factor_values(request, [own_factors(request)]),
    }
    errors = {"proof_password": message} if message else {}
    return PortalPage(
        "proof.html", TITLE, values, status, errors, headers=headers_of(error) if error else {}, scripts=True
    )
