"""`kontor keys`, `kontor secrets`."""

from dataclasses import asdict
from datetime import datetime, time, timedelta
from typing import Annotated
from uuid import UUID
from zoneinfo import ZoneInfo

import typer

from kontor.adapters.secret_keys import new_secret_key
from kontor.cli.context import command_context
from kontor.cli.output import Json, Wide, print_facts, print_rows
from kontor.kernel.errors import Invalid
from kontor.kernel.zones import parse_time


def keys_app() -> typer.Typer:
    """Build the command group."""
    group = typer.Typer(help="API keys.", no_args_is_help=True)
    group.command("create")(create_key)
    group.command("list")(list_keys)
    group.command("revoke")(revoke)
    return group


def last_instant(text: str) -> datetime:
    """Parse a day, meaning its end in UTC, or a time with an offset. Raises Invalid."""
    try:
        instant = parse_time(text)
    except ValueError:
        raise Invalid("invalid", f"--expires {text}: use a day such as 2027-01-31, or a time with an offset") from None
    if len(text) == len("2027-01-31"):
        return datetime.combine(instant.date() + timedelta(days=1), time(), ZoneInfo("UTC"))
    if instant.tzinfo is None:
        raise Invalid("invalid", f"--expires {text}: the time needs an offset, such as Z")
    return instant


ScopeOption = Annotated[
    list[str],
    typer.Option(
        metavar="SCOPE",
        help="read, enqueue, work, decide, operate, admin or keys; enqueue and work may be narrowed to tasks, such as "
        "enqueue:vps.*; may be repeated.",
    ),
]
RangeOption = Annotated[
    list[str] | None,
    typer.Option("--from", metavar="CIDR", help="Network that the key may be used from; may be repeated."),
]
ExpiryOption = Annotated[
    str | None, typer.Option(metavar="DATE", help="Last valid day (UTC), or a time with an offset; default: never.")
]


def create_key(
    name: Annotated[str, typer.Option(metavar="NAME", help="Purpose of the key; need not be unique.")],
    scope: ScopeOption,
    reseller: Annotated[UUID | None, typer.Option(metavar="ID", help="Limit the key to a reseller.")] = None,
    account: Annotated[UUID | None, typer.Option(metavar="ID", help="Limit the key to an account.")] = None,
    expires: ExpiryOption = None,
    sources: RangeOption = None,
    rate: Annotated[int | None, typer.Option(metavar="N", help="Requests a second, instead of the default.")] = None,
    as_json: Json = False,
) -> None:
    """Create an API key; its secret is shown only once."""
    from kontor.operators import keys

    binding = {"reseller_id": reseller, "account_id": account}
    with command_context() as ctx:
        key = keys.create(
            ctx.session,
            name,
            scope,
            ctx.now,
            **binding,
            expires_at=None if expires is None else last_instant(expires),
            maker=keys.KeyMaker(ctx.actor, in_sandbox=ctx.settings.in_sandbox),
            ranges=sources or (),
            rate=rate,
        )
    facts = {"id": key.id, "name": key.name, "scopes": list(key.scopes), **binding, "secret": key.secret}
    print_facts(facts, as_json=as_json)


def list_keys(as_json: Json = False, wide: Wide = False) -> None:
    """List API keys, oldest first, including revoked ones."""
    from kontor.operators import keys

    with command_context() as ctx:
        rows = [
            {
                "id": key.id,
                "name": key.name,
                "scopes": list(keys.scopes_of(key)),
                "reseller_id": key.reseller_id,
                "account_id": key.account_id,
                "created_at": key.created_at,
                "created_by": key.created_by,
                "expires_at": key.expires_at,
                "last_used_at": key.last_used_at,
                "from": list(key.ranges),
                "rate": key.rate,
                "revoked_at": key.revoked_at,
            }
            for key in keys.list_keys(ctx.session)
        ]
    first = ("id", "name", "scopes", "revoked_at")
    empty = "No API keys yet. Create one with `kontor keys create`."
    print_rows(rows, as_json=as_json, wide=wide, first=first, empty=empty)


def revoke(key_id: Annotated[UUID, typer.Argument(metavar="ID")], as_json: Json = False) -> None:
    """Revoke an API key."""
    from kontor.operators import keys

    with command_context() as ctx:
        key = keys.revoke(ctx.session, key_id, ctx.now)
    print_facts({"id": key.id, "name": key.name, "revoked_at": key.revoked_at}, as_json=as_json)


def secrets_app() -> typer.Typer:
    """Build the command group."""
    group = typer.Typer(help="SECRET_KEY.", no_args_is_help=True)
    group.command("new")(new_secret)
    group.command("rotate")(rotate_secret)
    return group


def new_secret(as_json: Json = False) -> None:
    """Print a new random SECRET_KEY; nothing is changed."""
    key = new_secret_key()
    if as_json:
        print_facts({"secret_key": key}, as_json=True)
    else:
        print(key)


def rotate_secret(as_json: Json = False) -> None:
    """Seal the data keys with the first key of SECRET_KEY; safe to repeat, and while everything runs."""
    from kontor import audit
    from kontor.adapters import data_keys
    from kontor.audit import Actor
    from workers.connections import open_connection

    with command_context() as ctx:
        with open_connection(ctx.settings, "kontor-rotate") as connection:
            rotation = data_keys.rotate(connection, ctx.settings.secret_keys)
        facts = asdict(rotation)
        audit.record(ctx.session, Actor(ctx.actor, "cli"), "secrets.rotate", "SECRET_KEY", at=ctx.now, detail=facts)
    print_facts(facts, as_json=as_json)
