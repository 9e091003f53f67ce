"""What the console writes to the audit log: every posted form, reads of mails and exports, refusals."""

from collections.abc import Callable
from typing import Final

from starlette.routing import compile_path

from kontor import audit
from kontor.audit import Actor
from kontor.evidence.acts import Act, shown, watched
from kontor.evidence.refusals import RefusedAccess
from kontor.http.acts import NOBODY, record_refusal
from kontor.http.problems import Unauthorized, status_of
from kontor.kernel.errors import Forbidden, KontorError
from kontor.ui.console_request import ConsoleAction, ConsoleRequest, ConsoleResponse, Redirect, StreamedFile
from kontor.ui.operator_forms import OperatorForm

UNRECORDED: Final = frozenset({"/console/login", "/console/theme"})
"""Forms that change nothing, or record every attempt themselves."""

READS: Final = tuple(
    (compile_path(path)[0], action)
    for path, action in (
        ("/console/mail/{mail_id:uuid}", "mail.read"),
        ("/console/mail/{mail_id:uuid}/frame", "mail.read"),
    )
)
ConsoleView = Callable[[ConsoleRequest], ConsoleResponse]
HIDDEN: Final = frozenset(
    {"csrf", "reason", "ticket", "code", "sealed", "state", "proof_code", "proof_state", "token", "seen", "confirm"}
)
CONFIG: Final = "config."
"""Fields of a product's config, any of which may be sensitive by its schema."""


def recorded(request: ConsoleRequest, view: ConsoleView) -> ConsoleResponse:
    """Show a page or act; what it changed, and what was read, is written down in its transaction."""
    incoming = request.incoming
    if incoming.method != "POST":
        response = view(request)
        _record_read(request, response)
        return response
    if incoming.path in UNRECORDED:
        return view(request)
    actor = request.actor(incoming.form.get("reason") or None)
    with watched(request.session, Act(actor.name, actor.origin, actor.reason)) as act:
        response = view(request)
        if act.wrote or isinstance(response, Redirect):
            sent = {name: shown(name, value) for name, value in incoming.form.items() if is_recorded(name)}
            target = next((f"{name.removesuffix('_id')}:{value}" for name, value in incoming.params.items()), None)
            detail = {"route": f"POST {incoming.path}", **({"sent": sent} if sent else {})}
            audit.close(request.session, _name_of(view), target, at=request.now, detail=detail)
    return response


def _name_of(view: ConsoleView) -> str:
    """Return the action that a posted form stands for."""
    owner = getattr(view, "__self__", None)
    return owner.code if isinstance(owner, ConsoleAction | OperatorForm) else f"console.{view.__name__}"


def is_recorded(name: str) -> bool:
    """Whether the audit log keeps what was sent in a field."""
    return name not in HIDDEN and not name.startswith(CONFIG)


def _record_read(request: ConsoleRequest, response: ConsoleResponse) -> None:
    incoming = request.incoming
    if isinstance(response, StreamedFile):
        query = {name: shown(name, value) for name, value in incoming.query.items()}
        audit.record(
            request.session, request.actor(), "exported", response.name, at=request.now, detail={"query": query}
        )
        return
    action = next((action for pattern, action in READS if pattern.match(incoming.path)), None)
    if action is not None and incoming.method == "GET":
        target = f"mail:{incoming.params['mail_id']}"
        audit.record(request.session, request.actor(), action, target, at=request.now)


def note_refusal(request: ConsoleRequest, error: KontorError) -> None:
    """Record a refused page or form; that an anonymous visitor is led to the sign-in is no refusal."""
    incoming = request.incoming
    anonymous = isinstance(error, Unauthorized)
    if not isinstance(error, Forbidden) and not (anonymous and incoming.method == "POST"):
        return
    actor: Actor = request.actor()
    name = NOBODY if request.operator is None else actor.name
    route = f"{incoming.method} {_route(request)}"
    record_refusal(request.deps, RefusedAccess(name, actor.origin or "", route, status_of(error), error.code))


def _route(request: ConsoleRequest) -> str:
    """Return the path with its parameters left out, so that one who tries many ids is one kind of refusal."""
    path = request.incoming.path
    for name, value in request.incoming.params.items():
        path = path.replace(str(value), f"{{{name}}}")
    return path
