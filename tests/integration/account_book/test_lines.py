"""Each money fact has its line, in the order of its own time, with the balance after it (programme.md 10)."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import psycopg
import pytest
from sqlalchemy.exc import DBAPIError

from tests.support.account_book import BookScenario

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)


def test_book_has_one_line_for_each_fact_in_the_order_of_their_own_time(world: BookScenario) -> None:
    world.begin(NOON)
    elbe = world.fees.reseller("house", "Elbe")
    client = world.fees.client(elbe)
    assert world.fees.assign(client, "line").status_code == 201
    assert world.order(elbe, "O-1").status_code == 201
    world.pay(elbe, "50", "P-1", paid_at="2026-01-10T08:00:00Z")
    world.pay(elbe, "20", "R-1", "refund", paid_at="2026-01-31T00:00:00Z")
    [charge] = world.fees.charges(f"resellers/{elbe}")
    world.fees.go("2026-02-02")
    assert world.call(f"POST /v1/charges/{charge['id']}/void", {"reason": "wrong"}).status_code == 200
    world.fees.go("2026-02-28")
    assert world.lines(elbe) == [
        "2026-01-10 payment 50.00 = 50.00",
        "2026-01-31 charge -3.33 = 46.67",
        "2026-01-31 refund -20.00 = 26.67",
        "2026-01-31 order -20.00 = 6.67",
        "2026-02-02 void 3.33 = 10.00",
        "2026-02-28 charge -3.33 = 6.67",
    ]
    shown = world.account_book(elbe)
    assert (shown["balance"]["amount"], shown["available"], shown["next"]) == ("6.67", None, None)
    payment, first, refund, order, void, second = shown["items"]
    assert [payment["ref"], refund["ref"], order["ref"]] == ["P-1", "R-1", "O-1"]
    assert first["ref"] == void["ref"] == charge["id"]
    assert (order["note"], first["note"]) == ("handset x 1", "line 2026-01-31 - 2026-02-28")
    assert (second["at"], second["recorded_at"] > second["at"]) == ("2026-02-28T00:00:00Z", True)
    assert (payment["at"], payment["recorded_at"]) == ("2026-01-10T08:00:00Z", "2026-01-31T12:00:00Z")


def test_late_payment_changes_the_balances_after_it_and_the_book_tells_what_it_was(world: BookScenario) -> None:
    world.begin(NOON)
    elbe = world.fees.reseller("house", "Elbe")
    assert world.order(elbe, "O-1").status_code == 201
    before = world.fees.clock.now()
    world.begin(NOON + timedelta(days=3))
    world.pay(elbe, "50", "P-1", paid_at="2026-01-10T08:00:00Z")
    assert world.lines(elbe) == ["2026-01-10 payment 50.00 = 50.00", "2026-01-31 order -20.00 = 30.00"]
    earlier = f"as_recorded={before.isoformat().replace('+00:00', 'Z')}"
    assert world.lines(elbe, earlier) == ["2026-01-31 order -20.00 = -20.00"]
    assert world.account_book(elbe, earlier)["balance"]["amount"] == "-20.00"
    assert world.account_book(elbe, "to=2026-01-30")["balance"]["amount"] == "50.00"
    assert world.lines(elbe, "from=2026-01-31&to=2026-01-31") == ["2026-01-31 order -20.00 = 30.00"]


def test_pages_of_a_book_continue_with_the_running_balance(world: BookScenario) -> None:
    world.begin(NOON)
    elbe = world.fees.reseller("house", "Elbe")
    for number in range(1, 8):
        world.pay(elbe, str(number), f"P-{number}", paid_at="2026-01-10T08:00:00Z")
    pages, cursor = [], ""
    while True:
        page = world.account_book(elbe, f"limit=3&from=2026-01-02{cursor}")
        pages.append([line["balance"]["amount"] for line in page["items"]])
        if page["next"] is None:
            break
        cursor = f"&cursor={page['next'].replace('+', '%2B')}"
    assert pages == [["1.00", "3.00", "6.00"], ["10.00", "15.00", "21.00"], ["28.00"]]
    for bad in ("x", "2026-01-10~1", "2026-01-10T00:00:00Z~x", "~"):
        assert world.call(f"GET /v1/resellers/{elbe}/account-book?cursor={bad}").status_code == 422, bad


def test_charge_is_dated_with_the_first_instant_of_its_first_day(world: BookScenario) -> None:
    world.begin(datetime(2026, 2, 1, 12, tzinfo=UTC))
    zone = "America/Havana"  # the clock goes back from 01:00 to 00:00 on 1 November, forward from 00:00 on 8 March
    for day, instant in (
        ("2026-11-01", "2026-11-01T04:00:00+00:00"),
        ("2026-03-08", "2026-03-08T05:00:00+00:00"),
        ("2026-06-01", "2026-06-01T04:00:00+00:00"),
    ):
        rows = world.fees.rows("SELECT kontor_local_midnight(CAST(:day AS date), :zone)", day=day, zone=zone)
        assert rows == [(datetime.fromisoformat(instant),)], day


@pytest.mark.parametrize(
    "statement", ["UPDATE account_book SET amount = 0", "DELETE FROM account_book", "TRUNCATE account_book"]
)
def test_written_line_is_neither_changed_nor_deleted(world: BookScenario, statement: str) -> None:
    elbe = world.fees.reseller("house", "Elbe")
    world.pay(elbe, "50", "P-1")
    with pytest.raises(DBAPIError) as refused:
        world.fees.rows(statement)
    assert isinstance(refused.value.orig, psycopg.errors.InsufficientPrivilege)
    assert world.account_book(elbe)["balance"]["amount"] == "50.00"


def test_merge_moves_the_balance_in_one_line_and_later_facts_stand_in_the_new_book(world: BookScenario) -> None:
    world.begin(NOON)
    elbe, weser = (world.fees.reseller("house", name) for name in ("Elbe", "Weser"))
    client = world.fees.client(elbe)
    world.fees.assign(client, "line")
    [charge] = world.fees.charges(f"resellers/{elbe}")
    world.pay(elbe, "100", "P-1")
    world.merge(elbe, weser)
    world.pay(elbe, "30", "R-1", "chargeback")
    assert world.call(f"POST /v1/charges/{charge['id']}/void", {"reason": "wrong"}).status_code == 200
    world.fees.go("2026-02-28")
    assert [line.split(" ", 1)[1] for line in world.lines(elbe)] == [
        "charge -3.33 = -3.33",
        "payment 100.00 = 96.67",
        "transfer -96.67 = 0.00",
    ]
    assert [line.split(" ", 1)[1] for line in world.lines(weser)] == [
        "transfer 96.67 = 96.67",
        "chargeback -30.00 = 66.67",
        "void 3.33 = 70.00",
        "charge -3.33 = 66.67",
    ]
    assert (world.account_book(elbe)["items"][-1]["ref"], world.account_book(weser)["items"][0]["ref"]) == (weser, elbe)


def test_statements_add_up_to_the_charges_of_the_account_book(world: BookScenario) -> None:
    world.begin(datetime(2026, 1, 15, 12, tzinfo=UTC))
    reseller = world.fees.reseller("telephony")
    for product in ("call-recording", "voicemail"):
        assert world.fees.assign(world.fees.client(reseller), product).status_code == 201
    world.fees.go("2026-04-01", "America/New_York")
    stated = [Decimal(mail.facts["total"]["amount"]) for mail in world.fees.mails("statement")]
    charged = [Decimal(line["amount"]["amount"]) for line in world.account_book(reseller, "to=2026-03-31")["items"]]
    assert (len(stated), len(charged), sum(stated)) == (3, 6, -sum(charged))


def test_account_that_pays_itself_has_charges_and_no_lines(world: BookScenario) -> None:
    world.begin(NOON)
    account = world.fees.account("booking")
    world.fees.take(account, "basic")
    assert len(world.fees.charges(f"accounts/{account}")) == 1
    assert world.fees.rows("SELECT count(*) FROM account_book") == [(0,)]
