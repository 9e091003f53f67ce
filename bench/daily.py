"""`python -m bench.daily`: the daily discount run compared with bare SQL that computes the same.

Both take the same days, in turn: the run as jobs, through the runner, in one thread; the floor is one
statement over one connection that computes turnover, tier and tomorrow's, and writes the same rows.
"""

import argparse
import json
import random
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any, Final

from sqlalchemy import Engine, create_engine, make_url, text
from sqlalchemy.orm import Session

from bench.daily_fill import Ledger, fill, pay_a_day, reseller
from bench.daily_floor import Floor
from bench.results import percentile
from kontor.adapters.embedded.servers import embedded_servers
from kontor.adapters.fakes import ManualClock
from kontor.context import Context
from kontor.discounts import run_admin
from kontor.discounts.queries import RunFilter
from kontor.discounts.record import computation_for
from kontor.discounts.set_queries import DiscountComputation
from kontor.engine.enqueue import JobRequest
from kontor.engine.testing import InlineWorker
from kontor.kernel.money import parse_money
from kontor.kernel.states import PaymentKind, RunState
from kontor.payments import service as payments
from kontor.payments.service import NewPayment
from kontor.programme import files
from kontor.programme.model import TurnoverDiscount
from kontor.programme.service import Programmes
from models.discounts import DiscountRun
from tasks import discounts, fees, mails
from tests.support.wiring import context_for, handler_deps, silent_jobs
from workers.migrations import ROOT, migrate

OPENING: Final = datetime(2026, 3, 2, 21, 5, tzinfo=UTC)
"""00:05 of 3 March in Moscow."""
DAY: Final = timedelta(days=1)


@dataclass
class Deployment:
    """A database with an inline worker; mails are posted but not sent."""

    engine: Engine
    clock: ManualClock = field(default_factory=lambda: ManualClock(OPENING))
    programmes: Programmes = field(default_factory=Programmes)

    def __post_init__(self) -> None:
        deps = handler_deps(context_for(silent_jobs(self.clock), self.programmes))
        handlers = [*discounts.handlers(deps), *fees.handlers(deps), *mails.handlers(deps)]
        self.inline = InlineWorker(self.engine, handlers, self.clock)
        self.context = Context(self.inline.jobs, self.programmes)
        with self.transaction() as session:
            source = (ROOT / "examples" / "programmes" / "hosting.yaml").read_text()
            files.apply(session, "hosting", source, now=self.clock.now(), actor="bench")
            session.execute(text("INSERT INTO queues (name, paused) VALUES ('mail', true)"))

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """One committed transaction."""
        with Session(self.engine, expire_on_commit=False) as session:
            yield session
            session.commit()

    def sums(self) -> DiscountComputation:
        """Return the computation of today's discounts, for the floor."""
        with self.transaction() as session:
            programme = self.context.programme(session, "hosting")
        assert isinstance(programme.discount, TurnoverDiscount)
        return computation_for("hosting", programme, programme.discount, self.context.today(programme.zone))

    def run(self, *, tell: bool = True) -> tuple[float, float, DiscountRun]:
        """A run from its first job to its last, approved at once when it is held.

        Seconds until everything was recorded, and until everybody's mail was posted, if anybody's is.
        """
        began = time.perf_counter()
        with self.transaction() as session:
            self.inline.jobs.enqueue_request(session, JobRequest("discounts.run", {"programme": "hosting"}))
        recorded = 0.0
        while True:
            claimed = self.inline.tick()
            run = self.last()
            if run.state == RunState.HELD:
                with self.transaction() as session:
                    run_admin.approve(self.context, session, run.id, "bench", None)
            elif run.state == RunState.DONE and not recorded:
                recorded = time.perf_counter() - began
                if not tell:
                    return recorded, recorded, self.forget_news(run)
            if recorded and not claimed:
                return recorded, time.perf_counter() - began, run

    def forget_news(self, run: DiscountRun) -> DiscountRun:
        """Skip the notifications: on the first day every reseller would get one."""
        with self.transaction() as session:
            session.execute(text("DELETE FROM jobs WHERE task = 'discounts.tell'"))
        return run

    def last(self) -> DiscountRun:
        """The newest run."""
        with self.transaction() as session:
            return run_admin.page(session, RunFilter(), limit=1).items[0]

    def recompute(self, number: int, name: str) -> float:
        """Post a payment; return the seconds of its recomputation job."""
        new = NewPayment(PaymentKind.PAYMENT, parse_money("1234.56", "RUB"), self.clock.now(), name)
        with self.transaction() as session:
            payments.post(self.context, session, reseller(number), new)
        with self.transaction() as session:
            query = text("SELECT id FROM jobs WHERE task = 'discounts.recompute'")
            job_id = session.scalars(query).one()
        began = time.perf_counter()
        self.inline.run(job_id)
        return time.perf_counter() - began


