"""Proof that the person at the browser is the operator: password or factor, given within 10 minutes."""

from typing import Final

from kontor.console.auth import browser_of, times_of
from kontor.http.problems import headers_of
from kontor.kernel.errors import TooManyAttempts
from kontor.operators import sessions, sign_in
from kontor.ui import texts
from kontor.ui.console_request import ConsoleRequest, TemplateResponse

PASSWORD_FIELD: Final = "proof_password"  # noqa: S105 -- the name of a field
FIELDS: Final = frozenset({PASSWORD_FIELD})


def demand(request: ConsoleRequest) -> TemplateResponse | None:
    """Return the page that asks for proof; None if it was given within 10 minutes or comes with this form.

    The page posts the same form again, with the proof. Wrong proofs count as failures of signing in.
    """
    opened, operator, form = request.operator_session, request.operator, request.incoming.form
    assert opened is not None
    assert operator is not None
    if sessions.is_proven(opened, request.wall_time):
        return None
    if PASSWORD_FIELD not in form:
        return _page(request, None)
    limit = sign_in.FailureLimit(request.session, operator.email, browser_of(request), times_of(request))
    try:
        limit.check()
    except TooManyAttempts as error:
        return _page(request, error)
    if not request.deps.passwords.verify(operator.password_hash, form[PASSWORD_FIELD]):
        limit.record()
        return _page(request, None, texts.WRONG_PROOF)
    opened.proven_at = request.wall_time
    return None


def _page(request: ConsoleRequest, error: TooManyAttempts | None, message: str | None = None) -> TemplateResponse:
    kept = {name: text for name, text in request.incoming.form.items() if name not in {"csrf", *FIELDS}}
    values = {"message": error.message if error else message, "kept": kept, "action": request.incoming.path}
    headers = headers_of(error) if error else {}
    return TemplateResponse("proof.html", texts.PROOF_TITLE, values, "", 429 if error else 403, headers)
