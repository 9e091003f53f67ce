"""`make attack`: attempts by the class against a running deployment. Exits with 0 if nothing got through."""

import argparse
import importlib
import importlib.util
import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from tests.attack import (
    addresses,
    answers,
    authority,
    console,
    decisions,
    evidence,
    mails,
    names,
    prices,
    routes,
    stored,
    tokens,
)
from tests.attack.attempts import Attempts
from tests.attack.target import AttackTarget, running_target
from tests.attack.tenants import apply_programme

AttackClass = Callable[[AttackTarget, Attempts], None]
EDGE: Final = "tests.attack.edge"
EDGE_SECONDS: Final = 10.0
CLASSES: Final[Mapping[str, AttackClass]] = {
    "internal tasks": authority.internal_tasks,
    "forged actors": authority.forged_actors,
    "argument ranges": authority.argument_ranges,
    "keys and ids": routes.keys_and_ids,
    "leaks to clients": prices.leaks_to_clients,
    "leaks to resellers": prices.leaks_to_resellers,
    "oracles": prices.oracles,
    "own offers": decisions.own_offers,
    "next reseller": decisions.next_reseller,
    "own names": decisions.own_names,
    "mails to strangers": mails.mails_to_strangers,
    "mails to one address": mails.mails_to_one_address,
    "amplified webhooks": mails.amplified_webhooks,
    "impersonation": names.impersonation,
    "claimed domains": names.claimed_domains,
    "strings on pages": stored.strings_on_pages,
    "formulas in files": stored.formulas_in_files,
    "forbidden addresses": addresses.forbidden_addresses,
    "silent name server": addresses.silent_name_server,
    "forms of other sites": console.forms_of_other_sites,
    "redirects": console.redirects,
    "answers": answers.answers,
    "smuggled requests": answers.smuggled_requests,
    "idempotency keys": tokens.idempotency_keys,
    "secrets at rest": evidence.secrets_at_rest,
    "wrong secret keys": evidence.wrong_secret_keys,
    "changed audit": evidence.changed_audit,
    "links": tokens.links,
    "guessed passwords": console.guessed_passwords,
}
"""In the order in which they run: those that move the clock or shut the sign-in come last."""

SHORT: Final = (
    "internal tasks", "keys and ids", "leaks to clients", "oracles", "own offers", "forbidden addresses",
)  # fmt: skip
"""The classes of a short run: those whose failure costs most."""


def classes() -> dict[str, AttackClass]:
    """Return all classes; that of the edge comes last, as it burdens the server."""
    every = dict(CLASSES)
    if importlib.util.find_spec(EDGE) is not None:
        every["edge"] = edge
    return every


def edge(target: AttackTarget, attempts: Attempts) -> None:
    """Burden the web process before any key is looked at, while another caller goes on."""
    attacks = importlib.import_module(EDGE)
    seconds = EDGE_SECONDS / (5 if target.short else 1)
    for result in attacks.run(target.deployment.url, target.admin, target.web_pid(), seconds):
        attempts.held(result.name, result.held, result)


def run_classes(target: AttackTarget, chosen: Mapping[str, AttackClass], progress: Console) -> list[Attempts]:
    """Run classes one after another; prints each attempt that got through."""
    results = []
    for name, attack in chosen.items():
        attempts = Attempts(name)
        with attempts.timed():
            attack(target, attempts)
        results.append(attempts)
        colour = "red" if attempts.through else "green"
        summary = f"{attempts.count} attempts, {len(attempts.through)} through, {attempts.seconds:.1f} s"
        progress.print(f"[{colour}]{name}[/]: {summary}")
        for line in attempts.through:
            progress.print(f"  [red]{escape(line)}[/]", highlight=False)
    return results


def table_of(results: Sequence[Attempts]) -> Table:
    """Return the table of the results, with their sums."""
    table = Table(title="Attempts on a running deployment", title_justify="left", show_footer=True)
    through = sum(len(attempts.through) for attempts in results)
    table.add_column("class", "all")
    table.add_column("attempts", str(sum(attempts.count for attempts in results)), justify="right")
    table.add_column("got through", str(through), justify="right")
    table.add_column("seconds", f"{sum(attempts.seconds for attempts in results):.0f}", justify="right")
    for attempts in results:
        count = len(attempts.through)
        shown = f"[red]{count}[/]" if count else "0"
        table.add_row(attempts.name, str(attempts.count), shown, f"{attempts.seconds:.1f}")
    return table


def main(arguments: Sequence[str] | None = None) -> int:
    """Parse the options, run the classes and print the table."""
    every = classes()
    parser = argparse.ArgumentParser(prog="make attack", description=__doc__)
    parser.add_argument("--short", action="store_true", help="the dearest classes, each shortened; under a minute")
    parser.add_argument("--only", action="append", metavar="CLASS", choices=sorted(every), help="may be repeated")
    parser.add_argument("--json", action="store_true", help="print the results as one JSON document")
    options = parser.parse_args(arguments)
    names_chosen = options.only or (SHORT if options.short else every)
    chosen = {name: attack for name, attack in every.items() if name in names_chosen}
    progress, began = Console(stderr=True), time.monotonic()
    with running_target(short=options.short) as target:
        apply_programme(target)
        results = run_classes(target, chosen, progress)
    through = sum(len(attempts.through) for attempts in results)
    if options.json:
        document = {"through": through, "classes": [attempts.document() for attempts in results]}
        sys.stdout.write(json.dumps({**document, "seconds": round(time.monotonic() - began, 1)}, indent=2) + "\n")
    else:
        Console().print(table_of(results))
    return 1 if through else 0


if __name__ == "__main__":
    sys.exit(main())
