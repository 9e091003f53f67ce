"""Idempotency-Key: the response is stored in the transaction of its effect."""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Final

from sqlalchemy.orm import Session

from api.answers import Answer
from api.call import Call
from api.problems import problem
from domain.errors import KontorError
from services import idempotency
from services.idempotency import Kept, Seat

MASK: Final = "***"
SECRETS: Final = frozenset({"secret", "password"})
GRACE: Final = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class Repeats:
    """One request with its idempotency key."""

    call: Call
    key: str

    def answer(self, effect: Callable[[Call], Answer]) -> Answer:
        """Return the stored response, or perform the request and store its response for 24 h. Commits."""
        call, arrival = self.call, self.call.arrival
        try:
            idempotent = self._request()
            stored = idempotency.sit_down(call.session, idempotent, call.now, call.deps.clock.real())
        except KontorError as error:
            call.session.rollback()
            return problem(error, arrival.trace_id)
        if stored is not None:
            call.session.rollback()
            return Answer(stored.body.encode(), stored.status, {**stored.headers, "Idempotency-Replayed": "true"})
        answer = self._perform(effect)
        if answer.status < 500 and answer.status != 429:
            self._store(idempotent, answer)
        call.session.commit()
        return self._store_final(idempotent, answer)

    def _request(self) -> Seat:
        arrival = self.call.arrival
        fingerprint = idempotency.fingerprint(self.call.deps.secret, arrival.method, arrival.target, arrival.body)
        return Seat(self.call.caller.key_id, idempotency.checked_key(self.key), fingerprint)

    def _perform(self, effect: Callable[[Call], Answer]) -> Answer:
        """Perform the effect in a savepoint, so that an error response can be stored without it."""
        savepoint = self.call.session.begin_nested()
        try:
            answer = effect(self.call)
        except KontorError as error:
            savepoint.rollback()
            return problem(error, self.call.arrival.trace_id)
        savepoint.commit()
        return answer

    def _store(self, idempotent: Seat, answer: Answer) -> None:
        busy_until = None
        if answer.wait is not None:
            busy_until = self.call.deps.clock.real() + timedelta(seconds=answer.wait.seconds) + GRACE
        idempotency.keep(self.call.session, idempotent, masked(answer), self.call.now, busy_until)

    def _store_final(self, idempotent: Seat, answer: Answer) -> Answer:
        """Store a long-polled response again when it is final."""
        if answer.wait is None:
            return answer
        now, render = self.call.now, answer.wait.render

        def render_and_keep(session: Session) -> Answer:
            final = render(session)
            idempotency.keep(session, idempotent, masked(final), now)
            session.commit()
            return final

        return replace(answer, wait=replace(answer.wait, render=render_and_keep))


def masked(answer: Answer) -> Kept:
    """Return the response to store, with secrets masked."""
    headers = {**answer.headers, "Content-Type": answer.media}
    if not any(f'"{name}"'.encode() in answer.body for name in SECRETS):
        return Kept(answer.status, headers, answer.body.decode())
    return Kept(answer.status, headers, _compact(_mask(json.loads(answer.body))))


def _compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _mask(value: Any) -> Any:
    match value:
        case dict():
            return {key: MASK if key in SECRETS and inner is not None else _mask(inner) for key, inner in value.items()}
        case list():
            return [_mask(inner) for inner in value]
        case _:
            return value
