import json
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from kontor.programme.diff import diff, to_document
from kontor.programme.model import FlatDiscount, Locale, ManagedBy, NoDiscount, Programme, TurnoverDiscount
from kontor.programme.parse import from_document, parse

EXAMPLES = Path(__file__).parents[4] / "examples" / "programmes"
CODES = ["booking", "hosting", "learning", "telephony"]

# The 17 binding rows of the tier table: name, from, VPS, dedicated, SSL.
TIERS = [
    ("Starter", 500, 3, 1, 1),
    ("Partner #1", 3000, 5, 1, 1),
    ("Partner #2", 5000, 7, 1, 1),
    ("Partner #3", 10000, 9, 2, 1),
    ("Partner #4", 15000, 11, 3, 3),
    ("Partner #5", 20000, 13, 4, 3),
    ("Partner #6", 30000, 15, 5, 3),
    ("Partner #7", 40000, 17, 6, 3),
    ("Partner #8", 50000, 19, 7, 3),
    ("Partner #9", 100000, 21, 8, 5),
    ("Partner #10", 150000, 23, 9, 5),
    ("Partner #11", 200000, 25, 10, 5),
    ("Partner #12", 300000, 27, 11, 5),
    ("Partner #13", 400000, 29, 12, 5),
    ("Partner #14", 500000, 31, 13, 10),
    ("Partner #15", 700000, 33, 14, 10),
    ("Partner #16", 1000000, 35, 15, 10),
]


def example(code: str) -> Programme:
    programme = parse((EXAMPLES / f"{code}.yaml").read_text(encoding="utf-8"))
    assert isinstance(programme, Programme), [str(error) for error in programme]
    return programme


def test_four_example_programmes_are_shipped() -> None:
    assert sorted(path.stem for path in EXAMPLES.glob("*.yaml")) == CODES


@pytest.mark.parametrize("code", CODES)
def test_example_is_unchanged_after_storing(code: str) -> None:
    programme = example(code)
    stored = json.loads(json.dumps(to_document(programme), sort_keys=True))

    assert from_document(stored) == programme
    assert diff(from_document(stored), programme) == []


def test_booking_has_a_free_plan_of_50_a_trial_of_7_days_and_20_per_cent() -> None:
    booking = example("booking")

    assert (booking.currency, booking.timezone, booking.white_label) == ("EUR", "Europe/Paris", True)
    assert booking.free_plan.code == "free"
    assert booking.free_plan.limits == {"appointments": 50}
    assert "basic" in booking.plans
    assert booking.trial is not None
    assert booking.trial.length == timedelta(days=7)
    assert booking.trial.reminders == (timedelta(days=3), timedelta(days=1))
    assert booking.discount == FlatDiscount(Decimal(20))
    assert booking.quota.warning == 80


def test_booking_sends_french_mail_from_another_address() -> None:
    sender = example("booking").sender

    assert sender.address_for("fr").startswith("pas-repondre@")
    assert sender.address_for("de").startswith("noreply@")


def test_hosting_contains_the_binding_tier_table() -> None:
    hosting = example("hosting")
    discount = hosting.discount

    assert isinstance(discount, TurnoverDiscount)
    assert (hosting.currency, hosting.timezone) == ("RUB", "Europe/Moscow")
    assert discount.families == ("vps", "dedicated", "ssl")
    assert [(tier.name, tier.start, *tier.percent.values()) for tier in discount.tiers] == TIERS
    assert {product.family for product in hosting.products.values()} == set(discount.families)
    assert hosting.promo_codes


def test_learning_sells_courses_for_any_term() -> None:
    learning = example("learning")

    assert (learning.currency, learning.timezone, learning.locale) == ("EUR", "Europe/Berlin", Locale.DE)
    assert {"excel-basics", "data-protection"} < set(learning.products)
    assert learning.accounts.legal_entity_required
    assert learning.accounts.affiliate
    assert learning.discount == NoDiscount()


def test_telephony_charges_10_and_recommends_20_for_call_recording() -> None:
    telephony = example("telephony")
    product = telephony.products["call-recording"]

    assert telephony.timezone == "America/New_York"
    assert product.recurring
    assert product.shared
    assert product.managed_by is ManagedBy.ADMIN
    assert str(telephony.account_subscriptions[product.account_subscription or ""].fee) == "20.00 USD"
    wholesale = telephony.reseller_subscriptions[product.reseller_subscription or ""]
    assert str(wholesale.fee) == "10.00 USD"
    assert wholesale.multiple


def test_every_course_has_a_name_in_every_language() -> None:
    for product in example("learning").products.values():
        assert len({product.name_in(locale) for locale in ("en", "de", "fr", "ru", "ja")}) >= 4


def test_promo_code_is_found_in_any_case() -> None:
    hosting = example("hosting")
    promotion = hosting.promo_code("welcome10")

    assert promotion is not None
    assert promotion.code == "WELCOME10"
    assert hosting.promo_code("WELCOME11") is None
