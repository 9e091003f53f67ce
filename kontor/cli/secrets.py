"""`kontor secrets`: make a SECRET_KEY, and seal everything with a new one."""

from dataclasses import asdict

import typer

from kontor.adapters.secret_keys import new_secret_key
from kontor.cli.context import Json, command_context, print_facts


def app() -> typer.Typer:
    """Build the command group."""
    group = typer.Typer(help="SECRET_KEY.", no_args_is_help=True)
    group.command("new")(new)
    group.command("rotate")(rotate)
    return group


def new(as_json: Json = False) -> None:
    """Print a new random SECRET_KEY; nothing is changed."""
    key = new_secret_key()
    if as_json:
        print_facts({"secret_key": key}, as_json=True)
    else:
        print(key)


def rotate(as_json: Json = False) -> None:
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
