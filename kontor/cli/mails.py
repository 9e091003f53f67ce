"""`kontor mails`: list, show and resend mails."""

from typing import Annotated
from uuid import UUID

import typer

from kontor.cli.context import Json, ReasonOption, command_context, control_context, print_facts, print_json, print_rows

MailId = Annotated[UUID, typer.Argument(metavar="ID")]


def app() -> typer.Typer:
    """Build the command group."""
    group = typer.Typer(help="Mail log.", no_args_is_help=True)
    group.command("list")(list_mails)
    group.command("show")(show)
    group.command("resend")(resend)
    return group


def list_mails(
    template: Annotated[str | None, typer.Option(metavar="NAME", help="Only mails of this template.")] = None,
    state: Annotated[
        list[str] | None, typer.Option(metavar="S", help="Only mails in this state; may be repeated.")
    ] = None,
    account: Annotated[UUID | None, typer.Option(metavar="ID", help="Only mails to this account.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000)] = 100,
    as_json: Json = False,
) -> None:
    """List mails, newest first."""
    from kontor.mails import service as mails
    from kontor.mails.queries import MailFilter
    from models.mails import MailState

    unknown = sorted(set(state or ()) - set(MailState))
    if unknown:
        raise typer.BadParameter(f"{unknown[0]!r} is not one of {', '.join(MailState)}.", param_hint="--state")
    filter_ = MailFilter(account=account, template=template, states=state or ())
    with command_context() as ctx:
        page = mails.page(ctx.session, filter_, limit=limit)
        documents = [mails.mail_out(row).model_dump(by_alias=True, exclude={"raw"}) for row in page.items]
    if as_json:
        print_json({"items": documents, "next": page.next})
        return
    columns = ("id", "template", "locale", "state", "subject", "created_at", "repeats")
    print_rows([{name: row[name] for name in columns} for row in documents], as_json=False, empty="No matching mails.")


def show(mail_id: MailId, as_json: Json = False) -> None:
    """Show one mail as sent, with the tokens in its links masked."""
    from kontor.mails import service as mails

    with command_context() as ctx:
        mail = mails.mail_out(mails.get(ctx.session, mail_id), raw=True).model_dump(by_alias=True)
    print_facts(mail, as_json=as_json)


def resend(mail_id: MailId, reason: ReasonOption = None, as_json: Json = False) -> None:
    """Resend a mail as a new one; requires --reason."""
    from kontor.mails import resend
    from kontor.mails import service as mails
    from kontor.programme.service import Programmes

    with control_context(reason) as control_ctx:
        session, jobs = control_ctx.command.session, control_ctx.operations.jobs
        posted = resend.resend(session, jobs, Programmes(jobs.clock), mail_id, control_ctx.actor)
        mail = mails.mail_out(mails.get(session, posted)).model_dump(by_alias=True, exclude={"raw"})
    print_facts(mail, as_json=as_json)
