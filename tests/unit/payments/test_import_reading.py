"""Amounts, days, encodings and records, one by one."""

from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from kontor.kernel.errors import Invalid
from kontor.payments.import_encoding import encoding_of
from kontor.payments.import_mapping import Mapping, parse_mapping
from kontor.payments.import_target import NamedResellers
from kontor.payments.import_values import NumberStyle, Unreadable, read_sum, read_wall, read_zone
from tests.support.payment_files import RESELLER, programme_with, readings

BERLIN = ZoneInfo("Europe/Berlin")
KINDS = "kinds: {Zahlung: payment, Storno: refund, Rückbuchung: chargeback}\n"


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("1.234,56", "1234.56"), ("1,234.56", "1234.56"), ("1 234,5", "1234.50"), ("1'234.50", "1234.50"),
        ("1234", "1234.00"), ("1.234.567", "1234567.00"), ("-5", "-5.00"), ("5,00-", "-5.00"),
        ("\N{MINUS SIGN}5", "-5.00"), ("+5", "5.00"), ("5,00 €", "5.00"), ("EUR 5", "5.00"),
        ("12\N{NARROW NO-BREAK SPACE}345,00", "12345.00"), ("0,5", "0.50"),
    ],
)  # fmt: skip
def test_amount_is_read_as_banks_write_it(text: str, amount: str) -> None:
    money = read_sum(text, "EUR", NumberStyle())
    assert (f"{'-' if money.negative else ''}{money.amount}", money.doubt) == (amount, None)


@pytest.mark.parametrize(
    "text",
    [
        "1,00,000.00", "(5)", "1e5", "5E+2", "12 34", "1..5", ".5", "5.", "1.2.3", "0.500", "1234.567", "--5", "-5-",
        "５", "", "NaN", "1234567890123456", "1.234,567", "5 EUR EUR",
    ],
)  # fmt: skip
def test_amount_is_refused_when_it_is_not_a_number(text: str) -> None:
    with pytest.raises(Unreadable):
        read_sum(text, "EUR", NumberStyle())


@pytest.mark.parametrize("text", ["1.000", "1,000", "-12.345", "999,999"])
def test_amount_is_in_doubt_when_it_may_be_a_thousand(text: str) -> None:
    assert read_sum(text, "EUR", NumberStyle()).doubt
    assert read_sum(text.replace(",", "."), "EUR", NumberStyle(",")).doubt
    assert not read_sum(text.replace(",", "."), "EUR", NumberStyle(",", ".")).doubt
    assert not read_sum(text.replace(",", "."), "EUR", NumberStyle(",", grouped=True)).doubt


@pytest.mark.parametrize(
    "text",
    [
        "2026-W44-1", "20261101", "20261101T00+03", "2026-305", "30.02.2026", "2026-13-01", "26-11-20", "03/04/2026",
        "31.12.25 25:00", "2026-01-31T10:00+99:00", "1.1.1899", "heute", "",
    ],
)  # fmt: skip
def test_day_is_refused_when_it_is_none_or_may_be_another(text: str) -> None:
    with pytest.raises(Unreadable):
        read_wall(text, None)


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2026-01-31", "2026-01-30T23:00:00"), ("31.1.26", "2026-01-30T23:00:00"),
        ("2026/01/31", "2026-01-30T23:00:00"), ("31.01.2026 12:30", "2026-01-31T11:30:00"),
        ("2026-11-01 12:30:00", "2026-11-01T11:30:00"),
        ("2026-01-31T12:30:00+03:00", "2026-01-31T09:30:00"), ("11/20/2026 2:03 PM", "2026-11-20T13:03:00"),
        ("20/11/2026", "2026-11-19T23:00:00"), ("2026-07-01 00:00:00 UTC", "2026-07-01T00:00:00"),
    ],
)  # fmt: skip
def test_day_is_read_in_the_zone_of_the_programme_unless_it_names_another(text: str, instant: str) -> None:
    assert read_wall(text, None).instant(BERLIN) == datetime.fromisoformat(instant).replace(tzinfo=UTC)


@pytest.mark.parametrize("name", ["CST", "IST", "BST", "Mars/Phobos", "", "+25:00"])
def test_zone_is_refused_when_it_has_several_meanings(name: str) -> None:
    with pytest.raises(Unreadable):
        read_zone(name)


@pytest.mark.parametrize(
    "text", ["Müller;Söhne\n", "Оплата;по счёту\n", "№ 5;ООО Ёлка\n", "Café;Noël à Besançon\n", "plain;text\n"]
)
def test_encoding_is_recognised(tmp_path: Path, text: str) -> None:
    path = tmp_path / "file.csv"
    for encoding in ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1251", "cp1252"):
        try:
            path.write_bytes((text * 3).encode(encoding))
        except UnicodeEncodeError:
            continue
        assert path.read_bytes().decode(encoding_of(path)).lstrip("\ufeff") == text * 3


