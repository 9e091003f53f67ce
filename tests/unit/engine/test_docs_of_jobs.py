from pathlib import Path

from kontor.kernel.states import TRANSITIONS, AttemptOutcome, CrashPolicy, DeadReason, JobState

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "job-life-cycle.md"


def rows(header: str) -> list[list[str]]:
    """The cells of the table with this first header cell, without backquotes."""
    lines = iter(PAGE.read_text(encoding="utf-8").splitlines())
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


def test_every_job_state_is_documented() -> None:
    assert [row[0] for row in rows("state")] == [state.value for state in JobState]


def test_documented_transitions_equal_the_code() -> None:
    written = {(start, end) for start, end, _ in rows("from")}
    assert written == {(start.value, end.value) for start, ends in TRANSITIONS.items() for end in ends}
    assert len(rows("from")) == len(written)


def test_every_attempt_outcome_is_documented() -> None:
    assert {row[0] for row in rows("outcome")} == {outcome.value for outcome in AttemptOutcome}


def test_every_reason_of_death_is_documented() -> None:
    assert {row[0] for row in rows("reason")} == {reason.value for reason in DeadReason}


def test_every_crash_policy_is_documented() -> None:
    assert {row[0] for row in rows("policy")} == {policy.value for policy in CrashPolicy}
