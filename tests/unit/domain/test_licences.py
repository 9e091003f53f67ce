from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from kontor.kernel.states import LineMode
from kontor.licences.rules import (
    Balance,
    CountChange,
    LicenceGrant,
    OfferLine,
    apply_lines,
    balances,
    ending_reminder_at,
    licence_count,
    next_end,
    preview_changes,
    resulting_grants,
)

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")
EXCEL, DATA = "excel-basics", "data-protection"


def absolute(count: int, product: str = EXCEL, term: str = "P1Y") -> OfferLine:
    return OfferLine(product, count, LineMode.ABSOLUTE, term)


def relative(count: int, product: str = EXCEL, term: str = "P1Y") -> OfferLine:
    return OfferLine(product, count, LineMode.RELATIVE, term)


def running(count: int, product: str = EXCEL, days: int = 100) -> LicenceGrant:
    return LicenceGrant(product, count, NOW - timedelta(days=10), NOW + timedelta(days=days))


def test_relative_licences_are_added() -> None:
    grants = (running(10),)
    done = apply_lines(grants, [relative(5)], NOW, BERLIN)

    assert done.ended == ()
    assert licence_count(resulting_grants(grants, done, NOW), EXCEL, NOW) == 15


def test_absolute_licences_replace_all_running_grants_of_the_product() -> None:
    grants = (running(10), running(4), running(7, DATA))
    done = apply_lines(grants, [absolute(3)], NOW, BERLIN)

    assert done.ended == grants[:2]
    then = resulting_grants(grants, done, NOW)
    assert (licence_count(then, EXCEL, NOW), licence_count(then, DATA, NOW)) == (3, 7)


def test_grant_stops_counting_at_its_end() -> None:
    grant = running(10)

    assert licence_count([grant], EXCEL, grant.ends_at - timedelta(microseconds=1)) == 10
    assert licence_count([grant], EXCEL, grant.ends_at) == 0


def test_product_expires_at_the_next_end_of_its_running_grants() -> None:
    grants = (running(10, days=100), running(5, days=40), running(2, days=-1), running(1, DATA, 9))

    assert balances(grants, NOW) == (
        Balance(DATA, 1, NOW + timedelta(days=9)),
        Balance(EXCEL, 15, NOW + timedelta(days=40)),
    )
    assert next_end(grants, "unknown", NOW) is None


def test_preview_shows_the_change_before_accepting() -> None:
    (change,) = preview_changes([running(10)], [relative(5)], NOW, BERLIN)

    assert change == CountChange(EXCEL, 10, 15)
    assert str(change) == "10 licences -> 15 (+5)"
    assert str(CountChange(EXCEL, 1, 0)) == "1 licence -> 0 (-1)"
    assert str(CountChange(EXCEL, 3, 3)) == "3 licences -> 3 (+0)"


def test_lines_of_one_product_are_applied_in_order() -> None:
    assert preview_changes([running(10)], [absolute(4), relative(5)], NOW, BERLIN) == (CountChange(EXCEL, 10, 9),)
    assert preview_changes([running(10)], [relative(5), absolute(4)], NOW, BERLIN) == (CountChange(EXCEL, 10, 4),)


def test_one_grant_is_written_per_line() -> None:
    done = apply_lines([], [relative(5), absolute(4), relative(1, DATA)], NOW, BERLIN)

    assert [grant.count for grant in done.added] == [5, 4, 1]
    assert done.added[0].ends_at == NOW


def test_line_whose_last_day_has_passed_grants_nothing() -> None:
    assert preview_changes([running(10)], [relative(5, term="2026-02-27")], NOW, BERLIN) == (
        CountChange(EXCEL, 10, 10),
    )


def test_end_is_announced_14_days_before_unless_the_grant_is_shorter() -> None:
    long, short = (
        LicenceGrant(EXCEL, 1, NOW, NOW + timedelta(days=30)),
        LicenceGrant(EXCEL, 1, NOW, NOW + timedelta(days=7)),
    )

    assert ending_reminder_at(long) == NOW + timedelta(days=16)
    assert ending_reminder_at(short) is None
    assert ending_reminder_at(LicenceGrant(EXCEL, 1, NOW, NOW + timedelta(days=14))) is None


lines_of_any_kind = st.builds(
    OfferLine,
    st.sampled_from([EXCEL, DATA]),
    st.integers(1, 100),
    st.sampled_from(LineMode),
    st.sampled_from(["P1Y", "P6M", "P30D", "2030-12-31", "2020-01-01"]),
)
grants_of_any_age = st.lists(
    st.builds(running, st.integers(1, 100), st.sampled_from([EXCEL, DATA]), st.integers(-9, 900)), max_size=6
)


@given(grants_of_any_age, st.lists(lines_of_any_kind, max_size=6))
def test_preview_equals_the_written_grants(grants: list[LicenceGrant], offered: list[OfferLine]) -> None:
    then = resulting_grants(grants, apply_lines(grants, offered, NOW, BERLIN), NOW)

    for change in preview_changes(grants, offered, NOW, BERLIN):
        assert licence_count(then, change.product, NOW) == change.then
        assert licence_count(grants, change.product, NOW) == change.now


@given(grants_of_any_age, st.lists(lines_of_any_kind, max_size=6))
def test_total_equals_a_simple_count(grants: list[LicenceGrant], offered: list[OfferLine]) -> None:
    counts = {code: sum(g.count for g in grants if g.product == code and g.ends_at > NOW) for code in (EXCEL, DATA)}
    for line in offered:
        usable = 0 if line.term == "2020-01-01" else line.count
        counts[line.product] = usable + (counts[line.product] if line.mode is LineMode.RELATIVE else 0)

    then = resulting_grants(grants, apply_lines(grants, offered, NOW, BERLIN), NOW)
    assert {code: licence_count(then, code, NOW) for code in counts} == counts
