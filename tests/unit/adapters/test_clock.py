from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import cast

import pytest

from kontor.adapters.clock import ClockReading, ServerClock
from kontor.kernel.database import PgConnection

NOON = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)


@dataclass
class Machine:
    """A host, the error of its clock in seconds, and a PostgreSQL whose next answers take `trips` seconds."""

    seconds: float = 0.0
    error: float = 0.0
    trips: list[float] = field(default_factory=list)
    answer: datetime = NOON

    def elapsed(self) -> float:
        return self.seconds

    def host(self) -> datetime:
        return NOON + timedelta(seconds=self.seconds + self.error)

    def execute(self, _statement: str) -> "Machine":
        trip = self.trips.pop(0) if self.trips else 0.001
        self.answer = NOON + timedelta(seconds=self.seconds + trip / 2)
        self.seconds += trip
        return self

    def fetchone(self) -> tuple[datetime]:
        return (self.answer,)


def measured(clock: ServerClock, machine: Machine, trips: Sequence[float] = ()) -> ClockReading:
    machine.trips = list(trips)
    return clock.measure(cast(PgConnection, machine))


@pytest.fixture
def machine() -> Machine:
    return Machine()


@pytest.fixture
def clock(machine: Machine) -> ServerClock:
    return ServerClock(machine.elapsed, machine.host)


def true_time(machine: Machine) -> datetime:
    return NOON + timedelta(seconds=machine.seconds)


def off_by(clock: ServerClock, machine: Machine) -> float:
    return abs((clock.now() - true_time(machine)).total_seconds())


def test_now_is_postgresqls_time_when_the_host_is_wrong(clock: ServerClock, machine: Machine) -> None:
    machine.error = 0.3
    reading = measured(clock, machine)
    assert reading.offset_seconds == pytest.approx(0.3, abs=1e-6)
    assert clock.offset == reading.offset_seconds
    machine.seconds += 5
    assert off_by(clock, machine) < 0.001
    assert clock.wall_time() == clock.now()


def test_now_does_not_move_when_the_host_clock_jumps(clock: ServerClock, machine: Machine) -> None:
    measured(clock, machine)
    machine.error = 86_400
    assert off_by(clock, machine) < 0.001


def test_offset_is_measured_by_the_quickest_of_three_round_trips(clock: ServerClock, machine: Machine) -> None:
    reading = measured(clock, machine, [3.0, 0.002, 1.0])
    assert reading.round_trip_seconds == pytest.approx(0.002)
    assert machine.trips == []


def test_clock_is_distrusted_when_three_quick_beats_are_over_five_seconds_off(
    clock: ServerClock, machine: Machine
) -> None:
    machine.error = -5.5
    trusted = []
    for _ in range(3):
        measured(clock, machine)
        trusted.append(clock.trusted)
    assert trusted == [True, True, False]
    machine.error = 4
    measured(clock, machine)
    assert clock.trusted


def test_clock_stays_trusted_when_the_round_trips_are_slow(clock: ServerClock, machine: Machine) -> None:
    machine.error = 60
    for _ in range(5):
        measured(clock, machine, [0.3, 0.3, 0.3])
    assert clock.trusted


def test_quick_time_is_kept_when_the_next_measurement_is_slow(clock: ServerClock, machine: Machine) -> None:
    measured(clock, machine)
    machine.seconds += 1
    before = off_by(clock, machine)
    measured(clock, machine, [0.9, 0.8, 2.0])
    assert off_by(clock, machine) == pytest.approx(before, abs=1e-6)
