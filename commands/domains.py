"""`kontor domains`: sending and link domains, proven by DNS."""

from typing import Annotated
from uuid import UUID

import typer

from commands.context import Json, desk, print_rows, running_settings, transaction


def app() -> typer.Typer:
    """The group."""
    group = typer.Typer(help="Sending and link domains.", no_args_is_help=True)
    group.command("verify")(verify)
    group.command("mark")(mark)
    group.command("unmark")(unmark)
    return group


def verify(
    domain: Annotated[str | None, typer.Argument(help="One domain; all of them when absent.")] = None,
    as_json: Json = False,
) -> None:
    """Look up TXT records and write down what they prove; exits 1 when a domain is not proven."""
    from adapters.dns import DnsTxt
    from services import domains
    from workers.clocks import programme_time

    with running_settings() as settings:
        with transaction(settings) as session:
            asked = domains.claims(session, domain)
        findings = domains.look_up(DnsTxt(), asked)
        with transaction(settings) as session:
            domains.record(session, findings, programme_time(settings))
    rows = [
        {
            "account_id": one.claim.account_id,
            "domain": one.claim.domain,
            "proven": one.proven,
            "error": one.error,
        }
        for one in findings
    ]
    print_rows(rows, as_json=as_json, empty="No brand uses a domain.")
    if not all(one.proven for one in findings):
        raise typer.Exit(1)


Domain = Annotated[str, typer.Argument(help="A domain that a brand uses.")]
Whose = Annotated[UUID | None, typer.Option("--account", help="For this account's brand; all that use it when absent.")]


def mark(domain: Domain, account: Whose = None, as_json: Json = False) -> None:
    """Vouch for a domain instead of DNS."""
    from services import accounts, domains

    with desk() as at:
        whose = accounts.get(at.session, account) if account else None
        marked = domains.mark(at.session, domain, at.actor, at.now, account=whose)
        rows = [domains.document(one) for one in marked]
    print_rows(rows, as_json=as_json)


def unmark(domain: Domain, account: Whose = None, as_json: Json = False) -> None:
    """Take a proof back, whoever gave it: mails go out from the provider's address again."""
    from services import accounts, domains

    with desk() as at:
        whose = accounts.get(at.session, account) if account else None
        rows = [domains.document(one) for one in domains.unmark(at.session, domain, account=whose)]
    print_rows(rows, as_json=as_json)
