import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from kontor.discounts.rules import TurnoverEntry, explain_discount
from kontor.fees.rules import discounted_fee, periods_due, start_run, unused_part
from kontor.kernel.money import parse_money, percent_off
from kontor.kernel.periods import Period, turnover_window
from kontor.kernel.states import PaymentKind
from kontor.programme.model import Programme, TrialRules, TurnoverDiscount
from kontor.programme.parse import parse
from kontor.usage.rules import TrialRun, reached_threshold, reminders

ROOT = Path(__file__).parents[3]
REFERENCE = ROOT / "docs" / "reference"
DAY = timedelta(days=1)


def rows(page: str, header: str) -> list[list[str]]:
    """The cells of the table with this header line on a page."""
    lines = (REFERENCE / page).read_text(encoding="utf-8").splitlines()
    below = lines[lines.index(header) + 2 :]
    end = next((index for index, line in enumerate(below) if not line.startswith("|")), len(below))
    assert end, header
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in below[:end]]


def test_documented_windows_are_correct() -> None:
    for day, first in rows("rules-discounts.md", "| day | window begins |"):
        assert turnover_window(date.fromisoformat(day)).first.isoformat() == first


def test_documented_turnovers_are_correct() -> None:
    programme = parse((ROOT / "examples" / "programmes" / "hosting.yaml").read_text(encoding="utf-8"))
    assert isinstance(programme, Programme)
    assert isinstance(programme.discount, TurnoverDiscount)
    table = rows("rules-discounts.md", "| payments | as of | turnover | vps / dedicated / ssl |")
    for payments, day, turnover, percents in table:
        entries = [
            TurnoverEntry(date.fromisoformat(paid), PaymentKind.PAYMENT, Decimal(amount))
            for paid, amount in re.findall(r"([\d-]{10}) ([\d.]+)", payments)
        ]
        explanation = explain_discount(programme.discount, entries, date.fromisoformat(day))
        assert explanation.turnover == Decimal(turnover)
        shown = " / ".join(str(explanation.percent[family]) for family in ("vps", "dedicated", "ssl"))
        assert percents == (shown if explanation.tier else "none")


def test_documented_prices_are_correct() -> None:
    for listed, percent, net in rows("rules-discounts.md", "| list | percent | net |"):
        assert percent_off(parse_money(listed, "EUR"), Decimal(percent)) == parse_money(net, "EUR")


def test_documented_periods_are_correct() -> None:
    for anchor, first_days in rows("rules-fees.md", "| anchor | first days of periods |"):
        last = date.fromisoformat(first_days.rpartition(", ")[2])
        due = periods_due(start_run(date.fromisoformat(anchor)), [], last)
        assert ", ".join(period.start.isoformat() for period in due) == first_days


def test_documented_charges_are_correct() -> None:
    for listed, percent, discount, total in rows("rules-fees.md", "| fee | percent | discount | total |"):
        charge = discounted_fee(parse_money(listed, "EUR"), Decimal(percent))
        assert (str(charge.discount.amount), str(charge.total.amount)) == (discount, total)


def test_documented_credits_are_correct() -> None:
    for total, period, day, credit in rows("rules-fees.md", "| total | period | day of the change | credit |"):
        start, end = map(date.fromisoformat, period.split(" to "))
        unused = unused_part(parse_money(total, "EUR"), Period(start, end), date.fromisoformat(day))
        assert str(unused.amount) == credit


def test_documented_reminders_are_correct() -> None:
    table = rows("rules-trials-and-quotas.md", "| length (days) | leads | reminders after (days) |")
    for length, leads, after in table:
        rules = TrialRules(int(length) * DAY, tuple(int(lead) * DAY for lead in leads.split(", ")))
        run = TrialRun.starting(rules, datetime(2026, 1, 1, tzinfo=UTC))
        assert ", ".join(str((at - run.started_at) // DAY) for at in reminders(run, rules)) == after


def test_documented_thresholds_are_correct() -> None:
    for limit, usage, reached in rows("rules-trials-and-quotas.md", "| limit | usage | threshold |"):
        assert (reached_threshold(int(usage), int(limit), Decimal(80)) or "none") == reached
