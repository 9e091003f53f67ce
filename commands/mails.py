"""`kontor mails`: the log, and sending a mail of it again."""

from typing import Annotated
from uuid import UUID

import typer

from commands.context import Json, desk, print_facts, print_json, print_rows
from commands.ledger import Reason, control_desk

MailId = Annotated[UUID, typer.Argument(metavar="ID")]


def app() -> typer.Typer:
    """The group."""
    group = typer.Typer(help="Mails of the log.", no_args_is_help=True)
    group.command("list")(list_mails)
    group.command("show")(show)
    group.command("resend")(resend)
    return group


def list_mails(
    template: Annotated[str | None, typer.Option(metavar="NAME")] = None,
    state: Annotated[list[str] | None, typer.Option(metavar="S", help="May repeat.")] = None,
    account: Annotated[UUID | None, typer.Option(metavar="ID")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000)] = 100,
    as_json: Json = False,
) -> None:
    """List mails, newest first."""
    from models.mails import MailState
    from services import mails
    from store.mails import MailFilter

    unknown = sorted(set(state or ()) - set(MailState))
    if unknown:
        raise typer.BadParameter(f"{unknown[0]!r} is none of {', '.join(MailState)}.", param_hint="--state")
    wanted = MailFilter(account=account, template=template, states=state or ())
    with desk() as at:
        page = mails.page(at.session, wanted, limit=limit)
        documents = [mails.document(one) for one in page.items]
    if as_json:
        print_json({"items": documents, "next": page.next})
        return
    columns = ("id", "template", "locale", "state", "subject", "created_at", "repeats")
    print_rows([{name: one[name] for name in columns} for one in documents], as_json=False, empty="No such mails.")


def show(mail_id: MailId, as_json: Json = False) -> None:
    """Show one mail as it was sent, the tokens in its links masked."""
    from services import mails

    with desk() as at:
        found = mails.document(mails.get(at.session, mail_id), raw=True)
    print_facts(found, as_json=as_json)


def resend(mail_id: MailId, reason: Reason = None, as_json: Json = False) -> None:
    """Send a mail again, as a new one; --reason is needed."""
    from services import mail_again, mails
    from services.programmes import Programmes

    with control_desk(reason) as stand:
        session, jobs = stand.at.session, stand.control.jobs
        posted = mail_again.send_again(session, jobs, Programmes(), mail_id, stand.actor)
        found = mails.document(mails.get(session, posted))
    print_facts(found, as_json=as_json)
