"""What an operator may do: each action asks first, wants a reason where it hurts, and is written down."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from console.answers import Goto, Page, Reply
from console.visit import Visit
from domain.errors import Conflict, Invalid
from models.people import Role

REASON_LIMIT: Final = 1_000
Deed = Callable[[Visit, str | None], str]


@dataclass(frozen=True, slots=True)
class Action:
    """An action at `path`: `question` says what happens, `{}` being the thing. `deed` returns where to go.

    `field`: the name and the label of a further field that the deed reads.
    """

    path: str
    here: str
    names: str
    title: str
    question: str
    button: str
    back: str
    deed: Deed
    grave: bool = False
    role: Role = Role.OPERATOR
    field: tuple[str, str] | None = None

    def ask(self, visit: Visit) -> Page:
        """The question, before anything is done."""
        return self._question(visit, None, 200)

    def do(self, visit: Visit) -> Reply:
        """Do it, once asked; refuse a grave one without a reason."""
        reason = visit.arrival.form.get("reason", "").strip()[:REASON_LIMIT] or None
        if self.grave and reason is None:
            return self._question(visit, "Say why: the reason is kept in the audit log.", 422)
        try:
            with visit.session.begin_nested():
                return Goto(self.deed(visit, reason))
        except Conflict as refused:
            return self._question(visit, refused.message, 409)
        except Invalid as wrong:
            return self._question(visit, wrong.message, 422)

    def _question(self, visit: Visit, message: str | None, status: int) -> Page:
        thing = visit.arrival.params[self.names]
        values = {
            "question": self.question.format(thing),
            "button": self.button,
            "back": self.back.format(thing),
            "grave": self.grave,
            "message": message,
            "field": self.field,
            "typed": visit.arrival.form.get(self.field[0], "") if self.field else "",
            "reason": visit.arrival.form.get("reason", ""),
        }
        return Page("confirm.html", self.title.format(thing), values, self.here, status)
