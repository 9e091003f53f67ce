"""Operator actions: each asks for confirmation, some require a reason, all are audited."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from console import texts
from console.answers import ConsoleResponse, Redirect, TemplateResponse
from console.visit import ConsoleRequest
from domain.errors import Conflict, Invalid
from models.people import Role

REASON_LIMIT: Final = 1_000
Perform = Callable[[ConsoleRequest, str | None], str]
"""Does the action for a reason; returns the path to redirect to."""


@dataclass(frozen=True, slots=True)
class ConsoleAction:
    """An action at `path`, confirmed in the words of `texts.CONFIRMATIONS[code]`.

    `path_param` names the part of the path that the texts mention. `field` is (name, label) of a further form field
    that `perform` reads.
    """

    path: str
    code: str
    perform: Perform
    nav: str
    cancel_url: str
    path_param: str = "name"
    needs_reason: bool = False
    role: Role = Role.OPERATOR
    field: tuple[str, str] | None = None

    def ask(self, request: ConsoleRequest) -> TemplateResponse:
        """Return the confirmation page."""
        return self._confirmation(request, None, 200)

    def do(self, request: ConsoleRequest) -> ConsoleResponse:
        """Perform the confirmed action; ask again if it is refused or lacks a required reason."""
        reason = request.incoming.form.get("reason", "").strip()[:REASON_LIMIT] or None
        if self.needs_reason and reason is None:
            return self._confirmation(request, texts.REASON_REQUIRED, 422)
        try:
            with request.session.begin_nested():
                return Redirect(self.perform(request, reason))
        except Conflict as error:
            return self._confirmation(request, error.message, 409)
        except Invalid as error:
            return self._confirmation(request, error.message, 422)

    def _confirmation(self, request: ConsoleRequest, message: str | None, status: int) -> TemplateResponse:
        target = request.incoming.params[self.path_param]
        text = texts.CONFIRMATIONS[self.code]
        values = {
            "question": text.question.format(target),
            "button": text.button,
            "cancel_url": self.cancel_url.format(target),
            "needs_reason": self.needs_reason,
            "message": message,
            "field": self.field,
            "typed": request.incoming.form.get(self.field[0], "") if self.field else "",
            "reason": request.incoming.form.get("reason", ""),
        }
        return TemplateResponse("confirm.html", text.title.format(target), values, self.nav, status)
