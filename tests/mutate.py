"""`make mutate`: remove each guard of tests/guards.toml in a copy of the tree; a named test must fail."""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from queue import Queue

from rich.console import Console
from rich.table import Table
from rich.text import Text

from kontor.adapters.embedded.endpoints import shared_servers
from tests import guards as registry
from tests.guards import BadGuards, Guard

ROOT = Path(__file__).resolve().parents[1]
LEFT_OUT = shutil.ignore_patterns(
    ".git",
    ".venv",
    ".kontor",
    ".mypy_cache",
    ".ruff_cache",
    ".pytest_cache",
    ".import_linter_cache",
    ".hypothesis",
    ".*-tools",
    "site",
    "*.pyc.*",  # what another process is about to rename
)
# Without the plugins that no test needs pytest starts in a third of the time.
OPTIONS = (
    "-q", "-o", "addopts=--import-mode=importlib --strict-markers", "-p", "no:cacheprovider",
    "-p", "pytest_timeout", "-p", "pytest_socket", "--timeout=60",
)  # fmt: skip
RUN_SECONDS = 300.0
TEST_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Phase:
    """How a phase (setup, call, teardown) of a test ended."""

    test: str
    phase: str
    outcome: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Run:
    """What pytest did: its exit status (None: stopped for its time), every phase, what it printed."""

    status: int | None
    phases: tuple[Phase, ...]
    output: str

    @property
    def failed(self) -> str | None:
        """The first test whose body failed; one that could not be set up does not count."""
        return next((p.test for p in self.phases if p.phase == "call" and p.outcome == "failed"), None)

    @property
    def passed(self) -> set[str]:
        """The tests whose bodies ran to their end."""
        return {p.test for p in self.phases if p.phase == "call" and p.outcome == "passed"}

    def seconds_of(self, test: str) -> float:
        """How long a test took, its fixtures included."""
        return sum(p.seconds for p in self.phases if p.test == test)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one guard: the test that noticed, or why there is none."""

    guard: Guard
    killed_by: str | None
    problem: str | None
    seconds: float


@dataclass(frozen=True, slots=True)
class Copy:
    """A copy of the tree, and the worker that runs tests in it."""

    root: Path
    worker: "subprocess.Popen[str]"

    def run(self, tests: Sequence[str], *options: str) -> Run:
        """Run tests in the copy as it is."""
        report, output = (self.root.with_name(f"{self.root.name}.{kind}") for kind in ("report", "output"))
        report.write_text("")
        request = {
            "arguments": [*OPTIONS, *options, *tests],
            "report": str(report),
            "output": str(output),
            "seconds": RUN_SECONDS + TEST_SECONDS * len(tests),
        }
        assert self.worker.stdin is not None
        assert self.worker.stdout is not None
        self.worker.stdin.write(json.dumps(request) + "\n")
        self.worker.stdin.flush()
        status = json.loads(self.worker.stdout.readline())
        lines = report.read_text(encoding="utf-8").splitlines()
        phases = tuple(Phase(**json.loads(line)) for line in lines)
        return Run(status, phases, output.read_text(encoding="utf-8", errors="replace"))

    @contextmanager
    def mutated(self, guard: Guard) -> Iterator[None]:
        """The copy without a guard, for the length of the block."""
        path = self.root / guard.file
        source, before = path.read_text(encoding="utf-8"), path.stat()
        path.write_text(source.replace(guard.old, guard.new), encoding="utf-8")
        # Byte code is valid for a size and a second: a second that no other version of the file has.
        os.utime(path, (time.time(), time.time() + 10_000))
        try:
            yield
        finally:
            path.write_text(source, encoding="utf-8")
            os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def judge(copy: Copy, guard: Guard) -> Verdict:
    """Run a guard's tests without it."""
    began = time.monotonic()
    with copy.mutated(guard):
        run = copy.run(guard.tests, "-x")
    problem = None
    if run.failed is None:
        ended = "stopped for its time" if run.status is None else f"pytest ended with {run.status}"
        problem = f"SURVIVED: no test failed ({ended})"
    return Verdict(guard, run.failed, problem, time.monotonic() - began)


