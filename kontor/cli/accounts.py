"""`kontor accounts`: suspend and resume, as an operator does in the console."""

from typing import Annotated
from uuid import UUID

import typer

from kontor.cli.context import Json, ReasonOption, command_context, print_facts

AccountId = Annotated[UUID, typer.Argument(metavar="ID", help="The account; a reseller with all its clients.")]


def app() -> typer.Typer:
    """Build the command group."""
    group = typer.Typer(help="Accounts.", no_args_is_help=True)
    group.command("suspend")(suspend)
    group.command("resume")(resume)
    return group


def suspend(account_id: AccountId, reason: ReasonOption = None, as_json: Json = False) -> None:
    """Suspend an account at once: its keys stop, no offer is sent or decided, no order placed."""
    _steer(account_id, reason, suspended=True, as_json=as_json)


def resume(account_id: AccountId, reason: ReasonOption = None, as_json: Json = False) -> None:
    """Resume an account; of a reseller also the clients that its suspension alone held."""
    _steer(account_id, reason, suspended=False, as_json=as_json)


def _steer(account_id: UUID, reason: str | None, *, suspended: bool, as_json: bool) -> None:
    from kontor.accounts import suspension
    from kontor.audit import Actor

    act = suspension.suspend if suspended else suspension.resume
    with command_context() as ctx:
        by = suspension.Suspender(Actor(ctx.actor, "cli", reason))
        account = act(ctx.session, account_id, by, ctx.now, with_clients=True)
        facts = {"id": account.id, "name": account.name, "kind": account.kind, "suspended": account.suspended}
    print_facts(facts, as_json=as_json)
