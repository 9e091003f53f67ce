"""Requests with an Idempotency-Key: the response is stored in the transaction of its effect."""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Final

from sqlalchemy.orm import Session

from kontor.http.context import RequestContext
from kontor.http.responses import ApiResponse, problem
from kontor.http.stored_responses import Reservation, StoredResponse, fingerprint, reserve, save, validate_key
from kontor.kernel.data_keys import KeyPurpose
from kontor.kernel.errors import Busy, KontorError

MASK: Final = "***"
SECRETS: Final = frozenset({"secret", "password", "token"})
GRACE: Final = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class IdempotentRequest:
    """One request with its idempotency key."""

    ctx: RequestContext
    key: str

    def run(self, effect: Callable[[RequestContext], ApiResponse]) -> ApiResponse:
        """Return the stored response, or perform the request and store its response for 24 h.

        Raises Conflict(`idempotency_in_progress`), Invalid.
        """
        reservation = self._reservation()
        stored = reserve(self.ctx.session, reservation, self.ctx.now, self.ctx.deps.clock.wall_time())
        if stored is not None:
            return ApiResponse(stored.body.encode(), stored.status, {**stored.headers, "Idempotency-Replayed": "true"})
        response = self._perform(effect)
        if response.status < 500 and response.status != 429:
            self._store(reservation, response)
        return self._with_final_response(reservation, response)

    def _reservation(self) -> Reservation:
        incoming = self.ctx.incoming
        key = self.ctx.deps.keys.key(KeyPurpose.REQUESTS)
        fingerprint_ = fingerprint(key, incoming.method, incoming.target, incoming.body)
        return Reservation(self.ctx.caller.key_id, validate_key(self.key), fingerprint_)

    def _perform(self, effect: Callable[[RequestContext], ApiResponse]) -> ApiResponse:
        """Perform the effect in a savepoint, so that an error response can be stored without it."""
        savepoint = self.ctx.session.begin_nested()
        try:
            response = effect(self.ctx)
        except Busy:
            raise
        except KontorError as error:
            savepoint.rollback()
            return problem(error, self.ctx.incoming.trace_id)
        savepoint.commit()
        return response

    def _store(self, reservation: Reservation, response: ApiResponse) -> None:
        busy_until = None
        if response.wait is not None:
            busy_until = self.ctx.deps.clock.wall_time() + timedelta(seconds=response.wait.seconds) + GRACE
        save(self.ctx.session, reservation, masked(response), self.ctx.now, busy_until)

    def _with_final_response(self, reservation: Reservation, response: ApiResponse) -> ApiResponse:
        """Make a long-polled response store itself again when it is rendered last."""
        if response.wait is None:
            return response
        now, render = self.ctx.now, response.wait.render

        def render_and_keep(session: Session) -> ApiResponse:
            final = render(session)
            save(session, reservation, masked(final), now)
            return final

        return replace(response, wait=replace(response.wait, render=render_and_keep))


def masked(response: ApiResponse) -> StoredResponse:
    """Return the response to store, with secrets masked."""
    headers = {**response.headers, "Content-Type": response.media}
    names = SECRETS | response.masked
    if not any(f'"{name}"'.encode() in response.body for name in names):
        return StoredResponse(response.status, headers, response.body.decode())
    return StoredResponse(response.status, headers, _compact(_mask(json.loads(response.body), names)))


def _compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _mask(value: Any, names: frozenset[str]) -> Any:
    match value:
        case dict():
            return {
                key: MASK if key in names and inner is not None else _mask(inner, names) for key, inner in value.items()
            }
        case list():
            return [_mask(inner, names) for inner in value]
        case _:
            return value
