"""What a row of the bench found, and how it stands to its budget."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median, quantiles


@dataclass(frozen=True, slots=True)
class Budget:
    """A bound of engine.md section 5. Only ratios decide the exit status; the rest is reported."""

    bound: float
    at_least: bool = True
    decides: bool = True

    def met_by(self, value: float) -> bool:
        """Whether the value keeps it."""
        return value >= self.bound if self.at_least else value <= self.bound

    def __str__(self) -> str:
        return f"{'>=' if self.at_least else '<='} {self.bound:,g}"


@dataclass(frozen=True, slots=True)
class Figure:
    """One number with the samples it is the median (or percentile) of."""

    name: str
    value: float
    unit: str
    budget: Budget | None = None
    samples: Sequence[float] = ()
    note: str = ""

    @property
    def missed(self) -> bool:
        """Whether a budget that decides is broken."""
        return self.over and self.budget is not None and self.budget.decides

    @property
    def over(self) -> bool:
        """Whether a budget is broken, deciding or not."""
        return self.budget is not None and not self.budget.met_by(self.value)


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the table. `problems` are failures of correctness, and decide as well."""

    key: str
    title: str
    figures: Sequence[Figure]
    problems: Sequence[str] = ()
    profile: Sequence[str] = field(default=())

    @property
    def missed(self) -> bool:
        """Whether this row fails the run."""
        return bool(self.problems) or any(figure.missed for figure in self.figures)


def of_samples(name: str, samples: Sequence[float], unit: str, budget: Budget | None = None, note: str = "") -> Figure:
    """The median of samples."""
    return Figure(name, median(samples) if samples else 0.0, unit, budget, tuple(samples), note)


def ratios(mine: Sequence[float], *theirs: Sequence[float]) -> list[float]:
    """Mine over the best of theirs, round by round."""
    return [rate / max(others) for rate, *others in zip(mine, *theirs, strict=True) if max(others) > 0]


def percentile(samples: Sequence[float], percent: int) -> float:
    """The value that `percent` of the samples do not exceed."""
    return quantiles(samples, n=100, method="inclusive")[percent - 1]
