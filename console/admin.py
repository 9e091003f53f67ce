"""Settings, for admins: people, API keys and applied programmes."""

from datetime import UTC, datetime, time
from typing import Final
from uuid import UUID

from console.answers import Page
from console.visit import Visit
from domain.errors import Conflict, Invalid, KontorError, NotFound
from models.keys import Scope
from models.people import Role
from services import keys, operator_admin, operators, programmes
from store import audit, people

NAME_MAX: Final = 100


def show_people(visit: Visit) -> Page:
    """Show everyone who can sign in."""
    return _people(visit)


def add_person(visit: Visit) -> Page:
    """Create an operator; the response is the only place that shows the one-time password."""
    form = visit.arrival.form
    try:
        with visit.session.begin_nested():
            created = operators.create(
                visit.session, visit.deps.passwords, form.get("email", "").strip(), form.get("role", ""),
                now=visit.now, actor=visit.actor().name,
            )  # fmt: skip
    except (Conflict, Invalid) as error:
        return _people(visit, message=_message(error), status=409 if isinstance(error, Conflict) else 422)
    return _people(visit, secret=(created.operator.email, created.password))


def new_password(visit: Visit) -> Page:
    """Replace a forgotten password; the response is the only place that shows the one-time password."""
    operator_id = visit.arrival.uuid("operator_id")
    secret = operator_admin.new_password(
        visit.session, visit.deps.passwords, operator_id, visit.actor(_reason(visit)), visit.now
    )
    return _people(visit, secret=(operator_admin.by_id(visit.session, operator_id).email, secret))


def set_role(visit: Visit) -> Page:
    """Change an operator's role."""
    role = visit.arrival.form.get("role", "")
    try:
        operator_admin.set_role(visit.session, visit.arrival.uuid("operator_id"), role, visit.actor(), visit.now)
    except (Conflict, Invalid) as error:
        return _people(visit, message=_message(error), status=409)
    return _people(visit, done="Role changed.")


def disable(visit: Visit, reason: str | None) -> str:
    """Block sign-in and end all sessions."""
    operator_admin.disable(visit.session, visit.arrival.uuid("operator_id"), visit.actor(reason), visit.now)
    return "/console/people?done=disable"


def enable(visit: Visit, reason: str | None) -> str:
    """Allow sign-in again."""
    operator_admin.enable(visit.session, visit.arrival.uuid("operator_id"), visit.actor(reason), visit.now)
    return "/console/people?done=enable"


def show_keys(visit: Visit) -> Page:
    """Show every API key, without secrets."""
    return _keys(visit)


def add_key(visit: Visit) -> Page:
    """Create a key; the response is the only place that shows its secret."""
    form = visit.arrival.form
    scopes = [scope.value for scope in Scope if form.get(f"scope-{scope.value}")]
    try:
        with visit.session.begin_nested():
            name, bound = _name(form.get("name", "")), (_id(form.get("reseller", "")), _id(form.get("account", "")))
            expires = _day(form.get("expires", ""))
            created = keys.create(
                visit.session, name, scopes, visit.now, reseller_id=bound[0], account_id=bound[1], expires_at=expires
            )
            _audit(visit, "key.create", created.id, {"name": created.name, "scopes": ",".join(created.scopes)})
    except (Invalid, NotFound) as error:
        return _keys(visit, message=_message(error), status=422)
    return _keys(visit, secret=(created.name, created.secret))


def revoke_key(visit: Visit, reason: str | None) -> str:
    """Revoke a key."""
    key = keys.revoke(visit.session, visit.arrival.uuid("key_id"), visit.now)
    _audit(visit, "key.revoke", key.id, {"name": key.name}, reason)
    return "/console/keys?done=revoke"


def show_programmes(visit: Visit) -> Page:
    """Show the applied programmes."""
    return Page("programmes.html", "Programmes", {"programmes": programmes.listed(visit.session)}, "people")


def show_programme(visit: Visit) -> Page:
    """Show one programme's file as applied. Raises NotFound."""
    row = programmes.get(visit.session, visit.arrival.params["code"])
    return Page("programme.html", f"Programme {row.code}", {"programme": row}, "people")


def _people(
    visit: Visit, message: str | None = None, secret: tuple[str, str] | None = None, done: str = "", status: int = 200
) -> Page:
    listed = people.operators(visit.session)
    values = {"people": listed, "roles": list(Role), "message": message, "secret": secret, "done": done}
    return Page("people.html", "People", {**values, "form": visit.arrival.form}, "people", status)


def _keys(visit: Visit, message: str | None = None, secret: tuple[str, str] | None = None, status: int = 200) -> Page:
    values = {"keys": keys.listed(visit.session)[::-1], "scopes": list(Scope), "message": message, "secret": secret}
    return Page("keys.html", "API keys", {**values, "form": visit.arrival.form}, "people", status)


def _reason(visit: Visit) -> str | None:
    return visit.arrival.form.get("reason", "").strip()[:1_000] or None


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


def _day(text: str) -> datetime | None:
    """Return the end of that day, UTC."""
    try:
        return datetime.combine(datetime.fromisoformat(text).date(), time.max, UTC) if text.strip() else None
    except ValueError:
        raise Invalid(message=f"{text} is not a date; use the form 2026-12-31.") from None


def _audit(visit: Visit, action: str, key_id: UUID, detail: dict[str, str], reason: str | None = None) -> None:
    actor = visit.actor(reason)
    audit.add(
        visit.session, at=visit.now, actor=actor.name, action=action, target=f"key:{key_id}", reason=reason,
        origin=actor.origin, detail=detail,
    )  # fmt: skip
