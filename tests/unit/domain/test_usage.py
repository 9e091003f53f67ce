from datetime import UTC, datetime, timedelta
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from kontor.kernel.states import ReportKind
from kontor.usage.rules import ReportedUsage, deduplicate, usage_in_period

START = datetime(2026, 3, 1, tzinfo=UTC)
END = datetime(2026, 4, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)


def level(amount: int, at: datetime, sequence: int, report_id: str | None = None) -> ReportedUsage:
    return ReportedUsage(ReportKind.VALUE, amount, at, sequence, report_id)


def delta(amount: int, at: datetime, sequence: int, report_id: str | None = None) -> ReportedUsage:
    return ReportedUsage(ReportKind.DELTA, amount, at, sequence, report_id)


def test_newest_level_counts_regardless_of_arrival() -> None:
    assert usage_in_period([level(40, START + 2 * HOUR, 1), level(30, START + HOUR, 2)], START, END) == 40


def test_later_arrival_counts_at_the_same_instant() -> None:
    assert usage_in_period([level(40, START, 1), level(30, START, 2)], START, END) == 30


def test_deltas_count_in_the_period_of_their_instant() -> None:
    reports = [delta(3, START, 1), delta(4, START - HOUR, 2), delta(5, END, 3), delta(-1, END - HOUR, 4)]

    assert usage_in_period(reports, START, END) == 2


def test_level_carries_over_and_deltas_do_not() -> None:
    assert usage_in_period([level(40, START - HOUR, 1), delta(2, START - HOUR / 2, 2)], START, END) == 40


def test_level_includes_earlier_deltas() -> None:
    reports = [delta(3, START, 1), level(10, START + HOUR, 2), delta(2, START + 2 * HOUR, 3)]

    assert usage_in_period(reports, START, END) == 12


def test_report_with_a_known_id_changes_nothing() -> None:
    reports = [delta(3, START, 1, "a"), delta(3, START, 2, "a"), delta(9, START, 3, "a"), delta(1, START, 4)]

    assert usage_in_period(reports, START, END) == 4
    assert [report.sequence for report in deduplicate(reports)] == [1, 4]


reports = st.lists(
    st.builds(
        ReportedUsage,
        st.sampled_from(ReportKind),
        st.integers(0, 100),
        st.integers(-3, 34).map(lambda day: START + timedelta(days=day)),
        st.integers(1, 10**6),
        st.none() | st.sampled_from("abc"),
    ),
    max_size=12,
    unique_by=lambda report: report.sequence,
)


@given(reports, st.randoms())
def test_order_of_reports_does_not_matter(original: list[ReportedUsage], random: Random) -> None:
    shuffled = list(original)
    random.shuffle(shuffled)

    assert usage_in_period(shuffled, START, END) == usage_in_period(original, START, END)
