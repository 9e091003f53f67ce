"""The table of docs/reference/limits.md is that of the code, and the defaults are those of the specification."""

from devtools.source import ROOT
from kontor.kernel.limits import LIMITS, Limit, spoken

PAGE = ROOT / "docs" / "reference" / "limits.md"


def row(limit: Limit) -> str:
    window = "at once" if limit.window is None else spoken(limit.window)
    owner = "fixed" if limit.fixed else "all only" if limit.owner is None else limit.owner.value
    cells = (f"`{limit.name}`", f"{limit.default:,}", limit.counts.value, window, limit.beyond.value, owner)
    return f"| {' | '.join(cells)} |"


def test_page_has_the_limits_of_the_code_in_their_order() -> None:
    rows = [line for line in PAGE.read_text().splitlines() if line.startswith("| `") and line.count("|") == 7]
    assert rows == [row(limit) for limit in LIMITS]
