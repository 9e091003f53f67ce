"""`kontor domains`: sending and link domains, proven by DNS."""

from typing import Annotated

import typer

from commands.context import Json, print_rows, running_settings, transaction


def app() -> typer.Typer:
    """The group."""
    group = typer.Typer(help="Sending and link domains.", no_args_is_help=True)
    group.callback()(nothing)
    group.command("verify")(verify)
    return group


def nothing() -> None:
    """Keep `verify` a command of its own while it is the only one."""


def verify(
    domain: Annotated[str | None, typer.Argument(help="One domain; all of them when absent.")] = None,
    as_json: Json = False,
) -> None:
    """Look up TXT records and write down what they prove; exits 1 when a domain is not proven."""
    from adapters.dns import DnsTxt
    from services import domains
    from workers.parts import clock_for

    with running_settings() as settings:
        with transaction(settings) as session:
            asked = domains.claims(session, domain)
        findings = domains.look_up(DnsTxt(), asked)
        with transaction(settings) as session:
            domains.record(session, findings, clock_for(settings).now())
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
