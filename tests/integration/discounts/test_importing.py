"""`kontor import payments`: all rows or none; a killed import can be repeated."""

import json
from subprocess import CompletedProcess
from typing import Any

import pytest

from tests.support.discounts import DiscountScenario, Import, roubles

HEADER = "reference,amount,paid_at,kind\n"


def summary(done: "CompletedProcess[str]") -> dict[str, Any]:
    document: dict[str, Any] = json.loads(done.stdout)
    return {name: document[name] for name in ("rows", "imported", "already_there", "doubtful_rows", "resumed_from")}


def doubts(done: "CompletedProcess[str]") -> dict[int, list[int]]:
    return {row["line"]: row["lines"] for row in json.loads(done.stdout)["doubtful"]}


def numbered(count: int) -> str:
    return HEADER + "".join(f"P-{number},10.00,2026-01-31,payment\n" for number in range(count))


def test_file_is_imported_completely_and_the_discount_computed_once(world: DiscountScenario, take: Import) -> None:
    reseller = world.reseller()
    lines = (
        "\ufeffReference;Amount;paid_at;kind;currency",
        "A-1;52000.00;2026-01-05T00:00:00+03:00;payment;RUB",
        '"A;2";1000;2026-01-31;refund;',
        "",
        "A-3;0.50;2026-01-31T20:59:59Z;;RUB",
    )
    content = "\r\n".join(lines)
    done = take(reseller, content, "--json")
    assert done.returncode == 0, done.stderr
    assert summary(done) == {"rows": 3, "imported": 3, "already_there": 0, "doubtful_rows": 0, "resumed_from": 0}
    listed = world.api.ok(f"GET /v1/resellers/{reseller}/payments", key=world.key)["items"]
    assert sorted(
        (payment["reference"], payment["day"], payment["kind"], payment["amount"]["amount"]) for payment in listed
    ) == [
        ("A-1", "2026-01-05", "payment", "52000.00"),
        ("A-3", "2026-01-31", "payment", "0.50"),
        ("A;2", "2026-01-31", "refund", "1000.00"),
    ]
    assert len(world.rows("SELECT 1 FROM jobs WHERE task = 'discounts.recompute'")) == 1
    world.settle()
    assert world.discount(reseller)["recorded"]["turnover"] == roubles("51000.50")
    again = take(reseller, content, "--json")
    assert summary(again) == {"rows": 3, "imported": 0, "already_there": 3, "doubtful_rows": 0, "resumed_from": 0}


def test_whole_file_is_refused_when_one_row_is_in_doubt(world: DiscountScenario, take: Import) -> None:
    done = take(world.reseller(), numbered(3) + "b,1.000,2026-01-05,payment\n", "--json")
    assert (done.returncode, doubts(done)) == (1, {5: [5]})
    assert world.rows("SELECT 1 FROM payments UNION ALL SELECT 1 FROM payment_imports") == []


def test_doubtful_rows_refuse_the_file_and_each_is_named_with_its_line(world: DiscountScenario, take: Import) -> None:
    reseller = world.reseller()
    rows = [
        "ok,1.00,2026-01-05,payment",
        "a,1.001,2026-01-05,payment",
        "b,1.00,2026-01-05T10:00:00,payment",
        "c,1.00,2026-02-02,payment",
        "d,1.00,2026-01-05,gift",
        ",1.00,2026-01-05,Payment",
        "e,1.00",
        "f,1.00,2026-W02-1,payment",
        "g,0,2026-01-05,payment",
    ]
    done = take(reseller, HEADER + "\n".join(rows), "--json")
    assert done.returncode == 1
    assert doubts(done) == {3: [3], 5: [5], 6: [6], 8: [8], 9: [9], 10: [10]}
    assert world.rows("SELECT 1 FROM payments UNION ALL SELECT 1 FROM payment_imports") == []
    shown = take(reseller, HEADER + "\n".join(rows))
    assert (shown.returncode, shown.stdout) == (1, "")
    assert "line 3: the amount '1.001' may be 1001 or a fraction; accepted, it is 1001.00" in shown.stderr
    assert "6 doubtful row(s). Nothing was imported." in shown.stderr


@pytest.mark.parametrize(
    "rows", ["P-2,10.00,2026-01-31,payment\n" * 2, "P-2,1.00,2026-01-31,payment\nP-2,1.00,2026-01-30,payment\n"]
)
def test_rows_are_in_doubt_when_they_are_equal_or_share_a_reference(
    world: DiscountScenario, take: Import, rows: str
) -> None:
    assert doubts(take(world.reseller(), HEADER + rows, "--json")) == {2: [2, 3], 3: [2, 3]}


def test_row_is_in_doubt_when_the_ledger_has_its_reference_otherwise(world: DiscountScenario, take: Import) -> None:
    reseller = world.reseller()
    world.pay(reseller, "10", "2026-01-31T00:00:00", reference="P-1")
    assert doubts(take(reseller, HEADER + "P-1,11.00,2026-01-31,payment\n", "--json")) == {2: [2]}


