"""What orders may spend of a balance, and the mail when it is low (programme.md 10)."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from uuid import UUID

from tests.support.account_book import BookScenario
from tests.support.fees import HOUSE, money

NOON = datetime(2026, 1, 20, 12, tzinfo=UTC)
PREPAID = "billing: {mode: prepaid, credit_limit: 5, balance_low: 30}\n"
LINK = "payment_url: 'https://pay.example/?r={reseller}&a={amount}&n={reference}'\n"


def prepaid(world: BookScenario, more: str = PREPAID) -> str:
    """A reseller of a programme with that billing."""
    world.fees.apply("prepaid", HOUSE + more)
    world.begin(NOON)
    return world.fees.reseller("prepaid", "Elbe")


def test_order_is_refused_with_what_is_missing_when_the_balance_does_not_cover_it(world: BookScenario) -> None:
    elbe = prepaid(world)
    refused = world.order(elbe, "O-1")
    assert (refused.status_code, refused.json()["code"]) == (409, "insufficient_balance")
    assert refused.json()["missing"] == money("15.00", "EUR")
    quote = world.order(elbe, "O-1", dry_run=True)
    assert (quote.status_code, quote.json()["missing"]) == (200, money("15.00", "EUR"))
    world.pay(elbe, "14.99", "P-1")
    assert world.order(elbe, "O-1").json()["missing"] == money("0.01", "EUR")
    world.pay(elbe, "0.01", "P-2")
    assert world.account_book(elbe)["available"] == money("20.00", "EUR")
    placed = world.order(elbe, "O-1")
    assert (placed.status_code, placed.json()["missing"]) == (201, None)
    assert world.order(elbe, "O-1").status_code == 200
    shown = world.account_book(elbe)
    assert (shown["balance"], shown["available"]) == (money("-5.00", "EUR"), money("0.00", "EUR"))


def test_all_lines_cover_an_order_whatever_their_time(world: BookScenario) -> None:
    elbe = prepaid(world)
    world.pay(elbe, "40", "P-1", paid_at="2025-06-01T00:00:00Z")
    world.pay(elbe, "30", "B-1", "chargeback")
    assert world.order(elbe, "O-1").json()["missing"] == money("5.00", "EUR")


def test_charges_are_made_and_may_take_the_balance_below_the_limit(world: BookScenario) -> None:
    elbe = prepaid(world)
    for _ in range(2):
        assert world.fees.assign(world.fees.client(elbe), "line").status_code == 201
    shown = world.account_book(elbe)
    assert (shown["balance"], shown["available"]) == (money("-6.66", "EUR"), money("0.00", "EUR"))
    assert world.order(elbe, "O-1", dry_run=True).json()["missing"] == money("21.66", "EUR")


def test_postpaid_orders_have_no_limit_unless_the_file_sets_one(world: BookScenario) -> None:
    elbe = prepaid(world, "")
    assert world.order(elbe, "O-1").status_code == 201
    assert world.account_book(elbe)["available"] is None
    world.fees.apply("prepaid", HOUSE + "billing: {credit_limit: 25}\n")
    assert world.order(elbe, "O-2").json()["missing"] == money("15.00", "EUR")


def test_parallel_orders_never_spend_more_than_there_is(world: BookScenario) -> None:
    elbe = prepaid(world)
    world.pay(elbe, "115", "P-1")
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda number: world.order(elbe, f"O-{number}"), range(16)))
    codes = sorted(answer.status_code for answer in answers)
    assert codes == [201] * 6 + [409] * 10
    assert {answer.json()["code"] for answer in answers if answer.status_code == 409} == {"insufficient_balance"}
    assert world.account_book(elbe)["balance"] == money("-5.00", "EUR")


def test_parallel_repeats_of_one_order_are_one_when_the_balance_covers_one(world: BookScenario) -> None:
    elbe = prepaid(world)
    world.pay(elbe, "15", "P-1")
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda _: world.order(elbe, "O-1"), range(16)))
    assert sorted(answer.status_code for answer in answers) == [200] * 15 + [201]


def test_low_balance_is_mailed_once_until_it_rose_again(world: BookScenario) -> None:
    elbe = prepaid(world, PREPAID + LINK)
    world.pay(elbe, "60", "P-1")
    world.order(elbe, "O-1")
    world.work()
    assert world.fees.mails("balance-low") == []
    for number in (2, 3):
        assert world.order(elbe, f"O-{number}").status_code == 201
        world.work()
        world.fees.clock.advance(timedelta(minutes=1))
    [mail] = world.fees.mails("balance-low")
    assert mail.account_id == UUID(elbe)
    assert (mail.facts["balance"], mail.facts["threshold"]) == (money("20.00", "EUR"), money("30.00", "EUR"))
    assert mail.facts["pay_url"] == f"https://pay.example/?r={elbe}&a=10.00&n={elbe}-20260120120000"
    world.pay(elbe, "20", "P-2")
    world.work()
    assert len(world.fees.mails("balance-low")) == 1
    world.fees.clock.advance(timedelta(minutes=1))
    world.pay(elbe, "10", "P-3")
    world.pay(elbe, "0.01", "R-1", "refund")
    world.work()
    assert len(world.fees.mails("balance-low")) == 2


def test_low_balance_is_mailed_when_nightly_charges_take_it_below(world: BookScenario) -> None:
    elbe = prepaid(world)
    world.fees.assign(world.fees.client(elbe), "line")
    world.pay(elbe, "35", "P-1")
    world.work()
    assert world.fees.mails("balance-low") == []
    world.fees.go("2026-02-20")
    [mail] = world.fees.mails("balance-low")
    assert mail.facts["balance"] == money("28.34", "EUR")


def test_low_balance_is_not_mailed_when_it_rose_before_the_mail_left(world: BookScenario) -> None:
    elbe = prepaid(world)
    world.pay(elbe, "30", "P-1")
    world.order(elbe, "O-1")
    run_checks(world)
    world.pay(elbe, "50", "P-2")
    run_checks(world)
    world.work()
    [mail] = world.fees.mails("balance-low")
    assert (mail.state, mail.reason) == ("skipped", "the balance has risen")


def run_checks(world: BookScenario) -> None:
    """Run the jobs that check balances, and no others."""
    for job in world.fees.rows("SELECT id FROM jobs WHERE task = 'balances.check'"):
        world.fees.worker.inline.run(job.id)
