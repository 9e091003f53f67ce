from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kontor.discounts.rules import TurnoverEntry, explain_discount, is_downgrade, tier_at, turnover, what_if
from kontor.kernel.states import PaymentKind
from kontor.programme.model import Programme, Tier, TurnoverDiscount
from kontor.programme.parse import parse

KOPECK = Decimal("0.01")


def hosting() -> TurnoverDiscount:
    path = Path(__file__).parents[3] / "examples" / "programmes" / "hosting.yaml"
    programme = parse(path.read_text(encoding="utf-8"))
    assert isinstance(programme, Programme)
    assert isinstance(programme.discount, TurnoverDiscount)
    return programme.discount


RULES = hosting()


def paid(day: str, amount: str) -> TurnoverEntry:
    return TurnoverEntry(date.fromisoformat(day), PaymentKind.PAYMENT, Decimal(amount))


def back(day: str, amount: str, kind: PaymentKind = PaymentKind.REFUND) -> TurnoverEntry:
    return TurnoverEntry(date.fromisoformat(day), kind, Decimal(amount))


def percents(tier: Tier | None) -> str:
    return " / ".join(str(value) for value in tier.percent.values()) if tier else "none"


TWO = [paid("2025-12-20", "3000"), paid("2026-01-05", "49000")]


@pytest.mark.parametrize(
    ("ledger", "day", "amount", "discount"),
    [
        ([paid("2026-01-05", "52000")], "2026-01-20", "52000", "19 / 7 / 3"),
        ([paid("2026-01-05", "52000"), paid("2026-01-21", "50000")], "2026-01-21", "102000", "21 / 8 / 5"),
        (TWO, "2026-01-20", "52000", "19 / 7 / 3"),
        (TWO, "2026-01-21", "49000", "17 / 6 / 3"),
        ([*TWO, paid("2026-01-21", "50000")], "2026-01-21", "99000", "19 / 7 / 3"),
        ([*TWO, paid("2026-01-21", "51000")], "2026-01-21", "100000", "21 / 8 / 5"),
        ([paid("2026-01-21", "2999.99")], "2026-01-21", "2999.99", "3 / 1 / 1"),
        ([paid("2026-01-21", "149500")], "2026-01-21", "149500", "21 / 8 / 5"),
        ([paid("2026-01-21", "499.99")], "2026-01-21", "499.99", "none"),
    ],
)
def test_worked_examples_of_the_specification(
    ledger: list[TurnoverEntry], day: str, amount: str, discount: str
) -> None:
    explanation = explain_discount(RULES, ledger, date.fromisoformat(day))

    assert explanation.turnover == Decimal(amount)
    assert percents(explanation.tier) == discount


@pytest.mark.parametrize("tier", RULES.tiers, ids=lambda tier: tier.name)
def test_tier_begins_exactly_at_its_bound(tier: Tier) -> None:
    position = RULES.tiers.index(tier)
    below = RULES.tiers[position - 1] if position else None

    assert tier_at(RULES.tiers, tier.start) is tier
    assert tier_at(RULES.tiers, tier.start + KOPECK) is tier
    assert tier_at(RULES.tiers, tier.start - KOPECK) is below


def test_refunds_and_chargebacks_count_on_their_own_date_and_turnover_may_be_negative() -> None:
    ledger = [paid("2025-12-01", "9000"), back("2026-01-10", "2000"), back("2026-01-11", "500", PaymentKind.CHARGEBACK)]
    explanation = explain_discount(RULES, ledger, date(2026, 1, 20))

    assert explanation.turnover == Decimal(-2500)
    assert explanation.tier is None
    assert explanation.percent == {"vps": 0, "dedicated": 0, "ssl": 0}
    assert explanation.next_tier is not None
    assert explanation.next_tier.missing == Decimal(3000)


def test_explanation_has_missing_amount_leaving_payments_and_amount_that_keeps_the_tier() -> None:
    explanation = explain_discount(RULES, TWO, date(2026, 1, 20))

    assert (explanation.window.first, explanation.window.last) == (date(2025, 12, 20), date(2026, 1, 20))
    assert explanation.counted == tuple(TWO)
    assert explanation.next_tier is not None
    assert (explanation.next_tier.tier.name, explanation.next_tier.missing) == ("Partner #9", Decimal(48000))
    assert explanation.tomorrow.leaving == (TWO[0],)
    assert explanation.tomorrow.turnover == Decimal(49000)
    assert percents(explanation.tomorrow.tier) == "17 / 6 / 3"
    assert explanation.tomorrow.keep_with == Decimal(1000)


