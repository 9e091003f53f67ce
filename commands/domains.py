"""`kontor domains`: sending and link domains, verified by DNS."""

from typing import Annotated
from uuid import UUID

import typer

from commands.context import Json, command_context, print_rows, running_settings, transaction


def app() -> typer.Typer:
    """Build the command group."""
    group = typer.Typer(help="Sending and link domains.", no_args_is_help=True)
    group.command("verify")(verify)
    group.command("mark")(mark)
    group.command("unmark")(unmark)
    return group


def verify(
    domain: Annotated[str | None, typer.Argument(help="One domain; default: all.")] = None,
    as_json: Json = False,
) -> None:
    """Verify domains by their TXT records and store the result; exit 1 if one is not verified."""
    from adapters.dns import DnsTxt
    from services import domains
    from workers.clocks import programme_time

    with running_settings() as settings:
        with transaction(settings) as session:
            claims = domains.claims(session, domain)
        findings = domains.look_up(DnsTxt(), claims)
        with transaction(settings) as session:
            domains.record(session, findings, programme_time(settings))
    rows = [
        {
            "account_id": finding.claim.account_id,
            "domain": finding.claim.domain,
            "proven": finding.proven,
            "error": finding.error,
        }
        for finding in findings
    ]
    print_rows(rows, as_json=as_json, empty="No brand uses a domain.")
    if not all(finding.proven for finding in findings):
        raise typer.Exit(1)


Domain = Annotated[str, typer.Argument(help="A domain used by a brand.")]
AccountId = Annotated[
    UUID | None,
    typer.Option("--account", help="Only for this account's brand; default: all brands that use the domain."),
]


def mark(domain: Domain, account: AccountId = None, as_json: Json = False) -> None:
    """Mark a domain as verified without DNS."""
    from services import accounts, domains

    with command_context() as ctx:
        owner = accounts.get(ctx.session, account) if account else None
        marked = domains.mark(ctx.session, domain, ctx.actor, ctx.now, account=owner)
        rows = [domains.document(row) for row in marked]
    print_rows(rows, as_json=as_json)


def unmark(domain: Domain, account: AccountId = None, as_json: Json = False) -> None:
    """Revoke a verification, by DNS or by hand; mails use the provider's address again."""
    from services import accounts, domains

    with command_context() as ctx:
        owner = accounts.get(ctx.session, account) if account else None
        rows = [domains.document(row) for row in domains.unmark(ctx.session, domain, account=owner)]
    print_rows(rows, as_json=as_json)