def test_row_that_differs_under_its_reference_refuses_the_file_until_its_line_is_accepted(
    world: DiscountScenario, take: Import
) -> None:
    reseller = world.reseller()
    world.pay(reseller, "10", "2026-01-31T00:00:00", reference="P-1")
    clash = HEADER + "P-0,10.00,2026-01-31,payment\nP-1,11.00,2026-01-31,payment\n"
    assert doubts(take(reseller, clash, "--json")) == {3: [3]}
    twice = HEADER + "P-2,10.00,2026-01-31,payment\nP-2,10.00,2026-01-30,payment\n"
    assert doubts(take(reseller, twice, "--json")) == {2: [2, 3], 3: [2, 3]}
    assert len(world.rows("SELECT 1 FROM payments")) == 1
    done = take(reseller, clash, "--json", "--accept", "3")
    assert (done.returncode, summary(done)["imported"]) == (0, 2)
    assert summary(take(reseller, twice, "--json", "--accept", "2,3"))["imported"] == 2
    references = [row.reference for row in world.rows("SELECT reference FROM payments ORDER BY amount, paid_at")]
    assert sorted(text if text.startswith("P-") else "made" for text in references) == [
        "P-0", "P-1", "P-2", "made", "made",
    ]  # fmt: skip
    again = take(reseller, clash + "P-9,1.00,2026-01-30,payment\n", "--json")
    assert summary(again) == {"rows": 3, "imported": 1, "already_there": 2, "doubtful_rows": 0, "resumed_from": 0}


def test_equal_rows_refuse_the_file_and_all_are_taken_when_they_are_accepted(
    world: DiscountScenario, take: Import
) -> None:
    reseller = world.reseller()
    rows = "amount;paid_at;purpose\n500.00;2026-01-20;Oplata\n7,50;2026-01-20;other\n500.00;2026-01-20;Oplata\n"
    done = take(reseller, rows, "--json")
    assert (done.returncode, doubts(done)) == (1, {2: [2, 4], 4: [2, 4]})
    assert doubts(take(reseller, rows, "--json", "--dry-run")) == {2: [2, 4], 4: [2, 4]}
    assert world.rows("SELECT 1 FROM payments UNION ALL SELECT 1 FROM payment_imports") == []
    dry = take(reseller, rows, "--json", "--accept", "2,4", "--dry-run")
    assert (summary(dry)["imported"], json.loads(dry.stdout)["would_import"]) == (0, 3)
    taken = take(reseller, rows, "--json", "--accept", "2,4")
    assert (taken.returncode, summary(taken)["imported"]) == (0, 3)
    references = {row.reference for row in world.rows("SELECT reference FROM payments WHERE amount = 500")}
    assert len({text.rpartition(":")[0] for text in references}) == 1
    assert {text.rpartition(":")[2] for text in references} == {"1", "2"}
    longer = take(reseller, rows + "1,00;2026-01-21;more\n", "--json", "--accept", "2,4")
    assert summary(longer) == {"rows": 4, "imported": 1, "already_there": 3, "doubtful_rows": 0, "resumed_from": 0}
    assert json.loads(longer.stdout)["lines"]["already_there"] == [2, 3, 4]


def test_line_is_left_out_when_it_is_named_by_skip(world: DiscountScenario, take: Import) -> None:
    reseller = world.reseller()
    rows = HEADER + "a,1.00,2026-01-05,payment\nb,nonsense,2026-01-05,payment\n"
    helpless = take(reseller, rows, "--accept", "3")
    assert (helpless.returncode, "it cannot be accepted" in helpless.stderr) == (1, True)
    done = take(reseller, rows, "--skip", "3")
    assert (done.returncode, done.stdout) == (
        0,
        "2 row(s) of kontor: 1 imported, 0 already there, 1 skipped (left out)\nskipped: line 3\n",
    )


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"reference,amount\nx,1\n", "paid_at missing"),
        (b"reference,amount,paid_at,kindd\n", "'kindd' is unknown; 'kind' is near"),
        (b"reference,amount,paid_at,amount\n", "'amount' is repeated"),
        ("reference,amount,paid_at\nМ,1.00,2026-01-05\nПётр и Анна,1.00,2026-01-05\n".encode() + b"\xff", "(line 4)"),
        (b"", "missing"),
        (b"x" * 200_000, "Line 1 of payments.csv is longer than 65536 characters"),
    ],
)
def test_unreadable_file_is_refused_with_one_line(
    world: DiscountScenario, take: Import, content: bytes, words: str
) -> None:
    done = take(world.reseller(), content, "--json")
    assert (done.returncode, done.stdout) == (1, "")
    assert words in done.stderr


def test_wrong_usage_exits_with_2_and_a_dry_run_imports_nothing(world: DiscountScenario, take: Import) -> None:
    assert take("nobody", numbered(1)).returncode == 2
    dry = take(world.reseller(), numbered(2), "--dry-run", "--json")
    assert (dry.returncode, summary(dry)["rows"], summary(dry)["imported"]) == (0, 2, 0)
    assert world.rows("SELECT 1 FROM payments UNION ALL SELECT 1 FROM payment_imports") == []
