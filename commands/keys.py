"""`kontor keys`: create, list and revoke API keys."""

from datetime import datetime, time, timedelta
from typing import Annotated
from uuid import UUID
from zoneinfo import ZoneInfo

import typer

from commands.context import Json, command_context, print_facts, print_rows
from domain.errors import Invalid


def app() -> typer.Typer:
    """Build the command group."""
    group = typer.Typer(help="API keys.", no_args_is_help=True)
    group.command("create")(create)
    group.command("list")(list_keys)
    group.command("revoke")(revoke)
    return group


def last_instant(text: str) -> datetime:
    """Parse a day, meaning its end in UTC, or a time with an offset. Raises Invalid."""
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        raise Invalid("invalid", f"--expires {text}: use a day such as 2027-01-31, or a time with an offset") from None
    if len(text) == len("2027-01-31"):
        return datetime.combine(instant.date() + timedelta(days=1), time(), ZoneInfo("UTC"))
    if instant.tzinfo is None:
        raise Invalid("invalid", f"--expires {text}: the time needs an offset, such as Z")
    return instant


def create(
    name: Annotated[str, typer.Option(metavar="NAME", help="Purpose of the key; need not be unique.")],
    scope: Annotated[
        list[str], typer.Option(metavar="SCOPE", help="read, enqueue, operate or admin; may be repeated.")
    ],
    reseller: Annotated[UUID | None, typer.Option(metavar="ID", help="Limit the key to a reseller.")] = None,
    account: Annotated[UUID | None, typer.Option(metavar="ID", help="Limit the key to an account.")] = None,
    expires: Annotated[
        str | None, typer.Option(metavar="DATE", help="Last valid day (UTC), or a time with an offset.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Create an API key; its secret is shown only once."""
    from services import keys

    ends = None if expires is None else last_instant(expires)
    with command_context() as ctx:
        key = keys.create(ctx.session, name, scope, ctx.now, reseller_id=reseller, account_id=account, expires_at=ends)
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
    """List API keys, oldest first, including revoked ones."""
    from services import keys

    with command_context() as ctx:
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
            for key in keys.listed(ctx.session)
        ]
    print_rows(rows, as_json=as_json, empty="No API keys yet. Create one with `kontor keys create`.")


def revoke(key_id: Annotated[UUID, typer.Argument(metavar="ID")], as_json: Json = False) -> None:
    """Revoke an API key."""
    from services import keys

    with command_context() as ctx:
        key = keys.revoke(ctx.session, key_id, ctx.now)
    print_facts({"id": key.id, "name": key.name, "revoked_at": key.revoked_at}, as_json=as_json)
