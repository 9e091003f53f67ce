"""Usage for reports in any order: the rule of kontor.usage.rules, stored per day."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from kontor.kernel.errors import Conflict, Invalid
from kontor.kernel.periods import Period, calendar_month
from kontor.kernel.states import ReportKind
from kontor.kernel.zones import day_start, local_day
from kontor.usage import queries as usage_queries
from kontor.usage.queries import UsageQuery, UsageReportValues
from kontor.usage.rules import ReportedUsage, usage_in_period
from tests.support.trials import EXAMPLE, TrialScenario

PARIS = ZoneInfo("Europe/Paris")
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
MIDNIGHT = datetime(2026, 3, 1, tzinfo=PARIS)


def used(world: TrialScenario) -> int:
    return world.shown().usage["appointments"].value


def test_newest_level_counts_regardless_of_arrival(world: TrialScenario) -> None:
    now = world.clock.now()
    world.report("value", 40, at=now - HOUR)
    world.report("value", 30, at=now - 2 * HOUR)
    assert used(world) == 40
    world.report("value", 35, at=now - HOUR)
    assert used(world) == 35


def test_report_with_a_known_id_changes_nothing(world: TrialScenario) -> None:
    assert world.report("delta", 3, report_id="a").repeated is False
    again = world.report("delta", 40, report_id="a")
    assert (again.repeated, again.value) == (True, 3)
    other = world.another("Barbier", "bob@barbier.example")
    assert world.report("delta", 5, report_id="a", account_id=other).value == 5


def test_late_delta_counts_in_the_month_of_its_instant_in_the_programme_time_zone(world: TrialScenario) -> None:
    world.report("delta", 7, at=MIDNIGHT - timedelta(seconds=1))
    world.report("delta", 4, at=MIDNIGHT)
    world.report("delta", 5)
    assert used(world) == 9
    world.set(datetime(2026, 4, 1, tzinfo=PARIS))
    assert used(world) == 0


def test_level_carries_over_to_the_next_month_and_deltas_do_not(world: TrialScenario) -> None:
    world.report("value", 20)
    world.report("delta", 2, at=world.clock.now() - HOUR)
    world.report("delta", 3, at=world.clock.now() + HOUR)
    assert used(world) == 23
    world.set(datetime(2026, 4, 1, tzinfo=PARIS))
    assert used(world) == 20


@pytest.mark.parametrize(
    ("field", "change"),
    [
        ("metric", {"metric": "seats"}),
        ("at", {"at": timedelta(hours=1, seconds=1)}),
        ("value", {"kind": "value", "amount": -1}),
        ("delta", {"amount": 10**13}),
        ("report_id", {"report_id": ""}),
        ("report_id", {"report_id": "x" * 256}),
    ],
)
def test_invalid_report_is_refused_with_its_field(world: TrialScenario, field: str, change: dict[str, object]) -> None:
    from kontor.usage.service import NewUsageReport, validate_report

    fields = {"metric": "appointments", "kind": "delta", "amount": 1, "at": timedelta(0), "report_id": None} | change
    at = world.clock.now() + fields.pop("at")  # type: ignore[operator]  # a timedelta
    kind = ReportKind(str(fields.pop("kind")))
    with world.transaction() as session:
        programme = world.ctx.programmes.current(session, "booking")
        with pytest.raises(Invalid) as refused:
            validate_report(NewUsageReport(kind=kind, at=at, **fields), programme, world.clock.now())  # type: ignore[arg-type]  # cases
    assert [error.loc for error in refused.value.errors] == [field]


def test_deleted_account_accepts_no_reports(world: TrialScenario) -> None:
    world.delete()
    with pytest.raises(Conflict) as refused:
        world.report("delta", 1)
    assert refused.value.code == "account_deleted"


def test_paid_plan_counts_in_its_own_period_when_the_programme_says_so(world: TrialScenario) -> None:
    from kontor.kernel.ids import new_id
    from models.fees import FeeRun

    world.apply(EXAMPLE.read_text().replace("period: calendar_month", "period: paid_period"))
    world.report("delta", 4, at=MIDNIGHT - DAY)
    world.report("delta", 5, at=MIDNIGHT)
    assert used(world) == 5
    with world.transaction() as session:
        anchor = date(2026, 1, 31)
        run = FeeRun(
            id=new_id(),
            programme="booking",
            account_id=world.client,
            kind="plan",
            code="basic",
            anchor=anchor,
            since=anchor,
            next_start=date(2026, 3, 31),
            created_at=world.clock.now(),
        )
        session.add(run)
    assert used(world) == 9
    world.set(datetime(2026, 3, 30, 23, 59, tzinfo=PARIS))
    assert used(world) == 9
    world.set(datetime(2026, 3, 31, tzinfo=PARIS))
    assert used(world) == 0


instants = st.integers(-50, 100).map(lambda hours: MIDNIGHT.astimezone(UTC) + timedelta(hours=11 * hours))
reports = st.lists(
    st.tuples(st.sampled_from(ReportKind), st.integers(0, 100), instants, st.none() | st.sampled_from(["a", "b", "c"])),
    max_size=25,
)


@given(reports=reports, asked=instants, span=st.none() | st.tuples(st.integers(0, 40), st.integers(1, 40)))
@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
def test_stored_days_equal_the_rule_for_reports_in_any_order(
    world: TrialScenario,
    reports: list[tuple[ReportKind, int, datetime, str | None]],
    asked: datetime,
    span: tuple[int, int] | None,
) -> None:
    first = local_day(MIDNIGHT, PARIS)
    period = calendar_month(asked, PARIS)
    if span is not None:
        period = Period(first + span[0] * DAY, first + (span[0] + span[1]) * DAY)
    with Session(world.engine) as session:
        stored = [keep(session, world, number, entry) for number, entry in enumerate(reports)]
        values = usage_queries.read_usage(session, [UsageQuery(world.client, "appointments", period.start, period.end)])
        session.rollback()

    assert values[world.client, "appointments"].value == usage_in_period(stored, *period.instants(PARIS))


def keep(
    session: Session, world: TrialScenario, number: int, entry: tuple[ReportKind, int, datetime, str | None]
) -> ReportedUsage:
    kind, amount, at, report_id = entry
    day = local_day(at, PARIS)
    ends = day_start(day + DAY, PARIS)
    new = UsageReportValues(
        world.client, "appointments", kind.value, amount, at, day, ends, report_id, world.clock.now()
    )
    usage_queries.add(session, new)
    return ReportedUsage(kind, amount, at, number, report_id)
