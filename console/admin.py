"""For admins: people, API keys, and the programmes as they were applied."""

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

NAME_MOST: Final = 100


def show_people(visit: Visit) -> Page:
    """Everybody who may sign in."""
    return _people(visit)


def add_person(visit: Visit) -> Page:
    """A new operator; the one-time password is on the answer and nowhere else."""
    form = visit.arrival.form
    try:
        with visit.session.begin_nested():
            made = operators.create(
                visit.session, visit.deps.passwords, form.get("email", "").strip(), form.get("role", ""),
                now=visit.now, actor=visit.actor().name,
            )  # fmt: skip
    except (Conflict, Invalid) as refused:
        return _people(visit, message=_said(refused), status=409 if isinstance(refused, Conflict) else 422)
    return _people(visit, secret=(made.operator.email, made.password))


def new_password(visit: Visit) -> Page:
    """A one-time password for somebody who forgot theirs; it is on the answer and nowhere else."""
    operator_id = visit.arrival.uuid("operator_id")
    secret = operator_admin.new_password(
        visit.session, visit.deps.passwords, operator_id, visit.actor(_reason(visit)), visit.now
    )
    return _people(visit, secret=(operator_admin.by_id(visit.session, operator_id).email, secret))


def set_role(visit: Visit) -> Page:
    """Another role."""
    role = visit.arrival.form.get("role", "")
    try:
        operator_admin.set_role(visit.session, visit.arrival.uuid("operator_id"), role, visit.actor(), visit.now)
    except (Conflict, Invalid) as refused:
        return _people(visit, message=_said(refused), status=409)
    return _people(visit, done="The role is changed.")


def disable(visit: Visit, reason: str | None) -> str:
    """Let somebody in no more."""
    operator_admin.disable(visit.session, visit.arrival.uuid("operator_id"), visit.actor(reason), visit.now)
    return "/console/people?done=disable"


def enable(visit: Visit, reason: str | None) -> str:
    """Let somebody in again."""
    operator_admin.enable(visit.session, visit.arrival.uuid("operator_id"), visit.actor(reason), visit.now)
    return "/console/people?done=enable"


def show_keys(visit: Visit) -> Page:
    """Every API key, never a secret."""
    return _keys(visit)


def add_key(visit: Visit) -> Page:
    """A new key; its secret is on the answer and nowhere else."""
    form = visit.arrival.form
    scopes = [scope.value for scope in Scope if form.get(f"scope-{scope.value}")]
    try:
        with visit.session.begin_nested():
            name, bound = _name(form.get("name", "")), (_id(form.get("reseller", "")), _id(form.get("account", "")))
            expires = _day(form.get("expires", ""))
            made = keys.create(
                visit.session, name, scopes, visit.now, reseller_id=bound[0], account_id=bound[1], expires_at=expires
            )
            _note(visit, "key.create", made.id, {"name": made.name, "scopes": ",".join(made.scopes)})
    except (Invalid, NotFound) as refused:
        return _keys(visit, message=_said(refused), status=422)
    return _keys(visit, secret=(made.name, made.secret))


def revoke_key(visit: Visit, reason: str | None) -> str:
    """Make a key useless."""
    key = keys.revoke(visit.session, visit.arrival.uuid("key_id"), visit.now)
    _note(visit, "key.revoke", key.id, {"name": key.name}, reason)
    return "/console/keys?done=revoke"


def show_programmes(visit: Visit) -> Page:
    """What is applied."""
    return Page("programmes.html", "Programmes", {"programmes": programmes.listed(visit.session)}, "people")


def show_programme(visit: Visit) -> Page:
    """One programme's file as it was applied. Raises NotFound."""
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


def _said(refused: KontorError) -> str:
    errors = refused.errors if isinstance(refused, Invalid) else ()
    return "; ".join(one.msg for one in errors) or refused.message


def _name(text: str) -> str:
    name = text.strip()
    if not 0 < len(name) <= NAME_MOST:
        raise Invalid(message="Give the key a name, so that you know it again.")
    return name


def _id(text: str) -> UUID | None:
    try:
        return UUID(text.strip()) if text.strip() else None
    except ValueError:
        raise Invalid(message=f"{text.strip()} is no id of an account.") from None


def _day(text: str) -> datetime | None:
    """The end of that day, UTC."""
    try:
        return datetime.combine(datetime.fromisoformat(text).date(), time.max, UTC) if text.strip() else None
    except ValueError:
        raise Invalid(message=f"{text} is no date; write it like 2026-12-31.") from None


def _note(visit: Visit, action: str, key_id: UUID, detail: dict[str, str], reason: str | None = None) -> None:
    actor = visit.actor(reason)
    audit.add(
        visit.session, at=visit.now, actor=actor.name, action=action, target=f"key:{key_id}", reason=reason,
        origin=actor.origin, detail=detail,
    )  # fmt: skip