def measured(url: str, ledger: Ledger, rounds: int, samples: int, *, tell: bool) -> dict[str, Any]:
    """Fill the ledger, then measure day by day."""
    migrate(url)
    engine = create_engine(url)
    deployment = Deployment(engine)
    began = time.perf_counter()
    fill(url, ledger, OPENING)
    filled = time.perf_counter() - began
    floor = Floor(url)
    first_floor = floor.run(deployment.sums())[0]
    first, _, _ = deployment.run(tell=False)
    before = peak()
    days = [a_day(url, ledger, deployment, floor, number, tell=tell) for number in range(rounds)]
    differences = len(set(floor.tiers().items()) ^ set(recorded(deployment).items()))
    settle(engine)
    took, commits = [], []
    for number in range(samples):
        took.append(deployment.recompute(random.randint(1, ledger.resellers), f"bench-{number}"))
        commits.append(floor.commit())
    floor.close()
    deployment.inline.close()
    engine.dispose()
    ratios = [day["run_s"] / day["floor_s"] for day in days]
    return {
        "resellers": ledger.resellers,
        "payments": ledger.count,
        "months": ledger.months,
        "fill_s": filled,
        "first": {"floor_s": first_floor, "run_s": first},
        "days": days,
        "floor_s": median(day["floor_s"] for day in days),
        "run_s": median(day["run_s"] for day in days),
        "told_s": median(day["told_s"] for day in days),
        "ratio": median(ratios),
        "differences": differences,
        "recompute_ms": {"p50": percentile(took, 50) * 1e3, "p99": percentile(took, 99) * 1e3},
        "commit_ms": {"p50": percentile(commits, 50) * 1e3, "p99": percentile(commits, 99) * 1e3},
        "memory_mb": {"before": before, "peak": peak()},
    }


def settle(engine: Engine) -> None:
    """Vacuum and run a checkpoint."""
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM (ANALYZE)"))
        connection.execute(text("CHECKPOINT"))


def a_day(url: str, ledger: Ledger, deployment: Deployment, floor: Floor, number: int, *, tell: bool) -> dict[str, Any]:
    """Insert a day's payments, then measure floor and run in alternating order."""
    deployment.clock.advance(DAY)
    pay_a_day(url, ledger, deployment.clock.now())
    sums = deployment.sums()
    if number % 2:
        run = deployment.run(tell=tell)
        bare = floor.run(sums)
    else:
        bare = floor.run(sums)
        run = deployment.run(tell=tell)
    return {
        "floor_s": bare[0],
        "run_s": run[0],
        "told_s": run[1],
        "changed": bare[1],
        "falling": bare[2],
        "moved": run[2].moved,
    }


def recorded(deployment: Deployment) -> dict[Any, Any]:
    """Return the discounts that the run recorded."""
    with deployment.transaction() as session:
        rows = session.execute(text("SELECT reseller_id, (turnover, tier)::text FROM discounts")).all()
    return {row[0]: row[1] for row in rows}


def peak() -> float:
    """Return this process's peak memory in MB."""
    status = Path("/proc/self/status").read_text()
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM"))) / 1024


def parse(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(prog="python -m bench.daily", description="Measure the daily run of discounts.")
    parser.add_argument("--resellers", type=int, default=100_000)
    parser.add_argument("--payments", type=int, default=3_000_000)
    parser.add_argument("--months", type=int, default=12, help="how far back the payments go")
    parser.add_argument("--rounds", type=int, default=5, help="days after the first")
    parser.add_argument("--samples", type=int, default=500, help="recomputations of one reseller")
    parser.add_argument("--growth", action="store_true", help="also with half the history, and with twice the window")
    parser.add_argument("--silent", action="store_true", help="post no mails")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print; exit 1 if the ratio or the recomputation (without the bare commit) misses its budget."""
    options = parse(argv)
    ledgers = [Ledger(options.resellers, options.payments, options.months)]
    if options.growth:
        half = max(1, options.months // 2)
        ledgers.append(Ledger(options.resellers, options.payments // 2, half))
        ledgers.append(Ledger(options.resellers, options.payments, half))
    results = []
    with TemporaryDirectory() as folder, embedded_servers(Path(folder)) as servers:
        for number, ledger in enumerate(ledgers):
            url = database(servers.database_url, f"daily_{number}")
            results.append(measured(url, ledger, options.rounds, options.samples, tell=not options.silent))
    if options.json:
        json.dump({"ledgers": results}, sys.stdout, indent=1)
    else:
        for result in results:
            print(shown(result))
    return 0 if all(kept(result) for result in results) else 1


def kept(result: dict[str, Any]) -> bool:
    """Whether a run was correct and within its budgets; the time of a bare commit is not counted."""
    own = result["recompute_ms"]["p99"] - result["commit_ms"]["p99"]
    return result["ratio"] <= 1.5 and own <= 20 and not result["differences"]


def shown(result: dict[str, Any]) -> str:
    """Format a ledger's figures."""
    memory, took, commit = result["memory_mb"], result["recompute_ms"], result["commit_ms"]
    return (
        f"{result['resellers']:,} resellers, {result['payments']:,} payments in {result['months']} months:"
        f" recorded in {result['run_s']:.2f} s, all notified after {result['told_s']:.2f} s;"
        f" bare SQL {result['floor_s']:.2f} s, ratio {result['ratio']:.2f};"
        f" first day {result['first']['run_s']:.2f} s to {result['first']['floor_s']:.2f} s;"
        f" memory {memory['peak']:.0f} MB (before {memory['before']:.0f}); {result['differences']} differences;"
        f" recomputation p50 {took['p50']:.1f} ms, p99 {took['p99']:.1f} ms;"
        f" a bare commit beside it {commit['p50']:.1f} and {commit['p99']:.1f} ms"
    )


def database(url: str, name: str) -> str:
    """Create an empty database and return its URL."""
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    engine.dispose()
    return make_url(url).set(database=name).render_as_string(hide_password=False)


if __name__ == "__main__":
    sys.exit(main())
