"""`kontor operator`: logins of the console."""

from typing import Annotated

import typer

from commands.context import Json, command_context, print_facts


def app() -> typer.Typer:
    """Build the command group."""
    group = typer.Typer(help="Console logins.", no_args_is_help=True)
    group.callback()(_no_op)
    group.command("create")(create)
    return group


def _no_op() -> None:
    """Force a group: typer would merge a single command into it."""


def create(
    email: Annotated[str, typer.Option(metavar="ADDRESS", help="E-mail address, used to sign in.")],
    role: Annotated[str, typer.Option(metavar="ROLE", help="viewer, operator or admin.")],
    as_json: Json = False,
) -> None:
    """Create a login; its one-time password is shown only once."""
    from adapters.passwords import Argon2Passwords
    from services import operators

    with command_context() as ctx:
        created = operators.create(ctx.session, Argon2Passwords(), email, role, now=ctx.now, actor=ctx.actor)
    facts = {
        "id": created.operator.id,
        "email": created.operator.email,
        "role": created.operator.role,
        "password": created.password,
    }
    print_facts(facts, as_json=as_json)
