"""Forms of operators: fields, a preview where one is due, a reason; each is done once, however often it is sent."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Final
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert

from kontor.evidence.acts import attempted, rolled_back
from kontor.http.problems import status_of
from kontor.kernel.database import psycopg_connection
from kontor.kernel.errors import Conflict, FieldError, Forbidden, Invalid, KontorError, NotFound, TooManyAttempts
from kontor.kernel.ids import new_id
from kontor.ui import formatting, texts
from kontor.ui.console_request import (
    REASON_LIMIT,
    ConsoleRequest,
    ConsoleResponse,
    Redirect,
    TemplateResponse,
)
from kontor.ui.listing import NOBODY, account_named
from models.people import OperatorRole, SentForm

REASON: Final = "reason"
TYPED_NOWHERE: Final = frozenset({"password"})
"""Kinds of fields whose text no page gives back."""

REFUSALS: Final = (Conflict, Invalid, Forbidden, NotFound, TooManyAttempts)


@dataclass(frozen=True, slots=True)
class FormField:
    """A field of a form. `options`: (value, label) of a choice; `value`: what stands there at first."""

    name: str
    label: str
    kind: str = "text"
    options: Sequence[tuple[str, str]] = ()
    required: bool = True
    value: str = ""
    hint: str = ""


@dataclass(frozen=True, slots=True)
class FormResult:
    """The page that a form leads to; `page`: one that is shown instead, once, as it holds a secret."""

    location: str
    page: TemplateResponse | None = None


FormCheck = Callable[[ConsoleRequest], Coroutine[None, None, object]]
"""Asks the network before the form's transaction; the request's `check` has the answer."""


@dataclass(frozen=True, slots=True)
class OperatorForm:
    """A form at `path`, recorded as `code`. `preview`: what it would do, a sentence each, shown before it is done.

    `beside` names the field of a conflict's code, or of an error's place. `cancel_url` may name parts of the path.
    """

    path: str
    code: str
    title: str
    button: str
    fields: Callable[[ConsoleRequest], Sequence[FormField]]
    perform: Callable[[ConsoleRequest, str], FormResult]
    cancel_url: str
    preview: Callable[[ConsoleRequest], Sequence[str]] | None = None
    beside: Mapping[str, str] = field(default_factory=dict)
    intro: str = ""
    grave: bool = False
    nav: str = "accounts"
    role: OperatorRole = OperatorRole.OPERATOR
    check: FormCheck | None = None

    def show(self, request: ConsoleRequest) -> TemplateResponse:
        """Show the form, filled from the address."""
        return self._page(request)

    def submit(self, request: ConsoleRequest) -> ConsoleResponse:
        """Show what the form would do, or do it once; show it again, with the field that is wrong. Raises NotFound."""
        form = request.incoming.form
        sent = _sent(request)
        if sent is not None:
            return Redirect(sent)
        fields = self.fields(request)
        reason = form.get(REASON, "").strip()[:REASON_LIMIT]
        missing = {
            each.name: texts.FIELD_REQUIRED for each in fields if each.required and not _typed(request, each.name)
        }
        if not reason:
            missing[REASON] = texts.REASON_REQUIRED
        if missing:
            return self._page(request, errors=missing, status=422)
        try:
            return self._previewed(request, reason)
        except REFUSALS as error:
            return self._refused(request, error, {each.name for each in fields})

    def _previewed(self, request: ConsoleRequest, reason: str) -> ConsoleResponse:
        """Do the form, unless its preview was not seen yet, or says something else now."""
        if request.check.refusal is not None:
            raise request.check.refusal
        if self.preview is not None:
            with rolled_back(request.session):
                sentences = self.preview(request)
            confirmed = request.incoming.form.get("confirm") == "1"
            if not confirmed or request.incoming.form.get("seen") != _digest(sentences):
                status, message = (409, texts.PREVIEW_CHANGED) if confirmed else (200, None)
                return self._page(request, preview=sentences, message=message, status=status)
        with attempted(request.session):
            if not _take(request):
                return Redirect(_sent(request) or self.cancel_url.format(**request.incoming.params))
            result = self.perform(request, reason)
            _keep(request, result.location)
        return result.page or Redirect(result.location)

    def _refused(self, request: ConsoleRequest, error: KontorError, names: set[str]) -> TemplateResponse:
        errors: dict[str, str] = {}
        for problem in getattr(error, "errors", ()):
            parts = (problem.loc, problem.loc.rpartition(".")[2], problem.loc.partition(".")[0])
            name = next((part for part in parts if part in names), self.beside.get(problem.loc))
            if name is not None:
                errors.setdefault(name, problem.msg)
        if error.code in self.beside:
            errors.setdefault(self.beside[error.code], error.message)
        status = 422 if errors else status_of(error)
        return self._page(request, errors=errors, message=None if errors else _text(error), status=status)

    def _page(
        self,
        request: ConsoleRequest,
        preview: Sequence[str] = (),
        errors: Mapping[str, str] = {},
        message: str | None = None,
        status: int = 200,
    ) -> TemplateResponse:
        form = request.incoming.form
        fields = self.fields(request)
        values = {
            "form": self,
            "intro": self.intro,
            "fields": [replace(each, value=_value(request, each)) for each in fields],
            "token": form.get("token") or str(new_id()),
            "reason": form.get(REASON, ""),
            "preview": preview,
            "seen": _digest(preview),
            "errors": errors,
            "message": message,
            "cancel": self.cancel_url.format(**request.incoming.params),
            "accounts": _accounts(request),
        }
        return TemplateResponse("form.html", self.title, values, self.nav, status)


def _accounts(request: ConsoleRequest) -> Mapping[str, str]:
    """Return the names of the accounts in the form's address. Raises NotFound."""
    params = request.incoming.params
    names = formatting.account_names(psycopg_connection(request.session), params.values())
    if len(names) < len(params):
        raise NotFound
    return names


