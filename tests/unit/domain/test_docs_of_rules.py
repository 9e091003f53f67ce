import re
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from kontor.engine.cron import occurrences
from kontor.kernel.terms import parse_term, term_end
from kontor.kernel.zones import localize
from kontor.offers.rules import CANCEL_REASONS, TRANSITIONS
from kontor.provisioning import rules as services

SECOND = timedelta(seconds=1)
REFERENCE = Path(__file__).parents[3] / "docs" / "reference"


def rows(page: str, header: str) -> list[list[str]]:
    """The cells of the table with this first header cell on a page, without backquotes."""
    lines = iter((REFERENCE / page).read_text(encoding="utf-8").splitlines())
    for line in lines:
        if line.startswith(f"| {header} |"):
            next(lines)
            break
    cells = []
    for line in lines:
        if not line.startswith("|"):
            break
        cells.append([cell.strip().strip("`") for cell in line.strip("|").split("|")])
    return cells


def test_documented_transitions_equal_the_code() -> None:
    written = {(start, event): end for start, event, end in rows("rules-offers.md", "from")}

    assert written == {
        (start.value if start else "(new)", event.value): end.value for (start, event), end in TRANSITIONS.items()
    }
    page = (REFERENCE / "rules-offers.md").read_text(encoding="utf-8")
    assert all(f"`{reason.value}`" in page for reason in CANCEL_REASONS.values())


def test_documented_states_and_verbs_of_services_equal_the_code() -> None:
    arrows = {(start, end) for start, end, _ in rows("services.md", "from")}
    assert arrows == {
        (start.value if start else "(new)", end.value) for start, ends in services.ARROWS.items() for end in ends
    }
    verbs = {verb: states.replace("`", "").split(", ") for verb, states in rows("services.md", "verb")}
    assert verbs == {verb.value: sorted(states) for verb, states in services.ALLOWED.items()}


def test_documented_terms_are_correct() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    for start, term, end in rows("rules-offers.md", "accepted (Europe/Berlin)"):
        accepted = localize(datetime.fromisoformat(start), berlin)
        assert f"{term_end(accepted, parse_term(term), berlin).astimezone(berlin):%Y-%m-%d %H:%M}" == end


def test_documented_schedules_are_correct() -> None:
    for name, day, cron, local in rows("rules-schedules.md", "zone"):
        tz = ZoneInfo(name)
        start, end = (localize(datetime.fromisoformat(f"{day}T{time}"), tz) for time in ("00:00", "23:59"))
        times = [f"{occurrence.due.astimezone(tz):%H:%M}" for occurrence in occurrences(cron, tz, start - SECOND, end)]
        expected = re.findall(r"\d\d:\d\d", local)
        assert times[: len(expected)] == expected
        assert len(times) == len(expected) or local.endswith("…")
