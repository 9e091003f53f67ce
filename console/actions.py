"""Operator actions: each asks for confirmation, some require a reason, all are audited."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from console import texts
from console.answers import Goto, Page, Reply
from console.visit import Visit
from domain.errors import Conflict, Invalid
from models.people import Role

REASON_LIMIT: Final = 1_000
Perform = Callable[[Visit, str | None], str]
"""Does the action for a reason; returns the path to redirect to."""


@dataclass(frozen=True, slots=True)
class Action:
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

    def ask(self, visit: Visit) -> Page:
        """Return the confirmation page."""
        return self._confirmation(visit, None, 200)

    def do(self, visit: Visit) -> Reply:
        """Perform the confirmed action; ask again if it is refused or lacks a required reason."""
        reason = visit.arrival.form.get("reason", "").strip()[:REASON_LIMIT] or None
        if self.needs_reason and reason is None:
            return self._confirmation(visit, texts.REASON_REQUIRED, 422)
        try:
            with visit.session.begin_nested():
                return Goto(self.perform(visit, reason))
        except Conflict as error:
            return self._confirmation(visit, error.message, 409)
        except Invalid as error:
            return self._confirmation(visit, error.message, 422)

    def _confirmation(self, visit: Visit, message: str | None, status: int) -> Page:
        target = visit.arrival.params[self.path_param]
        text = texts.CONFIRMATIONS[self.code]
        values = {
            "question": text.question.format(target),
            "button": text.button,
            "cancel_url": self.cancel_url.format(target),
            "needs_reason": self.needs_reason,
            "message": message,
            "field": self.field,
            "typed": visit.arrival.form.get(self.field[0], "") if self.field else "",
            "reason": visit.arrival.form.get("reason", ""),
        }
        return Page("confirm.html", text.title.format(target), values, self.nav, status)
