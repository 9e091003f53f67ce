"""One console request with its operator; pages, redirects and actions."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from kontor.audit import Actor
from kontor.engine.admin.operations import Operations
from kontor.evidence.acts import attempted
from kontor.http.context import NetworkCheck, RequestTransaction
from kontor.kernel.errors import Conflict, Invalid
from kontor.ui import confirmations, texts
from models.people import Operator, OperatorRole, OperatorSession

RANK: Final[Mapping[str, int]] = {OperatorRole.VIEWER: 0, OperatorRole.OPERATOR: 1, OperatorRole.ADMIN: 2}
NOBODY: Final = -1


@dataclass(frozen=True, slots=True)
class ConsoleRequest(RequestTransaction):
    """A request of the console in its transaction; without an operator nobody is signed in.

    `check`: what the network answered before the form's transaction.
    """

    operator_session: OperatorSession | None = None
    operator: Operator | None = None
    check: NetworkCheck = field(default_factory=NetworkCheck)

    @property
    def wall_time(self) -> datetime:
        """Real time, aware, UTC: sessions, first passwords and limits run on it."""
        return self.deps.clock.wall_time()

    @property
    def operations(self) -> Operations:
        """The engine's operations, at the time of this request."""
        return Operations(self.jobs)

    @property
    def csrf(self) -> str:
        """The session's CSRF token."""
        return self.operator_session.csrf if self.operator_session else ""

    def actor(self, reason: str | None = None) -> Actor:
        """Return the actor for the audit log."""
        name = self.operator.email if self.operator else "nobody"
        return Actor(f"operator:{name}", f"console {self.incoming.origin}", reason)

    def may(self, role: OperatorRole) -> bool:
        """Return whether the operator has at least that role."""
        return (RANK[self.operator.role] if self.operator else NOBODY) >= RANK[role]


@dataclass(frozen=True, slots=True)
class TemplateResponse:
    """A template with its values. `nav` is the key of the highlighted navigation entry.

    `live`: included templates that are refreshed while the page is visible. `soon`: the content changes within
    seconds, so a browser without scripts offers a reload.
    """

    template: str
    title: str
    values: Mapping[str, object] = field(default_factory=dict)
    nav: str = ""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    cookies: Mapping[str, str] = field(default_factory=dict)
    live: tuple[str, ...] = ()
    soon: bool = False


@dataclass(frozen=True, slots=True)
class Redirect:
    """Redirect to another console page; a cookie with an empty value is deleted."""

    path: str
    cookies: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RawResponse:
    """Text shown in a frame, with its own security headers."""

    body: str
    media: str
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class StreamedFile:
    """File streamed while it is produced, in constant memory."""

    name: str
    media: str
    parts: Iterator[str]


ConsoleResponse = TemplateResponse | Redirect | RawResponse | StreamedFile

REASON_LIMIT: Final = 1_000
Perform = Callable[[ConsoleRequest, str | None], str]
"""Does the action for a reason; returns the path to redirect to."""


@dataclass(frozen=True, slots=True)
class ConsoleAction:
    """An action at `path`, confirmed in the words of `confirmations.CONFIRMATIONS[code]`.

    `path_param` names the part of the path that the texts mention. `field` is (name, label) of a further form field
    that `perform` reads; `stake` says before what is at stake, a sentence each.
    """

    path: str
    code: str
    perform: Perform
    nav: str
    cancel_url: str
    path_param: str = "name"
    needs_reason: bool = False
    role: OperatorRole = OperatorRole.OPERATOR
    field: tuple[str, str] | None = None
    stake: Callable[[ConsoleRequest], Sequence[str]] | None = None

    @property
    def proof(self) -> bool:
        """Whether password or factor must have been given within 10 minutes: for people, keys, programmes."""
        return self.role is OperatorRole.ADMIN

    def ask(self, request: ConsoleRequest) -> TemplateResponse:
        """Return the confirmation page."""
        return self._confirmation(request, None, 200)

    def do(self, request: ConsoleRequest) -> ConsoleResponse:
        """Perform the confirmed action; ask again if it is refused or lacks a required reason."""
        reason = request.incoming.form.get("reason", "").strip()[:REASON_LIMIT] or None
        if self.needs_reason and reason is None:
            return self._confirmation(request, texts.REASON_REQUIRED, 422)
        try:
            with attempted(request.session):
                return Redirect(self.perform(request, reason))
        except Conflict as error:
            return self._confirmation(request, error.message, 409)
        except Invalid as error:
            return self._confirmation(request, error.message, 422)

    def _confirmation(self, request: ConsoleRequest, message: str | None, status: int) -> TemplateResponse:
        target = request.incoming.params[self.path_param]
        text = confirmations.CONFIRMATIONS[self.code]
        values = {
            "question": text.question.format(target),
            "button": text.button,
            "cancel_url": self.cancel_url.format(target),
            "needs_reason": self.needs_reason,
            "message": message,
            "stake": () if self.stake is None else self.stake(request),
            "field": self.field,
            "typed": request.incoming.form.get(self.field[0], "") if self.field else "",
            "reason": request.incoming.form.get("reason", ""),
        }
        return TemplateResponse("confirm.html", text.title.format(target), values, self.nav, status)
