"""Rows 1 and 2: the speed of draining a backlog, compared with the peers."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from subprocess import Popen

from bench.contenders import PEERS, Contender, Peer
from bench.drain import drain
from bench.effects import Drained
from bench.kontor import ALONE, BY_SESSION, EXTERNAL, SHARED, VARIANTS, Kontor, make_schema
from bench.observation import Observation
from bench.processes import Failed
from bench.results import Budget, Figure, Row, of_samples, ratios
from bench.run import Run

TUNED_ROUNDS = 3
PREFETCHING = "dramatiq-prefetch-100"
Samples = Mapping[str, Sequence[Drained]]


def measure(run: Run) -> Row:
    """Measure each contender once per round, in rotating order."""
    contenders: list[Contender] = [*VARIANTS, *BY_SESSION, *PEERS]
    samples: dict[str, list[Drained]] = defaultdict(list)
    problems: list[str] = []
    make_schema(run.environment)
    with run.steps("drain", run.rounds * len(contenders)) as step:
        for peer in PEERS:
            peer.prepare(run.environment)
        for number in range(run.rounds):
            turn = number % len(contenders)
            for contender in contenders[turn:] + contenders[:turn]:
                step(f"round {number + 1}: {contender.name}")
                if takes_part(contender, number, quick=run.quick):
                    samples[contender.name].append(attempt(run, contender, problems))
    problems += inexact(samples)
    rates = figures(samples)
    missed = [variant for variant, figure in zip(VARIANTS, rates, strict=False) if figure.missed]
    profile = [line for variant in missed for line in why(run, variant)]
    return Row("drain", "Drain: one INSERT per job, exactly once, 2 worker processes", rates, problems, profile)


def why(run: Run, variant: Kontor) -> list[str]:
    """Profile one more drain of a variant that missed its budget."""
    observation = Observation(run.environment, variant.database)
    roles = ("relay", "worker 1", "worker 2")

    def watch(processes: "Sequence[Popen[bytes]]") -> None:
        pids = {role: process.pid for role, process in zip(roles, processes, strict=True)}
        observation.start({role: pids[role] for role in roles[:2]})

    try:
        drain(run.environment, variant, variant.jobs * 2, watch)
    except Failed as failed:
        return [f"{variant.name}: {failed}"]
    return [f"== {variant.name} ==", *observation.lines()]


def takes_part(contender: Contender, number: int, *, quick: bool) -> bool:
    """Tuned variants of peers are for scale: they sit out after a few rounds, and when time is short."""
    tuned = isinstance(contender, Peer) and not contender.default
    if quick or not tuned:
        return not tuned
    return contender.name == PREFETCHING or number < TUNED_ROUNDS


def attempt(run: Run, contender: Contender, problems: list[str]) -> Drained:
    """One drain; a failure is a problem of the run, not its end."""
    jobs = contender.jobs // (3 if run.quick else 1)
    try:
        return drain(run.environment, contender, jobs)
    except Failed as failed:
        problems.append(str(failed))
        return Drained(jobs, 0, 0, 0, 0.0)


def inexact(samples: Samples) -> list[str]:
    """Return the problems: Kontor must have each effect exactly once; doubled effects of peers are only reported."""
    return [
        f"{name}: {run.effects} effects of {run.jobs} jobs, {run.doubled} doubled"
        for name, runs in samples.items()
        for run in runs
        if not run.exact and run.effects and name.startswith("kontor")
    ]


def figures(samples: Samples) -> list[Figure]:
    """Return the budgeted ratios, then all rates."""
    rates = {name: [run.rate for run in runs] for name, runs in samples.items()}
    defaults = {peer.name: rates[peer.name] for peer in PEERS if peer.default}
    fastest = max(defaults, key=lambda name: sum(defaults[name]))
    best, dramatiq = list(defaults.values()), rates["dramatiq"]
    note = f"fastest over all rounds: {fastest}"
    return [
        of_samples("shared commit / fastest peer", ratios(rates[SHARED.name], *best), "x", Budget(2.0), note),
        of_samples("no shared commit / fastest peer", ratios(rates[ALONE.name], *best), "x", Budget(0.9)),
        of_samples("external no-op / dramatiq", ratios(rates[EXTERNAL.name], dramatiq), "x", Budget(1.0)),
        *tuned(rates),
        *(of_samples(name, rates[name], "jobs/s", note=note_on(runs)) for name, runs in samples.items()),
    ]


def tuned(rates: Mapping[str, Sequence[float]]) -> list[Figure]:
    """How Kontor stands to dramatiq with the prefetch that engine.md quotes, where that was measured."""
    if PREFETCHING not in rates:
        return []
    return [of_samples(f"shared commit / {PREFETCHING}", ratios(rates[SHARED.name], rates[PREFETCHING]), "x")]


def note_on(runs: Sequence[Drained]) -> str:
    """Return the note on a contender's runs."""
    doubled = sum(run.doubled for run in runs)
    lost = sum(run.jobs - run.effects for run in runs)
    words = [f"{max(run.processes for run in runs)} processes"]
    words += [f"{doubled} doubled"] if doubled else []
    words += [f"{lost} missing"] if lost else []
    return ", ".join(words)
