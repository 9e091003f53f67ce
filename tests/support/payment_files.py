"""Exports of our own making in the layouts of banks and payment services, and how they are read without a database.

`bank_exports/expected.json` says what each row is: `line kind amount day reference`, the reference `-` when it
has to be made; `line ? words` when the row is in doubt; `line / words` when it is skipped.
"""

import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID
from zoneinfo import ZoneInfo

from kontor.payments.import_mapping import Mapping
from kontor.payments.import_parse import PaymentFile
from kontor.payments.import_rows import Reseller, RowReader, RowReading
from kontor.programme.model import Programme
from kontor.programme.parse import parse
from tests.support.wiring import EXAMPLES

EXPORTS = Path(__file__).parent / "bank_exports"
NOW = datetime(2026, 11, 30, 23, tzinfo=UTC)
RESELLER = UUID(int=1)
ANY_FILE = Mapping()


@dataclass(frozen=True, slots=True)
class BankExport:
    """A file: its layout and encoding, the programme's currency and zone, and what its rows are."""

    path: Path
    layout: str
    encoding: str
    programme: Programme
    rows: tuple[str, ...]


def bank_exports() -> list[BankExport]:
    """Return all files."""
    documents = json.loads((EXPORTS / "expected.json").read_text())
    return [
        BankExport(
            EXPORTS / document["file"],
            document["layout"],
            document["encoding"],
            programme_with(document["currency"], document["zone"]),
            tuple(document["rows"]),
        )
        for document in documents
    ]


def programme_with(currency: str = "EUR", timezone: str = "Europe/Berlin") -> Programme:
    """Return a programme of that currency and zone."""
    programme = parse((EXAMPLES / "hosting.yaml").read_text())
    assert isinstance(programme, Programme)
    return replace(programme, currency=currency, timezone=ZoneInfo(timezone).key)


def readings(
    path: Path,
    programme: Programme,
    mapping: Mapping = ANY_FILE,
    reseller: Reseller = lambda _: RESELLER,
    **choices: frozenset[int],
) -> list[RowReading]:
    """Read all rows of a file."""
    file = PaymentFile.of(path, mapping)
    reader = RowReader(file.layout, programme, NOW, file.shape.order, reseller, **choices)
    return list(file.readings(reader))


def shown(reading: RowReading, programme: Programme) -> str:
    """Return a reading as `expected.json` writes it; a day for its first instant."""
    if reading.row is None:
        return f"{reading.line} / {reading.skipped}" if reading.skipped else f"{reading.line} ? {reading.doubt}"
    row = reading.row
    local = row.paid_at.astimezone(programme.zone)
    midnight = (local.hour, local.minute, local.second) == (0, 0, 0)
    day = local.date().isoformat() if midnight else f"{row.paid_at:%Y-%m-%dT%H:%M:%SZ}"
    return f"{row.line} {row.kind} {row.amount} {day} {row.reference or '-'}"
