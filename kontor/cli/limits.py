"""`kontor limits`: list and set the values of limits."""

from typing import Annotated
from uuid import UUID

import typer

from kontor.cli.context import ReasonOption, command_context, control_context
from kontor.cli.output import Json, Wide, print_facts, print_rows
from kontor.kernel.errors import Invalid


def app() -> typer.Typer:
    """Build the command group."""
    group = typer.Typer(help="Limits.", no_args_is_help=True)
    group.command("list")(list_limits)
    group.command("set")(set_limit)
    return group


def list_limits(as_json: Json = False, wide: Wide = False) -> None:
    """List every limit with its value, its overrides and who uses the most of it."""
    from kontor.limits import service
    from kontor.limits.schemas import limit_out

    with command_context() as ctx:
        documents = [limit_out(view).model_dump(mode="json") for view in service.list_limits(ctx.session, ctx.now)]
    if as_json:
        print_rows(documents, as_json=True)
        return
    rows = [
        {
            "limit": row["name"],
            "value": row["value"],
            "window": row["window"] or "at once",
            "per": row["per"],
            "overrides": len(row["overrides"]),
        }
        for row in documents
    ]
    print_rows(rows, as_json=False, wide=wide)


def set_limit(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A limit, as `kontor limits list` names it.")],
    value: Annotated[str, typer.Argument(metavar="VALUE", help="A whole number, or `default`.")],
    reseller: Annotated[UUID | None, typer.Option(metavar="ID", help="Only for this reseller.")] = None,
    key: Annotated[UUID | None, typer.Option(metavar="ID", help="Only for this API key.")] = None,
    reason: ReasonOption = None,
    as_json: Json = False,
) -> None:
    """Set a limit for all, for one reseller or for one key; mails that it held leave as far as it allows."""
    from kontor.kernel.limits import Beyond
    from kontor.limits import service
    from kontor.limits.schemas import limit_out
    from kontor.mails.payloads import MailsRelease

    if reseller is not None and key is not None:
        raise Invalid("invalid", "Use either --reseller or --key.")
    if value != "default" and not (value.isascii() and value.isdigit()):
        raise Invalid("invalid", f"{value} is no whole number; `default` restores the default.")
    number = None if value == "default" else int(value)
    with control_context(reason) as control_ctx:
        session, jobs = control_ctx.command.session, control_ctx.operations.jobs
        if reseller or key:
            service.owner_kind(name, reseller=reseller is not None, key=key is not None)
        view = service.set_limit(session, name, number, control_ctx.actor, control_ctx.command.now, reseller or key)
        if view.limit.beyond is Beyond.HELD:
            jobs.enqueue(session, MailsRelease())
    print_facts(limit_out(view).model_dump(mode="json"), as_json=as_json)
