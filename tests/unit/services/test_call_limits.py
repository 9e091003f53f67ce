"""Token buckets, seats of waiting requests, counts of unfinished jobs."""

from typing import Any, cast

import pytest

from kontor.http.limits import KeyRates, Seats, TenantJobs
from kontor.kernel.ids import new_id
from kontor.kernel.limits import LimitReached, Spent


class Seconds:
    """A monotonic clock that a test moves."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Stored:
    """Stands for the connection: the overrides it would read, and the rate that the key was made with."""

    def __init__(self, *rows: tuple[str, str, int], rate: int | None = None) -> None:
        self.rows = rows
        self.rate = rate
        self.reads = 0

    def execute(self, statement: str, _params: object) -> "Stored":
        self.reads += "limit_overrides" in statement
        return self

    def fetchone(self) -> tuple[int | None]:
        return (self.rate,)

    def fetchall(self) -> list[tuple[str, str, int]]:
        return list(self.rows)


KEY_ID = new_id()


def rates_of(seconds: Seconds, *rows: tuple[str, str, int], scopes: frozenset[str] = frozenset({"read"})) -> KeyRates:
    rates = KeyRates(seconds)
    rates.learn("key", KEY_ID, scopes, cast("Any", Stored(*rows)))
    return rates


def accepted(rates: KeyRates, tries: int) -> int:
    return sum(rates.take("key") is None for _ in range(tries))


@pytest.mark.parametrize(
    ("scopes", "rows", "rate"),
    [
        (frozenset({"read"}), (), 50),
        (frozenset({"read", "operate"}), (), 2_000),
        (frozenset({"admin"}), (("api_rate", str(KEY_ID), 7),), 7),
        (frozenset({"read"}), (("api_rate", "", 9),), 9),
        (frozenset({"operate"}), (("api_rate", "", 9),), 2_000),
    ],
)
def test_key_sends_its_burst_then_its_rate(
    scopes: frozenset[str], rows: tuple[tuple[str, str, int], ...], rate: int
) -> None:
    seconds = Seconds()
    rates = rates_of(seconds, *rows, scopes=scopes)
    assert accepted(rates, 5 * rate) == 4 * rate - 1  # the request by which it became known took the first
    seconds.now += 1
    assert accepted(rates, 2 * rate) == rate
    refusal = rates.take("key")
    assert refusal is not None
    assert (refusal.code, refusal.allowed, refusal.retry_after_seconds) == ("too_many", rate, 1)


def test_rate_that_a_key_was_made_with_holds_unless_it_is_overridden() -> None:
    for rows, rate in (((), 7), ((("api_rate", "", 9),), 7), ((("api_rate", str(KEY_ID), 5),), 5)):
        rates = KeyRates(Seconds())
        rates.learn("key", KEY_ID, frozenset({"read"}), cast("Any", Stored(*rows, rate=7)))
        assert accepted(rates, 100) == 4 * rate - 1


def test_unknown_key_is_not_limited() -> None:
    assert accepted(KeyRates(Seconds()), 1_000) == 1_000


def test_values_of_a_key_are_read_again_after_five_seconds() -> None:
    seconds, stored = Seconds(), Stored()
    rates = KeyRates(seconds)
    for after, reads in ((0, 1), (4.9, 1), (5.1, 2)):
        seconds.now = 100 + after
        rates.learn("key", KEY_ID, frozenset({"read"}), cast("Any", stored))
        assert stored.reads == reads


def test_requests_of_other_processes_come_off_when_buckets_are_settled() -> None:
    seconds = Seconds()
    rates = rates_of(seconds)
    assert accepted(rates, 49) == 49
    assert rates.unsettled() == {"key": Spent(50, 50)}
    rates.settled({"key": 10.0})
    assert accepted(rates, 100) == 10
    rates.settled({"key": -50.0})
    seconds.now += 1
    assert accepted(rates, 100) == 0


def test_seat_is_refused_when_a_key_has_enough_waiting_or_all_have() -> None:
    seats = Seats()
    assert [seats.sit("a", 2) for _ in range(2)] == [None, None]
    refusal = seats.sit("a", 2)
    assert refusal is not None
    assert refusal.limit.name == "waiting"
    seats.leave("a")
    assert seats.sit("a", 2) is None
    assert {seats.sit(f"key {number}", 1) for number in range(3_998)} == {None}
    beyond = seats.sit("b", 2)
    assert beyond is not None
    assert beyond.limit.name == "waiting_process"
    assert seats.sit("b", 2, in_all=4_001) is None


def test_job_is_refused_when_the_tenant_has_enough_unfinished_and_they_are_counted_again() -> None:
    seconds, stored, counts = Seconds(), [7], []
    jobs = TenantJobs(seconds)

    def read() -> tuple[int, int]:
        counts.append(stored[0])
        return stored[0], 10

    jobs.add("tenant", 2, read)
    with pytest.raises(LimitReached):
        jobs.add("tenant", 2, read)
    jobs.add("tenant", 1, read)
    stored[0] = 0
    seconds.now += 5
    jobs.add("tenant", 10, read)
    assert counts == [7, 0]
