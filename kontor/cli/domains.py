"""`kontor domains`: verify, mark and unmark sending and link domains, each for one claimant."""

import getpass
from typing import Annotated, Final
from uuid import UUID

import typer

from kontor.cli.context import ReasonOption, control_context, ledger_jobs, running_settings, transaction
from kontor.cli.output import Json, Wide, print_rows

FIRST: Final = ("domain", "verified", "verified_by", "last_error")
"""Columns of a verification on a narrow terminal."""


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
    wide: Wide = False,
) -> None:
    """Verify domains by their TXT records and store the result; exit 1 if one is not verified."""
    from kontor.accounts import domains
    from kontor.adapters.network import DnsTxt
    from kontor.audit import Actor
    from kontor.context import Context

    with running_settings() as settings, ledger_jobs(settings) as jobs:
        with transaction(settings) as session:
            claims = domains.claims(session, domain)
        results = domains.check_dns(DnsTxt(), claims)
        with transaction(settings) as session:
            domains.record_results(Context(jobs), session, results, Actor(f"cli:{getpass.getuser()}", "cli"))
    rows = [
        {
            "account_id": result.claim.account_id,
            "domain": result.claim.domain,
            "proven": result.verified,
            "error": result.error,
        }
        for result in results
    ]
    print_rows(rows, as_json=as_json, wide=wide, first=("domain", "proven", "error"), empty="No brand uses a domain.")
    if not all(result.verified for result in results):
        raise typer.Exit(1)


Domain = Annotated[str, typer.Argument(help="A domain used by a brand.")]
Claimant = Annotated[
    UUID, typer.Option("--account", metavar="ID", help="The account that claims it; a client stands for its reseller.")
]
AnyClaimant = Annotated[
    UUID | None,
    typer.Option("--account", metavar="ID", help="The account that claims it; required if several do."),
]


def mark(
    domain: Domain, account: Claimant, reason: ReasonOption = None, as_json: Json = False, wide: Wide = False
) -> None:
    """Mark a domain as verified without DNS, for one account alone."""
    from kontor.accounts import domains
    from kontor.accounts import service as accounts
    from kontor.context import Context

    with control_context(reason) as control_ctx:
        session, ctx = control_ctx.command.session, Context(control_ctx.operations.jobs)
        claimant = accounts.get(session, account)
        row = domains.verify_manually(ctx, session, domain, claimant, control_ctx.actor)
        rows = [domains.domain_out(row).model_dump()]
    print_rows(rows, as_json=as_json, wide=wide, first=FIRST)


def unmark(
    domain: Domain, account: AnyClaimant = None, reason: ReasonOption = None, as_json: Json = False, wide: Wide = False
) -> None:
    """Revoke a verification, by DNS or by hand; mails use the provider's address again."""
    from kontor.accounts import domains
    from kontor.accounts import service as accounts
    from kontor.context import Context

    with control_context(reason) as control_ctx:
        session, ctx = control_ctx.command.session, Context(control_ctx.operations.jobs)
        claimant = accounts.get(session, account) if account else None
        row = domains.revoke_verification(ctx, session, domain, control_ctx.actor, claimant)
        rows = [domains.domain_out(row).model_dump()]
    print_rows(rows, as_json=as_json, wide=wide, first=FIRST)