def test_no_amount_is_needed_while_the_tier_is_kept() -> None:
    explanation = explain_discount(RULES, [paid("2026-01-05", "52000")], date(2026, 1, 20))

    assert explanation.tomorrow.keep_with is None
    assert explanation.tomorrow.leaving == ()


def test_leaving_refund_may_raise_the_tier() -> None:
    explanation = explain_discount(RULES, [back("2025-12-20", "5000"), paid("2026-01-05", "52000")], date(2026, 1, 20))

    assert explanation.tomorrow.turnover == Decimal(52000)
    assert not is_downgrade(explanation.tier, explanation.tomorrow.tier)
    assert explanation.tomorrow.keep_with is None


def test_past_day_ignores_later_payments() -> None:
    assert explain_discount(RULES, [*TWO, paid("2026-01-21", "50000")], date(2026, 1, 20)).turnover == Decimal(52000)


def test_top_tier_has_no_next_tier() -> None:
    assert explain_discount(RULES, [paid("2026-01-05", "1000000")], date(2026, 1, 20)).next_tier is None


@pytest.mark.parametrize(
    ("day", "oldest"),
    [
        ("2026-03-28", "2026-02-28"),
        ("2026-03-31", "2026-02-28"),
        ("2028-03-31", "2028-02-29"),
        ("2026-01-01", "2025-12-01"),
    ],
)
def test_oldest_day_of_the_window_counts(day: str, oldest: str) -> None:
    before = (date.fromisoformat(oldest) - timedelta(days=1)).isoformat()
    ledger = [paid(oldest, "700"), paid(before, "1")]

    assert explain_discount(RULES, ledger, date.fromisoformat(day)).turnover == Decimal(700)


days = st.dates(date(2027, 12, 1), date(2028, 4, 30))
amounts = st.integers(1, 10**7).map(lambda kopecks: kopecks * KOPECK)
ledgers = st.lists(st.builds(TurnoverEntry, days, st.sampled_from(PaymentKind), amounts), max_size=30)


@given(ledgers, days)
def test_forecast_for_tomorrow_holds_when_nothing_more_is_paid(ledger: list[TurnoverEntry], day: date) -> None:
    paid_so_far = [entry for entry in ledger if entry.day <= day]
    today, tomorrow = (
        explain_discount(RULES, ledger, day),
        explain_discount(RULES, paid_so_far, day + timedelta(days=1)),
    )

    assert today.tomorrow.turnover == tomorrow.turnover
    assert today.tomorrow.tier == tomorrow.tier
    gone = sum((entry.signed for entry in today.tomorrow.leaving), Decimal(0))
    assert today.turnover - gone == tomorrow.turnover


@given(ledgers, days)
def test_named_amount_keeps_the_tier_and_a_kopeck_less_does_not(ledger: list[TurnoverEntry], day: date) -> None:
    paid_so_far = [entry for entry in ledger if entry.day <= day]
    today = explain_discount(RULES, paid_so_far, day)
    keep = today.tomorrow.keep_with
    assert (keep is not None) is is_downgrade(today.tier, today.tomorrow.tier)
    if keep is not None:
        after = day + timedelta(days=1)
        assert what_if(RULES, paid_so_far, after, keep).tier == today.tier
        assert is_downgrade(today.tier, what_if(RULES, paid_so_far, after, keep - KOPECK).tier)


@given(ledgers, days)
def test_missing_amount_reaches_the_next_tier_exactly(ledger: list[TurnoverEntry], day: date) -> None:
    missing = explain_discount(RULES, ledger, day).next_tier
    if missing is not None:
        assert what_if(RULES, ledger, day, missing.missing).tier == missing.tier


@given(ledgers, days)
def test_turnover_equals_a_simple_sum(ledger: list[TurnoverEntry], day: date) -> None:
    month, year = (day.month - 1, day.year) if day.month > 1 else (12, day.year - 1)
    first = day
    while (first.year, first.month) != (year, month) or first.day > day.day:
        first -= timedelta(days=1)
    total = Decimal(0)
    for entry in ledger:
        if first <= entry.day <= day:
            total += entry.amount if entry.kind is PaymentKind.PAYMENT else -entry.amount

    assert explain_discount(RULES, ledger, day).turnover == total
    assert turnover(ledger, explain_discount(RULES, ledger, day).window) == total
