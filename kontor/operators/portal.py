"""The reseller's API keys and those of its clients: made, shown once, revoked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final

from kontor.accounts import client_list
from kontor.accounts.client_choice import chosen_client, client_choice
from kontor.kernel.errors import FieldError, Invalid
from kontor.kernel.zones import parse_day
from kontor.operators import keys
from kontor.operators.keys import KeyMaker, NewKey
from kontor.ui.pages import N
from kontor.ui.portal_errors import refused
from kontor.ui.portal_request import PortalPage, PortalRequest, PortalResponse, SeeOther
from models.keys import ApiKey, Scope

KEYS: Final = N("API keys")
MADE: Final = N("The key has been made. Copy it now: it is shown only this once.")
PAGE_SIZE: Final = 50
SCOPES: Final[Mapping[Scope, str]] = {
    Scope.READ: N("read: see everything of the account"),
    Scope.ENQUEUE: N("enqueue: change things, and enqueue jobs"),
    Scope.WORK: N("work: take jobs and carry them out"),
    Scope.KEYS: N("keys: make and revoke further keys"),
}
"""What a reseller gives; decisions on offers stay with its clients."""

NARROWED: Final = (Scope.ENQUEUE, Scope.WORK)


def show_keys(request: PortalRequest) -> PortalResponse:
    """Show the keys of the reseller and its clients."""
    return _page(request)


def create(request: PortalRequest) -> PortalResponse:
    """Make a key for the reseller or one of its clients, and show it once. Raises NotFound for another's client."""
    form, owner = request.incoming.form, request.person.account
    client = chosen_client(request, form["account_id"]) if form.get("account_id") else None
    try:
        with request.session.begin_nested():
            made = keys.create(
                request.session,
                _name(form.get("name", "")),
                _scopes(form),
                request.now,
                reseller_id=owner.id if client is None else None,
                account_id=None if client is None else client.id,
                expires_at=_expiry(request, form.get("expires_at", "")),
                maker=KeyMaker(request.actor().name, may_decide=False),
            )
    except Invalid as error:
        return refused(request, _page(request), error)
    return replace(_page(request, made), notice=MADE)


def revoke(request: PortalRequest) -> PortalResponse:
    """Revoke a key at once. Raises NotFound."""
    key = keys.of_reseller(request.session, request.person.account.id, request.incoming.uuid("key_id"))
    keys.revoke(request.session, key.id, request.now)
    return SeeOther("/partner/keys?done=key-revoked")


def _name(text: str) -> str:
    """Return the name of a key. Raises Invalid."""
    name = text.strip()
    if not 1 <= len(name) <= 100:
        raise Invalid(errors=[FieldError("name", "1 to 100 characters")])
    return name


def _scopes(form: Mapping[str, str]) -> list[str]:
    """Return the ticked scopes; those about jobs narrowed to the tasks that were typed. Raises Invalid for none."""
    tasks = form.get("tasks", "").replace(",", " ").split()
    scopes: list[str] = []
    for scope in SCOPES:
        if not form.get(f"scope.{scope}"):
            continue
        narrowed = [f"{scope}:{task}" for task in tasks] if scope in NARROWED else []
        scopes += narrowed or [scope.value]
    if not scopes:
        raise Invalid(errors=[FieldError("scopes", "at least one")])
    return scopes


def _expiry(request: PortalRequest, text: str) -> datetime:
    """Return the end of the typed day, a year from now if none was. Raises Invalid for a past or unreadable one."""
    if not text.strip():
        return request.wall_time + keys.LIFETIME
    try:
        day = parse_day(text.strip())
    except ValueError:
        day = None
    end = None if day is None else datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(days=1)
    if end is None or end <= request.wall_time:
        raise Invalid(errors=[FieldError("expires_at", "a day to come")])
    return end


def _page(request: PortalRequest, made: NewKey | None = None) -> PortalPage:
    session, owner = request.session, request.person.account
    page = keys.page_of_reseller(session, owner.id, request.incoming.param("cursor"), PAGE_SIZE)
    named = client_list.names(session, [key.account_id for key in page.items if key.account_id is not None])
    rows = [
        {
            "key": key,
            "owner": None if key.account_id in (None, owner.id) else named.get(key.account_id),
            "scopes": keys.scopes_of(key),
            "state": _state(request, key),
        }
        for key in page.items
    ]
    values = {"rows": rows, "next": page.next, "scopes": SCOPES, "choice": client_choice(request), "made": made}
    return PortalPage("keys.html", KEYS, values, page="partner.keys")


def _state(request: PortalRequest, key: ApiKey) -> str:
    if key.revoked_at is not None:
        return "revoked"
    return "expired" if key.expires_at is not None and key.expires_at <= request.wall_time else "valid"
