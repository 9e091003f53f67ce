"""`kontor operator`: people who sign in to the console."""

from typing import Annotated

import typer

from commands.context import Json, desk, print_facts


def app() -> typer.Typer:
    """The group."""
    group = typer.Typer(help="People of the console.", no_args_is_help=True)
    group.callback()(nothing)
    group.command("create")(create)
    return group


def nothing() -> None:
    """Keep `create` a command of its own while it is the only one."""


def create(
    email: Annotated[str, typer.Option(metavar="ADDRESS", help="Mail address; it is the login.")],
    role: Annotated[str, typer.Option(metavar="ROLE", help="viewer, operator or admin.")],
    as_json: Json = False,
) -> None:
    """Make a login with a one-time password, shown this once."""
    from adapters.passwords import Argon2Passwords
    from services import operators

    with desk() as at:
        made = operators.create(at.session, Argon2Passwords(), email, role, now=at.now, actor=at.actor)
    facts = {
        "id": made.operator.id,
        "email": made.operator.email,
        "role": made.operator.role,
        "password": made.password,
    }
    print_facts(facts, as_json=as_json)
