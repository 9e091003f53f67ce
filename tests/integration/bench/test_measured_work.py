"""The benches of whole runs do what the bare SQL beside them does; how fast they are is for `make bench-*`."""

from bench import charging, daily
from bench.charging_floor import Clients
from bench.daily_fill import Ledger


def test_daily_run_records_what_its_floor_computes(database_url: str) -> None:
    measured = daily.measured(database_url, Ledger(20, 8_000, 12), rounds=1, samples=2, tell=True)
    assert measured["differences"] == 0


def test_charging_writes_what_its_floor_computes(database_url: str) -> None:
    measured = charging.measured(database_url, Clients(60, 5), rounds=2, turnover=True)
    assert measured["differences"] == 0