@pytest.mark.parametrize(
    ("named", "encoding", "codec"),
    [
        ("Windows", "cp1251", "cp1251"),
        ("DOS", "cp866", "cp866"),
        ("Windows", "utf-8", "utf-8"),
        ("UTF-8", "utf-8", "utf-8"),
    ],
)
def test_statement_of_1c_is_read_in_the_code_page_that_it_names_unless_it_is_utf_8(
    tmp_path: Path, named: str, encoding: str, codec: str
) -> None:
    path = tmp_path / "1c.txt"
    path.write_bytes(f"1CClientBankExchange\r\nВерсияФормата=1.03\r\nКодировка={named}\r\n".encode(encoding))
    assert encoding_of(path) == codec


def test_broken_utf_8_is_refused_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "file.csv"
    path.write_bytes("Müller\nSöhne\n".encode() + b"\xff\n")
    with pytest.raises(Invalid, match=r"not UTF-8 \(line 3\)"):
        encoding_of(path)


def doubts(tmp_path: Path, text: str, mapping: Mapping = Mapping()) -> dict[int, str]:  # noqa: B008 -- frozen
    """Return the doubtful rows of a file, and `taken` for the others."""
    path = tmp_path / "file.csv"
    path.write_text(text)
    return {each.line: each.doubt or each.skipped or "taken" for each in readings(path, programme_with(), mapping)}


def test_unclosed_quote_names_its_own_line_and_the_other_rows_are_read(tmp_path: Path) -> None:
    rows = "".join(f"2026-01-05;{number}\n" for number in range(1, 6000))
    found_doubts = doubts(tmp_path, f'paid_at;amount\n2026-01-05;1\n2026-01-05;"2\n{rows}')
    assert found_doubts.pop(3) == "a quote is not closed"
    assert set(found_doubts.values()) == {"taken"}
    assert len(found_doubts) == 6000


def test_record_of_several_lines_has_the_number_of_its_first(tmp_path: Path) -> None:
    text = 'paid_at;amount;purpose\n2026-01-05;1;"a\nb\nc"\n\n2026-01-05;x;"d\ne"\n2026-01-05;3;f;g\n2026-01-05;4\n'
    assert doubts(tmp_path, text) == {
        2: "taken",
        6: "the amount 'x' is not a number",
        8: "has 4 cells instead of 3",
        9: "has 2 cells instead of 3",
    }


def test_mapping_gives_words_their_kind_and_skips_types(tmp_path: Path) -> None:
    source = f"columns: {{paid_at: Tag, amount: Betrag, kind: Art}}\n{KINDS}skip: [Auszahlung]\ndate: d.M.yyyy HH:mm\n"
    rows = (
        "Tag;Betrag;Art\n5.1.2026 10:00;1;zahlung\n5.1.2026 10:01;2;STORNO\n5.1.2026 10:02;3;Rückbuchung\n"
        "5.1.2026 10:03;4;Auszahlung\n5.1.2026 10:04;5;Miete\n5.1.2026;6;Zahlung\n"
    )
    path = tmp_path / "file.csv"
    path.write_text(rows)
    read = readings(path, programme_with(), parse_mapping(source, "m.yaml"))
    assert [each.row.kind.value if each.row else each.doubt or each.skipped for each in read] == [
        "payment",
        "refund",
        "chargeback",
        "a transfer to or from the own bank account",
        "the type 'Miete' is neither a payment nor the reversal of one: known are payment, refund and chargeback",
        "'5.1.2026' is not a day such as 2026-01-31 or 31.01.2026",
    ]


def test_preset_takes_another_date_by_a_mapping(tmp_path: Path) -> None:
    header = "Date,Time,TimeZone,Type,Status,Currency,Gross,Fee,Net,Transaction ID\n"
    row = "03/04/2026,10:00:00,UTC,Payment,Completed,EUR,5.00,0,5.00,T-1\n"
    assert "may begin with the day" in doubts(tmp_path, header + row)[2]
    mapping = parse_mapping("preset: paypal\ndate: M/d/yyyy\n", "m.yaml")
    assert doubts(tmp_path, header + row, mapping) == {2: "taken"}
    taken = readings(tmp_path / "file.csv", programme_with(), mapping)[0].row
    assert taken is not None
    assert taken.paid_at.month == 3


def test_reseller_is_named_by_a_word_and_not_by_a_part_of_one() -> None:
    import re

    from kontor.payments.import_layouts import RowFields

    named = NamedResellers({"r-1": (RESELLER,)}, re.compile(r"R-\d", re.IGNORECASE), "hosting")
    assert named(RowFields(2, texts=("SVWZ+R-1, Rechnung",))) == RESELLER
    assert named(RowFields(2, texts=("Vertrag R-17",))) == "the row names no reseller"
    assert named(RowFields(2, texts=("KUNDER-1",))) == "the row names no reseller"
