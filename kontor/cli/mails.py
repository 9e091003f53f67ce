"""`kontor mails`: list, show and resend mails; their links."""

from typing import Annotated
from uuid import UUID

import typer

from kontor.cli.context import ReasonOption, command_context, control_context
from kontor.cli.output import Json, Wide, print_facts, print_json, print_rows

MailId = Annotated[UUID, typer.Argument(metavar="ID")]


def app() -> typer.Typer:
    """Build the command group."""
    group = typer.Typer(help="Mail log.", no_args_is_help=True)
    group.command("list")(list_mails)
    group.command("show")(show)
    group.command("links")(links)
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
    wide: Wide = False,
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
    rows = [{name: row[name] for name in columns} for row in documents]
    first = ("id", "template", "state", "subject")
    print_rows(rows, as_json=False, wide=wide, first=first, empty="No matching mails.")


def show(mail_id: MailId, as_json: Json = False) -> None:
    """Show one mail as sent, with the tokens in its links masked."""
    from kontor.mails import service as mails

    with command_context() as ctx:
        mail = mails.mail_out(mails.get(ctx.session, mail_id), raw=True).model_dump(by_alias=True)
    print_facts(mail, as_json=as_json)


def links(
    mail_id: Annotated[UUID | None, typer.Argument(metavar="[ID]", help="One mail; default: the newest 20.")] = None,
    as_json: Json = False,
) -> None:
    """Print the links of mails, whole when the mail catcher of this data directory has them, masked when delivered."""
    from kontor.adapters.data_directory import MAIL
    from kontor.mails import links as mail_links
    from kontor.mails import service as mails
    from kontor.mails.queries import MailFilter

    with command_context() as ctx:
        logged = (
            mails.page(ctx.session, MailFilter(), limit=20).items
            if mail_id is None
            else [mails.get(ctx.session, mail_id)]
        )
        listed = mail_links.mail_links(logged, ctx.settings.data_dir / MAIL)
    if as_json:
        print_json({"items": listed, "next": None})
        return
    for mail in listed:
        print(f"{mail.id}  {mail.template}  {mail.to}")
        for link in mail.links:
            print(f"  {link}")
    if not listed:
        print("No mails yet.")


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
