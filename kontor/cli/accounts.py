"""`kontor accounts`: what operators do to one account from the shell."""

from typing import Annotated
from uuid import UUID

import typer

from kontor.cli.context import ReasonOption, RequiredReason, command_context, control_context
from kontor.cli.output import Json, print_facts, print_json

AccountId = Annotated[UUID, typer.Argument(metavar="ID", help="An account; a reseller with all its clients.")]


def app() -> typer.Typer:
    """Build the command group."""
    group = typer.Typer(help="Accounts.", no_args_is_help=True)
    group.command("suspend")(suspend)
    group.command("resume")(resume)
    group.command("export")(export)
    group.command("free-offers")(free_offers)
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
    with control_context(reason) as control_ctx:
        ctx, jobs = control_ctx.command, control_ctx.operations.jobs
        by = suspension.Suspender(Actor(ctx.actor, "cli", reason))
        account = act(jobs, ctx.session, account_id, by, ctx.now, with_clients=True)
        facts = {"id": account.id, "name": account.name, "kind": account.kind, "suspended": account.suspended}
    print_facts(facts, as_json=as_json)


def export(account_id: AccountId, as_json: Json = False) -> None:
    """Print all that the database has of an account, as one JSON document; secrets are masked."""
    from kontor import audit
    from kontor.accounts.personal_data import personal_data
    from kontor.audit import Actor

    with command_context() as ctx:
        document = {"account": account_id, "exported_at": ctx.now, "data": personal_data(ctx.session, account_id)}
        audit.record(
            ctx.session, Actor(ctx.actor, "cli"), "personal_data.exported", f"account:{account_id}", at=ctx.now
        )
    print_json(document)


def free_offers(account_id: AccountId, reason: RequiredReason, as_json: Json = False) -> None:
    """Settle an objection to an account's address: its held offers go on."""
    from kontor.context import Context
    from kontor.offers import holds

    with control_context(reason) as control_ctx:
        ctx = Context(control_ctx.operations.jobs)
        freed = holds.free_offers(ctx, control_ctx.command.session, account_id, control_ctx.actor)
    print_facts({"offers": freed}, as_json=as_json)