def account_typed(request: ConsoleRequest, name: str) -> UUID:
    """Return the account that a field names by its name or id. Raises Invalid."""
    account_id = account_named(request, _typed(request, name))
    if account_id is None or account_id == NOBODY:
        raise Invalid(errors=[FieldError(name, texts.UNKNOWN_ACCOUNT)])
    return account_id


def form_token(request: ConsoleRequest) -> str:
    """Return the name of the form that was shown, by which what it makes is made once."""
    return f"console:{_token(request)}"


def _typed(request: ConsoleRequest, name: str) -> str:
    return request.incoming.form.get(name, "").strip()


def _value(request: ConsoleRequest, each: FormField) -> str:
    """Return what a field shows: what was typed, else what the address says, else its own value."""
    if each.kind in TYPED_NOWHERE:
        return ""
    if request.incoming.method == "POST":
        return request.incoming.form.get(each.name, "")
    return request.incoming.param(each.name) or each.value


def _text(error: KontorError) -> str:
    short = error.data.get("missing")
    return error.message if short is None else f"{error.message} Missing: {short}."


def _digest(sentences: Sequence[str]) -> str:
    return sha256("\n".join(sentences).encode()).hexdigest()


def _token(request: ConsoleRequest) -> UUID:
    """Return the form's own id. Raises Forbidden for a form that this console did not show."""
    try:
        return UUID(request.incoming.form.get("token", ""))
    except ValueError:
        raise Forbidden("csrf", texts.FOREIGN_FORM) from None


def _key(request: ConsoleRequest) -> tuple[UUID, UUID]:
    assert request.operator_session is not None
    return request.operator_session.id, _token(request)


def _sent(request: ConsoleRequest) -> str | None:
    """Return where the form led when it was sent before."""
    session_id, token = _key(request)
    mine = (SentForm.session_id == session_id, SentForm.token == token)
    return request.session.scalar(select(SentForm.location).where(*mine))


def _take(request: ConsoleRequest) -> bool:
    """Note that the form is sent; False if it was sent meanwhile, for which this waits."""
    session_id, token = _key(request)
    statement = insert(SentForm).values(session_id=session_id, token=token, location="").on_conflict_do_nothing()
    return request.session.scalar(statement.returning(SentForm.token)) is not None


def _keep(request: ConsoleRequest, location: str) -> None:
    session_id, token = _key(request)
    mine = (SentForm.session_id == session_id, SentForm.token == token)
    request.session.execute(update(SentForm).where(*mine).values(location=location))
