"""Files of payments: all rows or none (contract, `kontor import payments`)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from tests.oracle.memory import JournalEntry
from tests.oracle.money_facts import enter, fact_of, seen
from tests.oracle.offers import expected

if TYPE_CHECKING:
    from tests.oracle.oracle import Oracle


def numbered_rows(entry: JournalEntry) -> Iterator[tuple[int, int, Mapping[str, Any]]]:
    """Every row that is not left out, with its number in the file and among the rows that are equal to it."""
    places: Counter[object] = Counter()
    for number, row in enumerate(entry.values["rows"]):
        if number not in entry.values["left_out"]:
            content = tuple(sorted((name, str(value)) for name, value in row.items()))
            places[content] += 1
            yield number, places[content], row


def is_doubtful(oracle: Oracle, entry: JournalEntry, place: int, row: Mapping[str, Any]) -> bool:
    """Whether somebody has to say what to do with a row."""
    if row["paid_at"] > entry.at or row["reseller"] is None or place > 1:
        return True
    return seen(oracle, row["reseller"], row["reference"]) not in (None, fact_of(row))


def bank_file(oracle: Oracle, entry: JournalEntry) -> None:
    """A row in doubt that nobody accepted refuses the file; of equal ones, each accepted one is a payment of its own.

    One that names nobody waits until somebody says whose it is.
    """
    rows = list(numbered_rows(entry))
    doubtful = {number for number, place, row in rows if is_doubtful(oracle, entry, place, row)}
    if not doubtful <= set(entry.values["accepted"]):
        expected(oracle, entry, "doubtful")
        return
    if not expected(oracle, entry, "ok"):
        return
    counts = Counter(imported=0, unmatched=0, already_there=0, skipped=len(entry.values["left_out"]))
    for number, place, row in rows:
        counts[take(oracle, entry.values["file"], number, place, row)] += 1
    if dict(entry.result) != dict(counts):
        oracle.memory.complaints.append(f"{entry.at} {entry.values['file']}: {entry.result}, expected {counts}")


def take(oracle: Oracle, file: str, number: int, place: int, row: Mapping[str, Any]) -> str:
    """Enter a row; return what became of it."""
    if row["reseller"] is None:
        oracle.memory.unmatched[file, number] = row
        return "unmatched"
    reference = row["reference"] if place == 1 else (row["reference"], fact_of(row), place)
    if seen(oracle, row["reseller"], reference) is not None:
        return "already_there"
    enter(oracle, row["reseller"], reference, fact_of(row))
    return "imported"


def assign_unmatched(oracle: Oracle, entry: JournalEntry) -> None:
    """The payment of a row is the reseller's that somebody names, on its own date."""
    place = entry.values["file"], entry.values["row"]
    if place not in oracle.memory.unmatched:
        expected(oracle, entry, "not_found")
    elif expected(oracle, entry, "ok"):
        row = oracle.memory.unmatched.pop(place)
        enter(oracle, entry.values["reseller"], row["reference"], fact_of(row))
