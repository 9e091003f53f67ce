"""Whatever a file's separators, encoding, decimals and days: a row is read right, or it is in doubt. Never wrong."""

import csv
import io
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kontor.kernel.errors import Invalid
from kontor.kernel.zones import localize
from kontor.payments.import_rows import ParsedRow
from tests.support.payment_files import NOW, programme_with, readings

PROGRAMME = programme_with("EUR", "Europe/Berlin")
TEXTS = (
    "Elbe Schulung",
    "Müller & Söhne",
    "Оплата по счёту",
    "Noël; à Besançon",
    'die "alte" Post',
    "a,b|c\td",
    "0012",
)
ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252", "cp1251")
DAY_FORMS = ("%Y-%m-%d", "%d.%m.%Y", "%d.%m.%y", "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%Y/%m/%d", "%Y-%m-%d %H:%M:%S")
PREAMBLES = ("", "sep={delimiter}\n", "Umsatzanzeige{delimiter}vom 1.1.2026\n\nKonto{delimiter}DE00\n\n")
HEADERS = {
    "kontor": ("paid_at", "amount", "reference", "purpose"),
    "sparda-old": ("Buchungstag", "Umsatz", "Verwendungszweck", "Wertstellungstag", "Währung"),
    "psp": ("Date", "Gross", "Transaction ID", "Description", "Currency", "Type"),
}


@dataclass(frozen=True)
class Truth:
    """What a row means."""

    amount: Decimal
    day: date
    clock: time
    reference: str
    text: str


def rows_of() -> st.SearchStrategy[list[Truth]]:
    amounts = st.decimals(-9_999_999, 9_999_999, places=2).filter(bool)
    days = st.dates(date(2001, 1, 1), date(2026, 11, 29))
    clocks = st.times(time(3), time(23, 59, 59)).map(lambda clock: clock.replace(microsecond=0))
    row = st.builds(
        Truth, amounts, days, clocks, st.from_regex(r"[A-Z]{2}-[0-9]{1,6}", fullmatch=True), st.sampled_from(TEXTS)
    )
    return st.lists(row, min_size=1, max_size=6, unique_by=lambda truth: truth.reference)


def amount_text(amount: Decimal, decimal: str, thousands: str, trailing: str) -> str:
    """Write an amount as some bank does; without zeros at its end when `trailing` says so."""
    whole, _, fraction = f"{abs(amount):,.2f}".partition(".")
    fraction = fraction.rstrip("0") if trailing == "short" else fraction
    digits = whole.replace(",", thousands) + (decimal + fraction if fraction else "")
    if trailing == "after" and amount < 0:
        return f"{digits}-"
    return f"-{digits}" if amount < 0 else digits


def cells_of(layout: str, truth: Truth, day: str, amount: str) -> tuple[str, ...]:
    """Return the cells of a row in a layout."""
    if layout == "kontor":
        return day, amount, truth.reference, truth.text
    if layout == "sparda-old":
        return day, amount, truth.text, "", "EUR"
    return day, amount, truth.reference, truth.text, "EUR", "Payment" if truth.amount > 0 else "Refund"


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=rows_of(),
    layout=st.sampled_from(sorted(HEADERS)),
    delimiter=st.sampled_from(";,\t|"),
    encoding=st.sampled_from(ENCODINGS),
    preamble=st.sampled_from(PREAMBLES),
    numbers=st.sampled_from(
        [(",", "."), (".", ","), (",", ""), (".", ""), (",", " "), (".", "'"), (",", "\N{NO-BREAK SPACE}")]
    ),
    trailing=st.sampled_from(["full", "short", "after"]),
    form=st.sampled_from(DAY_FORMS),
    end=st.sampled_from(["\n", "\r\n"]),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
)
def test_row_is_right_or_in_doubt_whatever_the_file_looks_like(
    tmp_path: Path, rows: list[Truth], layout: str, delimiter: str, encoding: str, preamble: str,
    numbers: tuple[str, str], trailing: str, form: str, end: str, quoting: int,
) -> None:  # fmt: skip
    out = io.StringIO()
    writer = csv.writer(out, delimiter=delimiter, lineterminator="\n", quoting=quoting)  # type: ignore[arg-type]  # an int
    writer.writerow(HEADERS[layout])
    for truth in rows:
        wall = datetime.combine(truth.day, truth.clock)
        writer.writerow(cells_of(layout, truth, wall.strftime(form), amount_text(truth.amount, *numbers, trailing)))
    text = preamble.format(delimiter=delimiter) + out.getvalue()
    path = tmp_path / "any.csv"
    path.write_bytes(text.replace("\n", end).encode(encoding, "replace"))
    try:
        read = readings(path, PROGRAMME)
    except Invalid:
        return
    assert len(read) == len(rows)
    for reading, truth in zip(read, rows, strict=True):
        if reading.row is not None:
            check(reading.row, truth, timed="%H" in form, named=layout != "sparda-old")
        else:
            assert reading.doubt


def check(row: ParsedRow, truth: Truth, *, timed: bool, named: bool) -> None:
    """Compare a row that was taken with what it means."""
    clock = truth.clock if timed else time.min
    assert row.paid_at == localize(datetime.combine(truth.day, clock), PROGRAMME.zone)
    assert row.paid_at <= NOW
    assert (row.amount, row.kind == "payment") == (abs(truth.amount), truth.amount > 0)
    assert row.reference == (truth.reference if named else None)


def test_most_files_of_the_fuzz_are_read(tmp_path: Path) -> None:
    """The other test means nothing if every file is refused."""
    truth = Truth(Decimal("-1234.50"), date(2026, 11, 25), time(12), "AB-1", TEXTS[1])
    taken = 0
    for layout, header in HEADERS.items():
        for form in DAY_FORMS:
            for decimal, thousands in ((",", "."), (".", ",")):
                wall = datetime.combine(truth.day, truth.clock)
                cells = cells_of(
                    layout, truth, wall.strftime(form), amount_text(truth.amount, decimal, thousands, "full")
                )
                path = tmp_path / "file.csv"
                path.write_text("\n".join(";".join(row) for row in (header, cells)), encoding="cp1252")
                taken += sum(reading.row is not None for reading in readings(path, PROGRAMME))
    assert taken >= 2 * len(HEADERS) * len(DAY_FORMS) - len(DAY_FORMS)
