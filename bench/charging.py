"""`python -m bench.charging`: many charges due on one day, compared with bare SQL that writes the same.

Every round is a month later: the run as jobs, through relay and runner, in one thread. The floors are one statement
each over one connection, on tables of their own without foreign keys: the charges alone; and with events and what is
due next. CPU time is reported separately, because a busy machine distorts wall time.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, astuple, dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any, Final

import psycopg
from sqlalchemy import create_engine
from sqlalchemy.orm import Session

from bench.charging_floor import BARE, WHOLE, Clients, differences
from bench.daily import database, peak
from bench.daily_fill import libpq
from bench.proc import cpu_seconds, family_cpu_seconds
from kontor.adapters.embedded.servers import embedded_servers
from kontor.adapters.fakes import ManualClock
from kontor.discounts.record import window_bounds
from kontor.engine.enqueue import JobRequest
from kontor.engine.testing import InlineWorker
from kontor.kernel.database import PgConnection
from kontor.kernel.periods import add_months
from kontor.programme import files
from kontor.programme.model import TurnoverDiscount
from kontor.programme.service import Programmes
from tasks import fees
from tests.support.wiring import context_for, handler_deps, silent_jobs
from workers.migrations import ROOT, migrate

FIRST: Final = date(2026, 3, 3)
TURNOVER: Final = """  kind: turnover
  families: [voice]
  guard_rail: 100
  tiers:
    - {name: "200", from: 200, percent: {voice: 5}}
    - {name: "400", from: 400, percent: {voice: 10}}
"""
NAMES: Final = ("bare", "floor", "run")
"""The floor comes after the bare one: it says when each is due next."""
FAMILY: Final = ("  call-recording:\n", "  call-recording:\n    family: voice\n")


@dataclass(frozen=True, slots=True)
class Cost:
    """Wall time, and CPU time of this process and of PostgreSQL, in seconds."""

    wall: float
    python: float
    postgres: float


@dataclass
class Charging:
    """A worker in this thread and a connection for the floors, over one database."""

    inline: InlineWorker
    floor: "PgConnection"
    clock: ManualClock
    programmes: Programmes

    def cost(self, work: Callable[[], object]) -> Cost:
        """Measure the cost of a call."""
        before = self._spent()
        work()
        return Cost(*(now - then for now, then in zip(self._spent(), before, strict=True)))

    def _spent(self) -> tuple[float, float, float]:
        backend = Path(f"/proc/{self.floor.info.backend_pid}/stat").read_text()
        postmaster = int(backend.rpartition(")")[2].split()[1])
        return time.perf_counter(), cpu_seconds(os.getpid()), family_cpu_seconds(postmaster)

    def charge(self) -> None:
        """What the scheduler begins at night, to its end."""
        with Session(self.inline.runtime.engine) as session, session.begin():
            self.inline.jobs.enqueue_request(session, JobRequest("fees.charge", {"programme": "telephony"}))
        self.inline.drain(100_000)

    def values(self, day: date) -> dict[str, Any]:
        """Return the parameters of the floors."""
        with Session(self.inline.runtime.engine) as session:
            programme = self.programmes.current(session, "telephony")
        bounds, rules = window_bounds(day, programme.zone), programme.discount
        tiers = rules.tiers if isinstance(rules, TurnoverDiscount) else ()
        return {
            "day": day,
            "next": add_months(day, 1),
            "now": self.clock.now(),
            "since": bounds.since,
            "until": bounds.until,
            "starts": [tier.start for tier in tiers],
            "percents": [tier.percent["voice"] for tier in tiers],
        }

    def month(self, number: int) -> dict[str, Cost]:
        """The run and the floors over the same month, the run first every other time."""
        day = add_months(FIRST, number)
        self.clock.advance(noon(day) - self.clock.now())
        values = self.values(day)
        works: dict[str, Callable[[], object]] = {
            "bare": lambda: self.floor.execute(BARE, values),
            "floor": lambda: self.floor.execute(WHOLE, values),
            "run": self.charge,
        }
        order = NAMES if number % 2 else NAMES[-1:] + NAMES[:-1]
        return {name: self.cost(works[name]) for name in order}


def noon(day: date) -> datetime:
    """Return an instant that is in this day in Europe and America."""
    return datetime(day.year, day.month, day.day, 17, tzinfo=UTC)


def applied(session: Session, clock: ManualClock, *, turnover: bool) -> None:
    """The example `telephony`, with a discount by turnover when asked."""
    source = (ROOT / "examples" / "programmes" / "telephony.yaml").read_text()
    if turnover:
        source = source.replace("  kind: none\n", TURNOVER).replace(*FAMILY)
    files.apply(session, "telephony", source, now=clock.now(), actor="bench")


def measured(url: str, clients: Clients, rounds: int, *, turnover: bool) -> dict[str, Any]:
    """Fill the database, then measure month by month."""
    migrate(url)
    engine, clock, programmes = create_engine(url), ManualClock(noon(FIRST)), Programmes()
    with Session(engine) as session, session.begin():
        applied(session, clock, turnover=turnover)
    deps = handler_deps(context_for(silent_jobs(clock), programmes))
    with (
        InlineWorker(engine, fees.handlers(deps), clock) as inline,
        psycopg.connect(libpq(url), autocommit=True) as floor,
    ):
        clients.fill(floor, FIRST, clock.now())
        before = peak()
        charging = Charging(inline, floor, clock, programmes)
        months = [charging.month(number) for number in range(rounds)]
        checks = {"differences": differences(floor), "memory_mb": {"before": before, "peak": peak()}}
    engine.dispose()
    middle = {name: Cost(*map(median, zip(*(astuple(month[name]) for month in months), strict=True))) for name in NAMES}
    return {
        "discount": "turnover" if turnover else "none",
        **asdict(clients),
        "median": middle,
        "months": months,
        **checks,
    }


def shown(result: dict[str, Any]) -> str:
    """Format a programme's figures."""
    costs = (
        f"{name} {cost.wall:.1f} s, CPU {cost.python:.1f} + {cost.postgres:.1f}"
        for name, cost in result["median"].items()
    )
    memory = result["memory_mb"]
    return (
        f"{result['count']:,} charges of {result['resellers']:,} resellers, discount {result['discount']}:"
        f" {'; '.join(costs)};"
        f" memory {memory['peak']:.0f} MB (before {memory['before']:.0f}); {result['differences']} differences"
    )


def parse(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(prog="python -m bench.charging", description="Measure charging.")
    parser.add_argument("--clients", type=int, default=100_000)
    parser.add_argument("--resellers", type=int, default=1_000)
    parser.add_argument("--rounds", type=int, default=3, help="months")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print; exit 1 if run and floor charged differently."""
    options = parse(argv)
    clients = Clients(options.clients, options.resellers)
    results = []
    with TemporaryDirectory() as folder, embedded_servers(Path(folder)) as servers:
        for turnover in (False, True):
            url = database(servers.database_url, f"charging_{int(turnover)}")
            results.append(measured(url, clients, options.rounds, turnover=turnover))
    if options.json:
        json.dump(results, sys.stdout, indent=1, default=asdict)
    else:
        print("\n".join(map(shown, results)))
    return 1 if any(result["differences"] for result in results) else 0


if __name__ == "__main__":
    sys.exit(main())
