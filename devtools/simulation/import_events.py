"""Random events about files of payments: rows of several resellers, some of them in doubt."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

from devtools.simulation.actors import Reseller, Scenario
from devtools.simulation.log import Action
from devtools.simulation.trade_events import CENT

Row = dict[str, object]


def import_file(scenario: Scenario) -> list[Action]:
    """Import a file; three times in four what is in doubt is accepted, otherwise the whole file is refused."""
    actors = scenario.actors
    receivers = [*actors.resellers.values(), *actors.former.values(), *actors.merged]
    if not receivers:
        return []
    rows = [_row(scenario, scenario.random.choice(receivers)) for _ in range(scenario.random.randint(2, 9))]
    doubtful = _add_doubtful(scenario, rows)
    future = _add_future(scenario, rows)
    accepted = doubtful if scenario.chance(0.75) else []
    file = f"bank-{actors.next_number('file'):05d}.csv"
    if accepted == doubtful:
        for number in doubtful:
            if rows[number]["reseller"] is None:
                _plan_assignment(scenario, file, number)
    return [
        scenario.new_action("operator", "import", file=file, rows=rows, accepted=accepted, left_out=future)
    ]  # fmt: skip


def _row(scenario: Scenario, reseller: Reseller) -> Row:
    """Return a payment, a refund, or a payment that was entered before."""
    if reseller.payments and scenario.chance(0.15):
        reference, amount, paid_at = scenario.random.choice(reseller.payments[-5:])
        return _cells(reseller, "payment", amount, paid_at, reference)
    reference = f"{reseller.label}-{scenario.actors.next_number('payment'):06d}"
    cents = int(reseller.size * scenario.random.randint(5, 90))
    kind = scenario.random.choice(["payment", "payment", "payment", "payment", "refund", "chargeback"])
    paid_at = scenario.now - timedelta(seconds=scenario.random.randint(0, 12 * 86_400))
    return _cells(reseller, kind, max(Decimal(cents) / 100, CENT), paid_at, reference)


def _cells(reseller: Reseller, kind: str, amount: Decimal, paid_at: datetime, reference: str) -> Row:
    return {
        "reseller": reseller.label,
        "kind": kind,
        "amount": str(amount.quantize(CENT)),
        "paid_at": paid_at,
        "reference": reference,
    }


def _add_doubtful(scenario: Scenario, rows: list[Row]) -> list[int]:
    """Add a row that is equal to another one, and one that names nobody; return their numbers."""
    before = len(rows)
    if scenario.chance(0.4):
        rows.append(dict(scenario.random.choice(rows)))
    if scenario.chance(0.35):
        fresh = _row(scenario, scenario.random.choice(list(scenario.actors.resellers.values())))
        reference = f"X-{scenario.actors.next_number('payment'):06d}"
        rows.append({**fresh, "kind": "payment", "reference": reference, "reseller": None})
    return list(range(before, len(rows)))


def _add_future(scenario: Scenario, rows: list[Row]) -> list[int]:
    """Add a row of tomorrow, which is left out; return its number."""
    if not scenario.chance(0.15):
        return []
    rows.append({**rows[0], "paid_at": scenario.now + timedelta(days=1), "reference": "tomorrow"})
    return [len(rows) - 1]


def _plan_assignment(scenario: Scenario, file: str, number: int) -> None:
    """Somebody says later whose payment a row is, or nobody ever does."""
    if scenario.chance(0.8):
        scenario.schedule(scenario.in_days(0.1, 20), lambda later: assign(later, file, number))


def assign(scenario: Scenario, file: str, number: int) -> list[Action]:
    """Assign a row that named nobody, also to a reseller that is none any more."""
    receivers = [*scenario.actors.resellers, *scenario.actors.former]
    reseller = scenario.random.choice(receivers)
    return [scenario.new_action("operator", "assign_unmatched", file=file, row=number, reseller=reseller)]
