"""Files in the layouts of banks and payment services: right amounts, days and references, doubtful rows named."""

import pytest

from kontor.payments.import_mapping import mapping_of
from kontor.payments.import_parse import PaymentFile
from kontor.payments.import_services import NAMED
from tests.support.payment_files import BankExport, bank_exports, readings, shown

every_export = pytest.mark.parametrize("export", bank_exports(), ids=lambda export: export.path.stem)


@every_export
def test_each_row_is_read_or_named_when_a_bank_exports_it(export: BankExport) -> None:
    file = PaymentFile.of(export.path)
    assert (file.layout.name, file.shape.codec) == (export.layout, export.encoding)
    rows = [shown(reading, export.programme) for reading in readings(export.path, export.programme)]
    assert len(rows) == len(export.rows), rows
    for row, expected in zip(rows, export.rows, strict=True):
        number, mark, words = expected.split(" ", 2)
        if mark in {"?", "/"}:
            assert row.startswith(f"{number} {mark} "), row
            assert words in row
        else:
            assert row == expected


def test_every_preset_has_a_file() -> None:
    assert {export.layout for export in bank_exports()} == set(NAMED) - {"kontor"}


@every_export
def test_file_is_read_alike_when_its_preset_is_named(export: BankExport) -> None:
    mapping = mapping_of(export.path.stem.split("-")[0].replace("another", "psp"))
    assert readings(export.path, export.programme, mapping) == readings(export.path, export.programme)
