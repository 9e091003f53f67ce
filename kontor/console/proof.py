"""Proof that the person at the browser is the operator: password or factor, given within 10 minutes."""

from typing import Final

from kontor.console import sign_in_steps
from kontor.console.auth import browser_of, times_of
from kontor.http.problems import headers_of
from kontor.kernel.errors import TooManyAttempts
from kontor.operators import sessions, sign_in
from kontor.ui import sign_in_texts
from kontor.ui.console_request import ConsoleRequest, TemplateResponse
from models.people import Operator

PASSWORD_FIELD: Final = "proof_password"  # noqa: S105 -- the name of a field
CODE_FIELD: Final = "proof_code"
PASSKEY_FIELD: Final = "proof_credential"
STATE_FIELD: Final = "proof_state"
FIELDS: Final = frozenset({PASSWORD_FIELD, CODE_FIELD, PASSKEY_FIELD, STATE_FIELD})


def demand(request: ConsoleRequest) -> TemplateResponse | None:
    """Return the page that asks for proof; None if it was given within 10 minutes or comes with this form.

    The page posts the same form again, with the proof. Wrong proofs count as failures of signing in.
    """
    opened, operator, form = request.operator_session, request.operator, request.incoming.form
    assert opened is not None
    assert operator is not None
    if sessions.is_proven(opened, request.wall_time):
        return None
    if not any(form.get(name) for name in FIELDS - {STATE_FIELD}):
        return _page(request, operator, None)
    limit = sign_in.failure_limit(request.session, operator.email, browser_of(request), times_of(request))
    try:
        limit.check()
    except TooManyAttempts as error:
        return _page(request, operator, error)
    if not _is_right(request, operator):
        limit.record()
        return _page(request, operator, None, sign_in_texts.WRONG_PROOF)
    opened.proven_at = request.wall_time
    return None


def _is_right(request: ConsoleRequest, operator: Operator) -> bool:
    form = request.incoming.form
    if password := form.get(PASSWORD_FIELD):
        return request.deps.passwords.verify(operator.password_hash, password)
    code, credential, state = (form.get(name, "") for name in (CODE_FIELD, PASSKEY_FIELD, STATE_FIELD))
    return sign_in_steps.factor_ok(request, operator, code, credential, state)


def _page(
    request: ConsoleRequest, operator: Operator, error: TooManyAttempts | None, message: str | None = None
) -> TemplateResponse:
    kept = {name: text for name, text in request.incoming.form.items() if name not in {"csrf", *FIELDS}}
    values = {
        "message": error.message if error else message,
        "kept": kept,
        "action": request.incoming.path,
        "by_provider": request.deps.identity_provider is not None,
        **sign_in_steps.passkey_values(request, operator),
    }
    headers = headers_of(error) if error else {}
    return TemplateResponse("proof.html", sign_in_texts.PROOF_TITLE, values, "", 429 if error else 403, headers)