def unmutated(copy: Copy, guards: Sequence[Guard]) -> tuple[dict[str, str], list[str]]:
    """Run all the guards' tests once. Returns a problem per guard that has one, and the slow tests."""
    tests = sorted({test for guard in guards for test in guard.tests})
    run = copy.run(tests)
    if not run.phases and tests:
        last = [line for line in run.output.splitlines() if line.startswith("ERROR")]
        problem = "; ".join(last) or run.output[-2000:]
        return {guard.id: f"its tests do not run unmutated: {problem}" for guard in guards}, []
    problems = {
        guard.id: f"does not pass unmutated: {test}"
        for guard in guards
        for test in guard.tests
        if not _passes(run, test)
    }
    took = {test: run.seconds_of(test) for test in sorted(run.passed)}
    return problems, [f"{test}: {seconds:.1f} s" for test, seconds in took.items() if seconds > TEST_SECONDS]


def _passes(run: Run, test: str) -> bool:
    """Whether a node id, or every case of it, passed."""
    mine = {p.test: p for p in run.phases if p.test == test or p.test.startswith((f"{test}[", f"{test}::"))}
    failed = {p.test for p in run.phases if p.outcome == "failed"}
    return bool(mine) and mine.keys() <= run.passed - failed


@contextmanager
def copies(root: Path, count: int, *, servers: bool = True) -> Iterator[list[Copy]]:
    """Copies of a tree, each with servers of its own."""
    with tempfile.TemporaryDirectory(prefix="kontor-mutate-") as folder, ExitStack() as stack:
        yield [stack.enter_context(copied(root, Path(folder) / f"tree-{n}", servers=servers)) for n in range(count)]


