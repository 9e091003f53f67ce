"""Figures of the bench and their budgets."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median, quantiles


@dataclass(frozen=True, slots=True)
class Budget:
    """A limit of engine.md section 5. Only ratios decide the exit status; the others are reported."""

    bound: float
    at_least: bool = True
    decides: bool = True

    def met_by(self, value: float) -> bool:
        """Whether a value is within the budget."""
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
        """Whether a deciding budget is missed."""
        return self.over and self.budget is not None and self.budget.decides

    @property
    def over(self) -> bool:
        """Whether a budget is missed, deciding or not."""
        return self.budget is not None and not self.budget.met_by(self.value)


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the table. `problems` are failures of correctness and fail the run too."""

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
    """Return the median of samples as a figure."""
    return Figure(name, median(samples) if samples else 0.0, unit, budget, tuple(samples), note)


def ratios(mine: Sequence[float], *theirs: Sequence[float]) -> list[float]:
    """Return the ratio to the best other rate of each round."""
    return [rate / max(others) for rate, *others in zip(mine, *theirs, strict=True) if max(others) > 0]


def percentile(samples: Sequence[float], percent: int) -> float:
    """Return a percentile of the samples."""
    return quantiles(samples, n=100, method="inclusive")[percent - 1]
