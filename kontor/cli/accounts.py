"""`kontor accounts`: what operators do to one account from the shell."""

from typing import Annotated
from uuid import UUID

import typer

from kontor.cli.context import Json, command_context, control_context, print_facts, print_json

AccountId = Annotated[UUID, typer.Argument(metavar="ID", help="An account.")]
Reason = Annotated[str, typer.Option("--reason", metavar="TEXT", help="Reason, kept in the audit log.")]


def app() -> typer.Typer:
    """Build the command group."""
    group = typer.Typer(help="Accounts.", no_args_is_help=True)
    group.command("export")(export)
    group.command("free-offers")(free_offers)
    return group


def export(account_id: AccountId, as_json: Json = False) -> None:
    """Print all that the database has of an account, as one JSON document; secrets are masked."""
    from kontor import audit
    from kontor.accounts.personal_data import personal_data
    from kontor.audit import Actor

    with command_context() as ctx:
        document = {"account": account_id, "exported_at": ctx.now, "data": personal_data(ctx.session, account_id)}
        audit.record(ctx.session, Actor(ctx.actor, "cli"), "account.exported", f"account:{account_id}", at=ctx.now)
    print_json(document)


def free_offers(account_id: AccountId, reason: Reason, as_json: Json = False) -> None:
    """Settle an objection to an account's address: its held offers go on."""
    from kontor.context import Context
    from kontor.offers import holds

    with control_context(reason) as control_ctx:
        ctx = Context(control_ctx.operations.jobs)
        freed = holds.free_offers(ctx, control_ctx.command.session, account_id, control_ctx.actor)
    print_facts({"offers": freed}, as_json=as_json)
