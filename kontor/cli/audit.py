"""`kontor audit`: verify the chain over the audit log, move old rows to a sealed file."""

from datetime import date, datetime, time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

import typer

from kontor.cli.context import command_context
from kontor.cli.output import Json, print_facts, print_json
from kontor.kernel.errors import Invalid
from kontor.kernel.zones import parse_day

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from kontor.evidence.verification import Verification
    from kontor.offers.transitions import CheckedChains


def app() -> typer.Typer:
    """Build the command group."""
    group = typer.Typer(help="The audit log and its chain.", no_args_is_help=True)
    group.command("verify")(verify)
    group.command("archive")(archive)
    return group


def _key(session: "Session") -> bytes:
    from kontor.evidence.digests import key_of

    key = key_of(session)
    assert key is not None, "commands open their database with the key of the chain"
    return key


def verify(as_json: Json = False) -> None:
    """Seal what waits, then verify the chains of log and offers; exit 1 and name what was changed past Kontor."""
    from kontor.evidence import chain, verification
    from kontor.evidence.chain import BrokenHead
    from kontor.kernel.data_keys import KeyPurpose
    from kontor.offers.transitions import verify_chains
    from workers.connections import DatabaseKeys, clock_for

    with command_context() as ctx:
        try:
            chain.seal_all(ctx.session, _key(ctx.session), clock_for(ctx.settings).wall_time())
        except BrokenHead:
            ctx.session.rollback()  # the verification names it
        result = verification.verify(ctx.session, _key(ctx.session))
        offers = verify_chains(ctx.session, DatabaseKeys(ctx.settings).key(KeyPurpose.OFFERS))
    _print(result, offers, as_json=as_json)
    if not result.intact or offers.broken:
        raise typer.Exit(1)


def _print(result: "Verification", offers: "CheckedChains", *, as_json: bool) -> None:
    """Print what was verified; a broken chain of an offer is a finding with the offer and the event."""
    intact = result.intact and not offers.broken
    findings: list[dict[str, object]] = [
        {"kind": finding.kind, "row": finding.seq, "text": finding.text} for finding in result.findings
    ]
    for chain in offers.broken:
        text = f"event {chain.event} of offer {chain.offer_id} was changed, deleted or inserted"
        findings.append({"kind": "offer", "offer": chain.offer_id, "event": chain.event, "text": text})
    document = {
        "intact": intact,
        "sealed": result.sealed,
        "erased": result.erased,
        "unsealed": result.unsealed,
        "unsealed_from": result.unsealed_from,
        "head": {"number": result.number, "hash": result.hash},
        "offers": offers.offers,
        "findings": findings,
    }
    if as_json:
        print_json(document)
        return
    for finding in findings:
        print(f"{finding['kind']!s:<9} {finding['text']}")
    tail = f", {result.unsealed} not sealed yet from row {result.unsealed_from}" if result.unsealed else ""
    state = "intact" if intact else f"{len(findings)} finding(s)"
    head = f"Head: entry {result.number}, {result.hash}"
    print(f"{result.sealed} rows sealed{tail}, {offers.offers} offers: {state}. {head}")


def archive(
    before: Annotated[str, typer.Option(metavar="DATE", help="Rows sealed before this day (UTC) go to the file.")],
    file: Annotated[Path, typer.Option("--file", metavar="FILE", help="A new file, one JSON line per row.")],
    as_json: Json = False,
) -> None:
    """Move old rows to a file sealed with the chain's key; the rest of the chain still verifies."""
    from kontor.audit import Actor
    from kontor.evidence import erasure

    day = _day(before)
    with command_context() as ctx:
        part = erasure.archivable(ctx.session, datetime.combine(day, time(), ZoneInfo("UTC")))
        if part is not None:
            with file.open("x", encoding="utf-8") as target:
                target.writelines(erasure.archive_lines(ctx.session, _key(ctx.session), part))
            erasure.cut(ctx.session, part, Actor(ctx.actor, "cli"), ctx.now)
    rows, last = (0, None) if part is None else (part.rows, part.last_number)
    print_facts({"rows": rows, "last_number": last, "file": str(file) if rows else None}, as_json=as_json)


def _day(text: str) -> date:
    try:
        return parse_day(text)
    except ValueError:
        raise Invalid("invalid", f"--before {text}: use a day such as 2027-01-31") from None
