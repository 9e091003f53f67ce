"""The parameters of a run, shared by all rows, and its progress bars."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from bench.environment import BenchEnvironment

Step = Callable[[str], None]
"""Shows the next step and counts it."""


@dataclass(frozen=True, slots=True)
class Run:
    """Extent of the measurement, environment and progress bars."""

    environment: BenchEnvironment
    rounds: int
    quick: bool
    progress: Progress

    def share(self, full: int, quick: int) -> int:
        """Return `full`, or `quick` for a quick run."""
        return quick if self.quick else full

    @contextmanager
    def steps(self, title: str, total: int) -> Iterator[Step]:
        """Show a progress bar of `total` steps."""
        task = self.progress.add_task(title, total=total, doing="")

        def step(doing: str) -> None:
            self.progress.update(task, doing=doing, advance=1 if begun else 0)
            begun.append(doing)

        begun: list[str] = []
        yield step
        self.progress.update(task, completed=total, doing="done")


def bars() -> Progress:
    """Return progress bars on stderr; stdout holds only the result."""
    from rich.console import Console

    return Progress(
        TextColumn("{task.description:<28}"),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[doing]}"),
        console=Console(stderr=True),
    )
