"""The oracle against the worked examples of the specification."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.oracle.days import months_later, period_around, wall_instant
from tests.oracle.fees import Plans, Running
from tests.oracle.licences import Granted, accept, end_of, held
from tests.oracle.oracle import Oracle
from tests.oracle.rules import Rules, read_rules
from tests.oracle.trials import begin, reminders
from tests.oracle.turnover import Paid, keep_with, order, percents, turnover
from tests.oracle.usage import Meter, Reported, reached
from tests.oracle.versions import Versions

EXAMPLES = Path(__file__).parents[2] / "examples" / "programmes"
BERLIN = ZoneInfo("Europe/Berlin")


def hosting() -> Rules:
    return read_rules(EXAMPLES / "hosting.yaml")


def paid(*lines: str) -> list[Paid]:
    """Parse payments such as `2026-01-05 52000`."""
    return [Paid(date.fromisoformat(line.split()[0]), Decimal(line.split()[1])) for line in lines]


@pytest.mark.parametrize(
    ("ledger", "day", "amount", "shown"),
    [
        (paid("2026-01-05 52000"), "2026-01-20", "52000", "19 7 3"),
        (paid("2026-01-05 52000", "2026-01-21 50000"), "2026-01-21", "102000", "21 8 5"),
        (paid("2025-12-20 3000", "2026-01-05 49000"), "2026-01-20", "52000", "19 7 3"),
        (paid("2025-12-20 3000", "2026-01-05 49000"), "2026-01-21", "49000", "17 6 3"),
        (paid("2025-12-20 3000", "2026-01-05 49000", "2026-01-21 50000"), "2026-01-21", "99000", "19 7 3"),
        (paid("2025-12-20 3000", "2026-01-05 49000", "2026-01-21 51000"), "2026-01-21", "100000", "21 8 5"),
        (paid("2026-01-21 2999.99"), "2026-01-21", "2999.99", "3 1 1"),
        (paid("2026-01-21 149500"), "2026-01-21", "149500", "21 8 5"),
        (paid("2026-01-21 499.99"), "2026-01-21", "499.99", "0 0 0"),
        (paid("2026-01-05 500", "2026-01-06 -700"), "2026-01-20", "-200", "0 0 0"),
    ],
)
def test_worked_examples_of_section_six(ledger: list[Paid], day: str, amount: str, shown: str) -> None:
    on = date.fromisoformat(day)

    assert turnover(ledger, on) == Decimal(amount)
    assert " ".join(str(percent) for percent in percents(hosting(), ledger, on).values()) == shown


def test_day_31_looks_back_to_the_end_of_february() -> None:
    assert months_later(date(2026, 3, 31), -1) == date(2026, 2, 28)
    assert months_later(date(2028, 3, 31), -1) == date(2028, 2, 29)
    assert months_later(date(2026, 1, 1), -1) == date(2025, 12, 1)


def test_amount_that_keeps_a_tier_is_what_tomorrow_lacks() -> None:
    ledger = paid("2025-12-20 3000", "2026-01-05 49000")

    assert keep_with(hosting(), ledger, date(2026, 1, 20)) == Decimal(1000)
    assert keep_with(hosting(), ledger, date(2026, 1, 19)) is None


def test_turnover_discount_suppresses_a_promo_code() -> None:
    day, rich = date(2026, 1, 20), paid("2026-01-05 52000")

    alone = order(hosting(), [], day, "vps-small", 1, "welcome10")
    shut_out = order(hosting(), rich, day, "vps-small", 1, "welcome10")

    assert (alone.percent, alone.net, alone.suppressed) == (Decimal(10), Decimal("351.00"), frozenset())
    assert (shut_out.percent, shut_out.net, shut_out.suppressed) == (
        Decimal(19), Decimal("315.90"), frozenset({"WELCOME10"})
    )  # fmt: skip


def test_periods_keep_the_anchor_over_a_leap_year() -> None:
    anchor = date(2027, 12, 31)
    firsts = [months_later(anchor, number) for number in range(5)]

    assert [str(day) for day in firsts] == ["2027-12-31", "2028-01-31", "2028-02-29", "2028-03-31", "2028-04-30"]
    assert period_around(anchor, date(2028, 3, 30)) == (date(2028, 2, 29), date(2028, 3, 31))
    assert Running("a", "plan", "basic", anchor, anchor).begins_a_period(date(2028, 2, 29))


def test_upgrade_begins_at_once_and_a_downgrade_at_the_end_of_the_period() -> None:
    basic, premium = Decimal(19), Decimal(49)
    plans = Plans()

    assert plans.take("a", "basic", basic, None, date(2026, 1, 31))
    assert plans.take("a", "premium", premium, basic, date(2026, 2, 10))
    assert not plans.take("a", "basic", basic, premium, date(2026, 2, 20))

    before, after = plans.on(date(2026, 3, 9)), plans.on(date(2026, 3, 10))
    assert before is not None
    assert after is not None
    assert (before.code, after.code, after.anchor) == ("premium", "basic", date(2026, 2, 10))


def test_first_instant_replaces_the_period_and_keeps_the_anchor() -> None:
    plans = Plans()
    plans.take("a", "premium", Decimal(49), None, date(2026, 1, 31))

    assert plans.take("a", "basic", Decimal(19), Decimal(49), date(2026, 2, 28), first_instant=True)
    assert plans.current == Running("a", "plan", "basic", date(2026, 1, 31), date(2026, 2, 28))


def test_trial_is_seven_times_24_hours_over_a_clock_change() -> None:
    start = datetime(2026, 3, 22, 12, tzinfo=BERLIN)
    trial = begin(7, start)

    assert trial.ends - start == timedelta(hours=168)
    assert [trial.state(trial.ends - timedelta(seconds=1)), trial.state(trial.ends)] == ["running", "expired"]
    assert reminders(trial, (3, 1)) == [trial.ends - timedelta(days=3), trial.ends - timedelta(days=1)]
    assert reminders(begin(5, start), (3, 1)) == [start + timedelta(hours=96)]


@pytest.mark.parametrize(
    ("value", "limit", "said"),
    [
        (39, 50, None),
        (40, 50, "warning"),
        (50, 50, "reached"),
        (51, 50, "exceeded"),
        (1, 0, "exceeded"),
        (9, None, None),
    ],
)
def test_limit_of_50_is_exceeded_by_the_51st(value: int, limit: int | None, said: str | None) -> None:
    assert reached(value, limit, Decimal(80)) == said


def test_last_level_counts_and_carries_over() -> None:
    meter = Meter()
    at = datetime(2026, 1, 20, tzinfo=UTC)
    january, february = (date(2026, 1, 1), date(2026, 2, 1)), (date(2026, 2, 1), date(2026, 3, 1))

    assert meter.take(Reported(True, 30, at), "one")
    assert not meter.take(Reported(True, 99, at), "one")
    assert meter.take(Reported(True, 10, at - timedelta(days=1)), None)
    assert meter.take(Reported(False, 5, at + timedelta(days=1)), None)
    assert meter.take(Reported(False, 7, at - timedelta(days=2)), None)

    assert (meter.used(january, ZoneInfo("UTC")), meter.used(february, ZoneInfo("UTC"))) == (35, 30)


def test_absolute_replaces_and_relative_adds() -> None:
    now = datetime(2026, 3, 1, tzinfo=UTC)
    grants = [Granted("excel", 10, now - timedelta(days=1), now + timedelta(days=9))]

    accept(grants, [{"product": "excel", "count": 5, "mode": "relative", "term": "P5D"}], now, BERLIN)
    assert held(grants, now) == {"excel": (15, now + timedelta(days=5))}

    accept(grants, [{"product": "excel", "count": 4, "mode": "absolute", "term": "P1Y"}], now, BERLIN)
    assert held(grants, now)["excel"][0] == 4


@pytest.mark.parametrize(
    ("accepted", "term", "ends"),
    [
        ("2026-01-31 10:00", "P1M", "2026-02-28 10:00"),
        ("2028-02-29 10:00", "P1Y", "2029-02-28 10:00"),
        ("2026-03-28 02:30", "P1D", "2026-03-29 03:00"),
        ("2026-05-01 10:00", "2026-12-31", "2027-01-01 00:00"),
    ],
)
def test_terms_are_counted_in_the_local_calendar(accepted: str, term: str, ends: str) -> None:
    start, end = (datetime.fromisoformat(text).replace(tzinfo=BERLIN) for text in (accepted, ends))

    assert end_of(term, start, BERLIN) == end.astimezone(UTC)
    assert wall_instant(date(2026, 3, 29), datetime(2026, 3, 29, 2, 30).time(), BERLIN).hour == 1  # noqa: DTZ001 -- a time on the wall


@dataclass(frozen=True)
class Entry:
    """An entry of a journal."""

    action: str
    values: dict[str, Any]
    outcome: str
    at: datetime = datetime(2027, 7, 1, 12, tzinfo=UTC)
    actor: str = "R1"
    result: dict[str, Any] = field(default_factory=dict)


@pytest.mark.parametrize(
    ("reseller", "outcome", "complains"),
    [("R1", "ok", False), ("R2", "ok", True), ("R2", "not_found", False), ("R1", "not_found", True)],
)
def test_offer_is_only_for_the_resellers_own_client(reseller: str, outcome: str, *, complains: bool) -> None:
    oracle = Oracle(hosting())
    for label in ("R1", "R2"):
        oracle.read(Entry("join", {"account": label, "name": label, "email": f"{label}@resellers.example"}, "ok"))
    oracle.read(Entry("client", {"account": "C1", "name": "C1", "reseller": "R1", "email": "c1@x.example"}, "ok"))
    values: dict[str, Any] = {"offer": "F1", "account": "C1", "reseller": reseller, "lines": [], "days": None}

    oracle.read(Entry("offer", values, outcome))

    assert bool(oracle.memory.complaints) == complains
    assert ("F1" in oracle.memory.offers) == (outcome == "ok" and reseller == "R1")


def test_version_that_waits_brings_back_what_another_changed_before_it_began() -> None:
    at, hour = datetime(2027, 7, 1, 12, tzinfo=UTC), timedelta(hours=1)
    versions = Versions(hosting())
    later = versions.apply({"discount/guard_rail": 50}, at, at + 2 * hour)
    assert later is not None
    assert versions.apply({"discount/guard_rail": 50}, at, at + 3 * hour) is None, "it says what is in force then"
    now = versions.apply({"discount/tiers/0/from": 300}, at + hour, None)
    assert now is not None
    assert [versions.at(at + moment * hour).number for moment in (0, 1, 2)] == [1, 3, 2]
    assert [versions.at(at + moment * hour).rules.tiers[0].start for moment in (0, 1, 2)] == [
        hosting().tiers[0].start, Decimal(300), hosting().tiers[0].start,
    ]  # fmt: skip
    assert versions.before(at + 2 * hour) == now
