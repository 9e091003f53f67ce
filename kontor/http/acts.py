"""What the API writes to the audit log: acts of keys, reads of raw mails and exports, refusals."""

import json
from collections.abc import Callable
from functools import partial
from typing import Final

import structlog
from pydantic import JsonValue
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from kontor import audit
from kontor.evidence.acts import Act, clean, shown
from kontor.evidence.refusals import RefusedAccess
from kontor.http.context import Deps, RequestContext
from kontor.http.incoming import IncomingRequest
from kontor.http.responses import ApiResponse
from kontor.http.transaction import run
from kontor.kernel.errors import KontorError

REFUSED: Final = frozenset({401, 403})
NOBODY: Final = "nobody"
BODY_LIMIT: Final = 8 * 1024
log = structlog.get_logger(__name__)


def act_of(ctx: RequestContext) -> Act:
    """Return the act of a request: its key, its origin, the reason that its body gives."""
    reason = _body(ctx.incoming).get("reason")
    act = Act(ctx.caller.actor, f"api {ctx.incoming.origin}", reason if isinstance(reason, str) else None)
    act.subjects.update(owner for owner in (ctx.caller.reseller_id, ctx.caller.account_id) if owner is not None)
    return act


def close_act(ctx: RequestContext, action: str | None) -> None:
    """Write the row of the request: the object that its path names, what was sent, what changed."""
    incoming = ctx.incoming
    target = next((f"{name.removesuffix('_id')}:{value}" for name, value in incoming.params.items()), None)
    sent = shown("sent", _body(incoming))
    detail = {"route": f"{incoming.method} {incoming.path}", **({"sent": sent} if sent else {})}
    audit.close(ctx.session, f"api.{action}", target, at=ctx.now, detail=detail)


def is_dry_run(incoming: IncomingRequest) -> bool:
    """Return whether a request asks for a preview only."""
    return _body(incoming).get("dry_run") is True or incoming.query.get("dry_run", "") in {"1", "true"}


def _body(incoming: IncomingRequest) -> dict[str, JsonValue]:
    """Return a short JSON object of the body; empty for any other."""
    if not incoming.body or len(incoming.body) > BODY_LIMIT:
        return {}
    try:
        document: JsonValue = json.loads(incoming.body)
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


def note_refusal(deps: Deps, incoming: IncomingRequest, actor: str | None, path: str, response: ApiResponse) -> None:
    """Record a refused request; repeats are counted."""
    document: JsonValue = json.loads(response.body) if response.body else None
    code = str(document.get("code", "")) if isinstance(document, dict) else ""
    route = f"{incoming.method} {path}"
    refusal = RefusedAccess(actor or NOBODY, f"api {incoming.origin}", clean(route), response.status, code)
    record_refusal(deps, refusal)


def record_refusal(deps: Deps, refusal: RefusedAccess) -> None:
    """Record a refusal of any surface in a transaction of its own; without a database it is logged."""
    deps.refusals.note(refusal, deps.clock.now(), deps.clock.monotonic(), partial(_write, deps))


def flush_refusals(deps: Deps) -> None:
    """Record the repeats that no row tells of yet, before the process ends."""
    deps.refusals.flush(deps.clock.now(), partial(_write, deps))


def _write(deps: Deps, work: Callable[[Session], None]) -> None:
    try:
        run(deps, work)
    except (KontorError, SQLAlchemyError) as error:
        log.warning("audit.refusals_not_recorded", error=str(error))
