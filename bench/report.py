"""The results as a table and as JSON."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.results import Figure, Row


def table(rows: Sequence[Row]) -> Table:
    """Return all figures with budget and spread."""
    shown = Table(title="Kontor bench", title_justify="left", show_lines=False)
    for name, justify in (("figure", "left"), ("median", "right"), ("min - max", "right"), ("budget", "right")):
        shown.add_column(name, justify=justify)  # type: ignore[arg-type]  # rich's own literals
    shown.add_column("", justify="left")
    for row in rows:
        shown.add_row(f"[bold]{row.title}", "", "", "", "")
        for figure in row.figures:
            shown.add_row(f"  {figure.name}", number(figure.value, figure.unit), spread(figure), *verdict(figure))
        for problem in row.problems:
            shown.add_row(f"  [red]{problem}", "", "", "", "[red]FAILED")
        shown.add_section()
    return shown


def verdict(figure: Figure) -> tuple[str, str]:
    """Return the budget and the verdict."""
    if figure.budget is None:
        return "", figure.note
    words = "[green]ok" if not figure.over else "[red]MISSED" if figure.missed else "[yellow]over (reported only)"
    return str(figure.budget), f"{words}[/] {figure.note}".strip()


def number(value: float, unit: str) -> str:
    """Format with three significant digits, or with separated thousands."""
    digits = f"{value:,.0f}" if value >= 1_000 else f"{value:,.1f}" if value >= 100 else f"{value:.2f}"
    return f"{digits} {unit}"


def spread(figure: Figure) -> str:
    """Return the smallest and the largest sample."""
    if len(figure.samples) < 2:
        return ""
    return f"{number(min(figure.samples), '').strip()} - {number(max(figure.samples), '').strip()}"


def show(console: Console, versions: Mapping[str, str], rows: Sequence[Row]) -> None:
    """Print versions and settings, the table, and the profile of each row that missed its budget."""
    console.print("  ".join(f"{name} {value}" for name, value in versions.items()))
    console.print(table(rows))
    for row in rows:
        if row.profile:
            console.print(f"[bold]Why {row.key} missed")
            for line in row.profile:
                console.print(f"  {line}", markup=False, highlight=False)


def document(versions: Mapping[str, str], rows: Sequence[Row]) -> dict[str, Any]:
    """Return the results as a JSON document."""
    return {
        "versions": dict(versions),
        "met": not any(row.missed for row in rows),
        "rows": [{**asdict(row), "missed": row.missed} for row in rows],
    }
