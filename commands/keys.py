"""`kontor keys`: API keys, made, listed, revoked."""

from datetime import datetime, time, timedelta
from typing import Annotated
from uuid import UUID
from zoneinfo import ZoneInfo

import typer

from commands.context import Json, desk, print_facts, print_rows
from domain.errors import Invalid


def app() -> typer.Typer:
    """The group."""
    group = typer.Typer(help="API keys.", no_args_is_help=True)
    group.command("create")(create)
    group.command("list")(list_keys)
    group.command("revoke")(revoke)
    return group


def last_instant(text: str) -> datetime:
    """The end of a day in UTC, or an instant with an offset. Raises Invalid."""
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        raise Invalid("invalid", f"--expires {text}: give a day such as 2027-01-31 or an instant") from None
    if len(text) == len("2027-01-31"):
        return datetime.combine(instant.date() + timedelta(days=1), time(), ZoneInfo("UTC"))
    if instant.tzinfo is None:
        raise Invalid("invalid", f"--expires {text}: an instant needs an offset, such as Z")
    return instant


def create(
    name: Annotated[str, typer.Option(metavar="NAME", help="What the key is for; names may repeat.")],
    scope: Annotated[list[str], typer.Option(metavar="SCOPE", help="read, enqueue, operate or admin; may repeat.")],
    reseller: Annotated[UUID | None, typer.Option(metavar="ID", help="Bind the key to a reseller.")] = None,
    account: Annotated[UUID | None, typer.Option(metavar="ID", help="Bind the key to an account.")] = None,
    expires: Annotated[str | None, typer.Option(metavar="DATE", help="Last day, or an instant with an offset.")] = None,
    as_json: Json = False,
) -> None:
    """Make a key; its secret is shown this once."""
    from services import keys

    ends = None if expires is None else last_instant(expires)
    with desk() as at:
        key = keys.create(at.session, name, scope, at.now, reseller_id=reseller, account_id=account, expires_at=ends)
    facts = {
        "id": key.id,
        "name": key.name,
        "scopes": list(key.scopes),
        "reseller_id": key.reseller_id,
        "account_id": key.account_id,
        "secret": key.secret,
    }
    print_facts(facts, as_json=as_json)


def list_keys(as_json: Json = False) -> None:
    """List keys, oldest first, revoked ones too."""
    from services import keys

    with desk() as at:
        rows = [
            {
                "id": key.id,
                "name": key.name,
                "scopes": list(key.scopes),
                "reseller_id": key.reseller_id,
                "account_id": key.account_id,
                "created_at": key.created_at,
                "expires_at": key.expires_at,
                "revoked_at": key.revoked_at,
            }
            for key in keys.listed(at.session)
        ]
    print_rows(rows, as_json=as_json, empty="There are no keys; `kontor keys create` makes one.")


def revoke(key_id: Annotated[UUID, typer.Argument(metavar="ID")], as_json: Json = False) -> None:
    """Make a key useless from now on."""
    from services import keys

    with desk() as at:
        key = keys.revoke(at.session, key_id, at.now)
    print_facts({"id": key.id, "name": key.name, "revoked_at": key.revoked_at}, as_json=as_json)