@contextmanager
def copied(root: Path, copy: Path, *, servers: bool) -> Iterator[Copy]:
    """One copy of a tree, with its worker and (unless no test needs any) servers."""
    shutil.copytree(root, copy, ignore=LEFT_OUT, symlinks=True)
    environ = {**os.environ, "PYTHONPATH": str(copy), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    command = [sys.executable, str(ROOT / "tests" / "mutate_worker.py")]
    with ExitStack() as stack:
        if servers:
            urls = stack.enter_context(shared_servers(copy.with_suffix(".servers"), "--scratch"))
            environ |= {"DATABASE_URL": urls.database_url, "REDIS_URL": urls.redis_url}
        pipe = subprocess.PIPE
        worker = subprocess.Popen(command, cwd=copy, env=environ, text=True, stdin=pipe, stdout=pipe)
        yield Copy(copy, stack.enter_context(worker))


def play(console: Console, guards: Sequence[Guard], places: Sequence[Copy]) -> list[Verdict]:
    """Judge guards, each in whichever copy is free."""
    shares = [guards[number :: len(places)] for number in range(len(places))]
    with ThreadPoolExecutor(len(places)) as pool:
        before = list(pool.map(unmutated, places, shares))
        problems = {name: problem for failures, _ in before for name, problem in failures.items()}
        for line in sorted(line for _, slow in before for line in slow):
            console.print(f"slow (limit {TEST_SECONDS:.0f} s): {line}", markup=False)
        free: Queue[Copy] = Queue()
        for place in places:
            free.put(place)

        def judged(guard: Guard) -> Verdict:
            if guard.id in problems:
                return Verdict(guard, None, problems[guard.id], 0.0)
            place = free.get()
            try:
                verdict = judge(place, guard)
            finally:
                free.put(place)
            outcome = f"killed by {verdict.killed_by}" if verdict.killed_by else verdict.problem
            style = None if verdict.killed_by else "red"
            console.print(f"{guard.id}: {outcome} ({verdict.seconds:.1f} s)", style=style, soft_wrap=True, markup=False)
            return verdict

        return list(pool.map(judged, guards))


def table_of(verdicts: Sequence[Verdict]) -> Table:
    """Guard, the test that noticed, seconds."""
    table = Table(title="Each guard removed, one at a time")
    table.add_column("guard", no_wrap=True)
    table.add_column("killed by", overflow="fold")
    table.add_column("seconds", justify="right")
    for verdict in verdicts:
        killer = verdict.killed_by.rpartition("/")[2] if verdict.killed_by else verdict.problem
        style = None if verdict.killed_by else "red"
        table.add_row(verdict.guard.id, Text(str(killer)), f"{verdict.seconds:.1f}", style=style)
    return table


def check(console: Console, root: Path, guards: Sequence[Guard], jobs: int, *, servers: bool = True) -> bool:
    """Judge guards, print the table; whether every one was killed."""
    wrong = {guard.id: reason for guard in guards if (reason := registry.misplaced(guard, root)) is not None}
    able = [guard for guard in guards if guard.id not in wrong]
    verdicts = [Verdict(guard, None, wrong[guard.id], 0.0) for guard in guards if guard.id in wrong]
    if able:
        with copies(root, min(jobs, len(able)), servers=servers) as places:
            verdicts += play(console, able, places)
    console.print(table_of(verdicts))
    left = [verdict.guard.id for verdict in verdicts if verdict.problem is not None]
    console.print(
        f"mutate: [red]{len(left)} of {len(guards)} guards are not held: {', '.join(left)}[/red]"
        if left else f"mutate: {len(guards)} guards, each held by a test"
    )  # fmt: skip
    return not left


def fits(console: Console, root: Path, guards: Sequence[Guard]) -> bool:
    """Print what does not match the tree: mutations that cannot be applied, tests that do not exist."""
    problems = [f"{guard.id}: {reason}" for guard in guards if (reason := registry.misplaced(guard, root)) is not None]
    problems += [f"{guard.id}: no test {test}" for guard in guards for test in registry.missing_tests(guard, root)]
    for problem in problems:
        console.print(problem, style="red", soft_wrap=True, markup=False)
    return not problems


def parsed(arguments: Sequence[str]) -> argparse.Namespace:
    """The options of `make mutate MUTATE="…"`."""
    parser = argparse.ArgumentParser(prog="make mutate", description=__doc__)
    parser.add_argument("--changed-since", metavar="REV", help="the guards of files that differ from REV")
    parser.add_argument("--sample", type=int, metavar="N", help="N further guards, chosen by the commit")
    parser.add_argument("--at-most", type=int, metavar="N", help="no more than N of all these")
    parser.add_argument("--only", nargs="+", default=[], metavar="ID", help="these guards alone")
    parser.add_argument(
        "--list", action="store_true", help="list the guards, what promises them, and what does not match the tree"
    )
    parser.add_argument("--jobs", type=int, default=2, help="how many at a time")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str], root: Path = ROOT) -> int:
    """Check what was asked for; 0 when every guard was killed."""
    options = parsed(arguments)
    console = Console(width=None if sys.stdout.isatty() else 140, highlight=False)
    try:
        guards = registry.parse((root / registry.FILE).read_text(encoding="utf-8"))
        revision = options.changed_since
        picked = registry.chosen(
            guards,
            only=options.only,
            touched=None if revision is None else registry.touched_since(root, revision),
            edited=() if revision is None else registry.edited_since(root, revision, guards),
            sample=options.sample,
            at_most=options.at_most,
            seed=registry.head(root),
        )
    except BadGuards as error:
        sys.stderr.write(f"{error}\n")
        return 2
    if options.list:
        for guard in picked:
            console.print(f"{guard.id} ({guard.file}): {guard.promise}", soft_wrap=True, markup=False)
        return 0 if fits(console, root, picked) else 1
    return 0 if check(console, root, picked, options.jobs) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
