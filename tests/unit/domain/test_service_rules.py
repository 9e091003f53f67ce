"""Terms, deadlines and prices of services, by hand (provisioning.md 3)."""

from datetime import date
from decimal import Decimal

import pytest

from kontor.kernel.money import Money
from kontor.kernel.states import Renewal, ServiceState, ServiceVerb
from kontor.provisioning.rules import Deadlines, PaidTerm, first_term, next_term, pro_rata, refusal

UNTIL = date(2026, 3, 31)


def test_month_ends_keep_the_day_on_which_the_service_began() -> None:
    paid, ends = first_term(date(2026, 1, 31), "P1M"), []
    for _ in range(4):
        ends.append(paid.until.isoformat())
        paid = next_term(paid, "P1M", date(2026, 1, 31), unpaid=False)
    assert ends == ["2026-02-28", "2026-03-31", "2026-04-30", "2026-05-31"]


def test_term_counts_from_its_own_day_when_the_service_was_unpaid() -> None:
    paid = first_term(date(2026, 1, 31), "P1M")
    assert next_term(paid, "P1M", date(2026, 3, 9), unpaid=True) == first_term(date(2026, 3, 9), "P1M")
    assert next_term(paid, "P30D", date(2026, 2, 1), unpaid=False).until == date(2026, 3, 30)


@pytest.mark.parametrize(
    ("day", "net"), [("2026-03-01", "31.00"), ("2026-03-16", "16.00"), ("2026-03-31", "1.00"), ("2026-04-02", "0.00")]
)
def test_added_quantity_costs_the_days_left(day: str, net: str) -> None:
    paid = PaidTerm(date(2026, 3, 1), date(2026, 4, 1), date(2026, 3, 1))
    assert pro_rata(Money(Decimal("31.00"), "EUR"), paid, date.fromisoformat(day)) == Money(Decimal(net), "EUR")


def test_half_a_cent_is_rounded_up() -> None:
    paid = PaidTerm(date(2026, 3, 1), date(2026, 3, 3), date(2026, 3, 1))
    assert pro_rata(Money(Decimal("0.01"), "EUR"), paid, date(2026, 3, 2)).amount == Decimal("0.01")


@pytest.mark.parametrize(
    ("renewal", "goes_on", "day", "steps"),
    [
        ("auto", True, "2026-03-29", []),
        ("auto", True, "2026-03-30", ["renew"]),
        ("auto", True, "2026-04-02", ["renew"]),
        ("auto", True, "2026-04-03", ["renew", "suspend"]),
        ("auto", True, "2026-04-30", ["renew", "terminate"]),
        ("manual", True, "2026-04-02", []),
        ("manual", True, "2026-04-03", ["suspend"]),
        ("none", True, "2026-03-30", []),
        ("none", True, "2026-03-31", ["terminate"]),
        ("auto", False, "2026-03-30", []),
        ("auto", False, "2026-03-31", ["terminate"]),
    ],
)
def test_end_of_a_term_brings_what_the_product_says(renewal: str, goes_on: bool, day: str, steps: list[str]) -> None:
    deadlines = Deadlines(UNTIL, Renewal(renewal), 3, goes_on)
    assert [step.value for step in deadlines.steps(date.fromisoformat(day))] == steps


def test_service_that_waits_to_be_made_ends_with_its_order_alone() -> None:
    assert refusal(ServiceVerb.TERMINATE, ServiceState.PENDING, [], None) is not None
    assert refusal(ServiceVerb.TERMINATE, ServiceState.PENDING, [], None, ends=True) is None
