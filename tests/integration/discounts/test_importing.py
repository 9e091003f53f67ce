"""`kontor import payments`: all rows or none; a killed import can be repeated."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest

from kontor.adapters.settings import Settings
from kontor.cli import imports
from kontor.cli.main import main
from tests.support.discounts import DiscountScenario, moscow, roubles

Import = Callable[..., "CompletedProcess[str]"]
HEADER = "reference,amount,paid_at,kind\n"


@pytest.fixture
def take(
    world: DiscountScenario,
    settings: Settings,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Import:
    """Import a file with the command, on this test's database and clock."""
    world.reach(moscow("2026-02-01"))
    for name in ("DATABASE_URL", "REDIS_URL", "SMTP_URL", "SECRET_KEY", "KONTOR_DATA_DIR", "KONTOR_NAMESPACE"):
        monkeypatch.setenv(name, settings.environ()[name])
    monkeypatch.setattr("kontor.cli.context.configure_logs", lambda *_: None)
    monkeypatch.setattr("workers.connections.clock_for", lambda _: world.clock)
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    file = tmp_path / "payments.csv"

    def start(reseller: str, content: str | bytes, *options: str) -> "CompletedProcess[str]":
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
        monkeypatch.setattr(sys, "argv", ["kontor", "import", "payments", str(file), "--reseller", reseller, *options])
        try:
            code = main()
        except SystemExit as error:
            code = int(error.code or 0)
        except Exception as error:  # noqa: BLE001 -- the interpreter hands every error to the hook
            sys.excepthook(type(error), error, error.__traceback__)
            code = 1
        out, err = capsys.readouterr()
        return CompletedProcess(sys.argv, code, out, err)

    return start


def summary(done: "CompletedProcess[str]") -> dict[str, Any]:
    document: dict[str, Any] = json.loads(done.stdout)
    return {name: document[name] for name in ("rows", "imported", "already_there", "bad_rows", "resumed_from")}


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
    assert summary(done) == {"rows": 3, "imported": 3, "already_there": 0, "bad_rows": 0, "resumed_from": 0}
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
    assert summary(again) == {"rows": 3, "imported": 0, "already_there": 3, "bad_rows": 0, "resumed_from": 0}


def test_invalid_rows_refuse_the_file_and_each_is_named_with_its_line(world: DiscountScenario, take: Import) -> None:
    reseller = world.reseller()
    rows = [
        "ok,1.00,2026-01-05,payment",
        "a,1.001,2026-01-05,payment",
        "b,1.00,2026-01-05T10:00:00,payment",
        "c,1.00,2026-02-02,payment",
        "d,1.00,2026-01-05,gift",
        ",1.00,2026-01-05,payment",
        "e,1.00",
    ]
    done = take(reseller, HEADER + "\n".join(rows), "--json")
    assert done.returncode == 1
    assert [row["line"] for row in json.loads(done.stdout)["bad"]] == [3, 4, 5, 6, 7, 8]
    assert world.rows("SELECT 1 FROM payments UNION ALL SELECT 1 FROM payment_imports") == []
    shown = take(reseller, HEADER + "\n".join(rows))
    assert (shown.returncode, shown.stdout) == (1, "")
    assert "line 3: The amount has more than 2 decimals." in shown.stderr
    assert "6 bad row(s). Nothing was imported." in shown.stderr


def test_conflicting_reference_refuses_the_file_and_identical_rows_are_skipped(
    world: DiscountScenario, take: Import
) -> None:
    reseller = world.reseller()
    world.pay(reseller, "10", "2026-01-31T00:00:00", reference="P-1")
    clash = take(reseller, HEADER + "P-0,10.00,2026-01-31,payment\nP-1,11.00,2026-01-31,payment\n", "--json")
    assert (clash.returncode, [row["line"] for row in json.loads(clash.stdout)["bad"]]) == (1, [3])
    twice = take(reseller, HEADER + "P-2,10.00,2026-01-31,payment\nP-2,10.00,2026-01-30,payment\n", "--json")
    assert (twice.returncode, [row["line"] for row in json.loads(twice.stdout)["bad"]]) == (1, [3])
    assert len(world.rows("SELECT 1 FROM payments")) == 1
    good = take(reseller, numbered(3) + "P-2,10.00,2026-01-31,payment\n", "--json")
    assert summary(good) == {"rows": 4, "imported": 2, "already_there": 2, "bad_rows": 0, "resumed_from": 0}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"reference,amount\nx,1\n", "paid_at missing"),
        (b"reference,amount,paid_at,colour\n", "'colour' unknown"),
        (b"reference,amount,paid_at\nx,1.00,2026-01-05\n\xff\xfe,1.00,2026-01-05\n", "not UTF-8 (line 3)"),
        (b"", "missing"),
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
    assert imports.LISTED == 1_000
