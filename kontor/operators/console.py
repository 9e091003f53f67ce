"""Settings, for admins: people and API keys."""

from datetime import UTC, datetime, time
from typing import Final
from uuid import UUID

from kontor import audit
from kontor.kernel.errors import Conflict, Invalid, KontorError, NotFound
from kontor.kernel.zones import parse_day
from kontor.operators import keys, queries, service
from kontor.ui.console_request import ConsoleRequest, TemplateResponse
from models.keys import Scope
from models.people import OperatorRole

NAME_MAX: Final = 100


def show_people(request: ConsoleRequest) -> TemplateResponse:
    """Show everyone who can sign in."""
    return _people(request)


def add_person(request: ConsoleRequest) -> TemplateResponse:
    """Create an operator; the response is the only place that shows the one-time password."""
    form = request.incoming.form
    try:
        with request.session.begin_nested():
            created = service.create(
                request.session, request.deps.passwords, form.get("email", "").strip(), form.get("role", ""),
                now=request.now, actor=request.actor(), wall_time=request.wall_time,
            )  # fmt: skip
    except (Conflict, Invalid) as error:
        return _people(request, message=_message(error), status=409 if isinstance(error, Conflict) else 422)
    return _people(request, secret=(created.operator.email, created.password))


def new_password(request: ConsoleRequest) -> TemplateResponse:
    """Replace a forgotten password; the response is the only place that shows the one-time password."""
    operator_id = request.incoming.uuid("operator_id")
    secret = service.reset_password(
        request.session, request.deps.passwords, operator_id, request.actor(_reason(request)), request.now,
        wall_time=request.wall_time, factors=bool(request.incoming.form.get("factors")),
    )  # fmt: skip
    return _people(request, secret=(service.by_id(request.session, operator_id).email, secret))


def set_role(request: ConsoleRequest) -> TemplateResponse:
    """Change an operator's role."""
    role = request.incoming.form.get("role", "")
    try:
        service.set_role(request.session, request.incoming.uuid("operator_id"), role, request.actor(), request.now)
    except (Conflict, Invalid) as error:
        return _people(request, message=_message(error), status=409)
    return _people(request, done="Role changed.")


def disable(request: ConsoleRequest, reason: str | None) -> str:
    """Block sign-in and end all sessions."""
    service.disable(request.session, request.incoming.uuid("operator_id"), request.actor(reason), request.now)
    return "/console/people?done=disable"


def enable(request: ConsoleRequest, reason: str | None) -> str:
    """Allow sign-in again."""
    service.enable(request.session, request.incoming.uuid("operator_id"), request.actor(reason), request.now)
    return "/console/people?done=enable"


def show_keys(request: ConsoleRequest) -> TemplateResponse:
    """Show every API key, without secrets."""
    return _keys(request)


def add_key(request: ConsoleRequest) -> TemplateResponse:
    """Create a key; the response is the only place that shows its secret."""
    form = request.incoming.form
    scopes = [scope.value for scope in Scope if form.get(f"scope-{scope.value}")] + form.get("narrowed", "").split()
    try:
        with request.session.begin_nested():
            name, bound = _name(form.get("name", "")), (_id(form.get("reseller", "")), _id(form.get("account", "")))
            expires = _day(form.get("expires", ""))
            created = keys.create(
                request.session,
                name,
                scopes,
                request.now,
                reseller_id=bound[0],
                account_id=bound[1],
                expires_at=expires or request.deps.clock.wall_time() + keys.LIFETIME,
                maker=keys.KeyMaker(request.actor().name),
                ranges=form.get("from", "").replace(",", " ").split(),
                rate=_number(form.get("rate", "")),
            )
            detail = {"name": created.name, "scopes": ",".join(created.scopes)}
            audit.record(
                request.session, request.actor(), "key.create", f"key:{created.id}", at=request.now, detail=detail
            )
    except (Invalid, NotFound) as error:
        return _keys(request, message=_message(error), status=422)
    return _keys(request, secret=(created.name, created.secret))


def revoke_key(request: ConsoleRequest, reason: str | None) -> str:
    """Revoke a key."""
    key = keys.revoke(request.session, request.incoming.uuid("key_id"), request.now)
    actor, detail = request.actor(reason), {"name": key.name}
    audit.record(request.session, actor, "key.revoke", f"key:{key.id}", at=request.now, detail=detail)
    return "/console/keys?done=revoke"


def _people(
    request: ConsoleRequest,
    message: str | None = None,
    secret: tuple[str, str] | None = None,
    done: str = "",
    status: int = 200,
) -> TemplateResponse:
    listed = queries.list_operators(request.session)
    values = {"people": listed, "roles": list(OperatorRole), "message": message, "secret": secret, "done": done}
    return TemplateResponse("people.html", "People", {**values, "form": request.incoming.form}, "people", status)


def _keys(
    request: ConsoleRequest, message: str | None = None, secret: tuple[str, str] | None = None, status: int = 200
) -> TemplateResponse:
    values = {
        "keys": [(key, keys.scopes_of(key)) for key in keys.list_keys(request.session)[::-1]],
        "real_now": request.deps.clock.wall_time(),
        "scopes": list(Scope),
        "message": message,
        "secret": secret,
    }
    return TemplateResponse("keys.html", "API keys", {**values, "form": request.incoming.form}, "people", status)


def _reason(request: ConsoleRequest) -> str | None:
    return request.incoming.form.get("reason", "").strip()[:1_000] or None


def _message(error: KontorError) -> str:
    errors = error.errors if isinstance(error, Invalid) else ()
    return "; ".join(field.msg for field in errors) or error.message


def _name(text: str) -> str:
    name = text.strip()
    if not 0 < len(name) <= NAME_MAX:
        raise Invalid(message="Enter a name for the key, 1 to 100 characters.")
    return name


def _id(text: str) -> UUID | None:
    try:
        return UUID(text.strip()) if text.strip() else None
    except ValueError:
        raise Invalid(message=f"{text.strip()} is not an account id.") from None


def _number(text: str) -> int | None:
    try:
        return int(text) if text.strip() else None
    except ValueError:
        raise Invalid(message=f"{text} is not a number.") from None


def _day(text: str) -> datetime | None:
    """Return the end of that day, UTC."""
    try:
        return datetime.combine(parse_day(text.strip()), time.max, UTC) if text.strip() else None
    except ValueError:
        raise Invalid(message=f"{text} is not a date; use the form 2026-12-31.") from None
