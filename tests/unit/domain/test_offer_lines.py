from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from kontor.kernel.states import LineMode
from kontor.licences.rules import OfferLine, expired_line_errors, line_errors, unknown_products
from kontor.offers.templates import lines_to_json

PRODUCTS = frozenset({"excel-basics", "data-protection"})
GOOD = OfferLine("excel-basics", 10, LineMode.RELATIVE, "P1Y")


def test_valid_lines_have_no_errors() -> None:
    assert line_errors([GOOD, OfferLine("data-protection", 1, LineMode.ABSOLUTE, "2027-12-31")], PRODUCTS) == ()


def test_every_error_names_its_field() -> None:
    bad = [
        GOOD,
        OfferLine("nonsense", 0, LineMode.ABSOLUTE, "soon"),
        OfferLine("excel-basics", 10**7, *GOOD_REST),
    ]

    assert [error.loc for error in line_errors(bad, PRODUCTS)] == [
        "lines.1.product",
        "lines.1.count",
        "lines.1.term",
        "lines.2.count",
    ]


GOOD_REST = (GOOD.mode, GOOD.term)


@pytest.mark.parametrize(("count", "places"), [(0, []), (100, []), (101, ["lines"])])
def test_lists_of_over_a_hundred_lines_are_refused(count: int, places: list[str]) -> None:
    assert [error.loc for error in line_errors([GOOD] * count, PRODUCTS)] == places


def test_unknown_product_is_named_once() -> None:
    lines = [OfferLine(code, 1, *GOOD_REST) for code in ("b", "a", "b", "excel-basics")]

    assert unknown_products(lines, PRODUCTS) == ("b", "a")


def test_last_day_is_over_when_the_local_day_is() -> None:
    lines = [GOOD, OfferLine("excel-basics", 1, LineMode.RELATIVE, "2026-03-01")]
    moscow = ZoneInfo("Europe/Moscow")

    assert expired_line_errors(lines, datetime(2026, 3, 1, 20, 59, tzinfo=UTC), moscow) == ()
    errors = expired_line_errors(lines, datetime(2026, 3, 1, 21, tzinfo=UTC), moscow)
    assert [error.loc for error in errors] == ["lines.1.term"]


def test_line_is_unchanged_after_conversion_to_a_document() -> None:
    assert [OfferLine.from_document(line) for line in lines_to_json([GOOD])] == [GOOD]
