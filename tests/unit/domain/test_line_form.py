"""The form of a template's line: products by name or code, terms in words."""

from dataclasses import replace

import pytest

from kontor.offers.line_form import line_of, matching, product_of, sold_products, term_choices, term_of
from kontor.programme.model import Product, Programme
from kontor.programme.parse import parse
from tests.support.wiring import EXAMPLES

LEARNING = parse((EXAMPLES / "learning.yaml").read_text())
assert isinstance(LEARNING, Programme)
PRODUCTS = dict(LEARNING.products)


def sold(language: str, *more: Product) -> list[tuple[str, str]]:
    products = {**PRODUCTS, **{product.code: product for product in more}}
    return [(each.code, each.label) for each in sold_products(products, language)]


def test_products_are_in_the_order_of_their_names_in_the_readers_language() -> None:
    labels = [label for _, label in sold("de")]
    assert labels == sorted(labels, key=str.casefold)
    assert ("first-aid", "Erste Hilfe") in sold("de")
    assert ("first-aid", "First aid") in sold("en")


def test_products_of_one_name_are_told_apart_by_their_codes() -> None:
    twin = replace(PRODUCTS["first-aid"], code="first-aid-2")
    labels = dict(sold("de", twin))
    assert (labels["first-aid"], labels["first-aid-2"]) == ("Erste Hilfe (first-aid)", "Erste Hilfe (first-aid-2)")


@pytest.mark.parametrize("typed", ["first-aid", " Erste Hilfe ", "ERSTE HILFE"])
def test_product_is_understood_by_code_and_by_name(typed: str) -> None:
    product = product_of(typed, sold_products(PRODUCTS, "de"))
    assert product is not None
    assert product.code == "first-aid"


def test_part_of_a_name_or_code_searches_and_chooses_nothing() -> None:
    products = sold_products(PRODUCTS, "de")
    assert [each.code for each in matching(products, "hilf")] == ["first-aid"]
    assert [each.code for each in matching(products, "FIRST-A")] == ["first-aid"]
    assert product_of("Erste", products) is None


@pytest.mark.parametrize(
    ("form", "term"),
    [
        ({"term": "P1Y"}, "P1Y"),
        ({"term": " 2027-12-31 "}, "2027-12-31"),
        ({"term": "other", "term_number": "45", "term_unit": "D"}, "P45D"),
        ({"term": "until", "term_until": "2027-12-31"}, "2027-12-31"),
        ({"term": "other"}, "P"),
        ({"term": "until"}, ""),
        ({}, ""),
    ],
)
def test_term_is_what_was_chosen_in_words_or_typed(form: dict[str, str], term: str) -> None:
    assert term_of(form) == term


@pytest.mark.parametrize(("typed", "count"), [("7", 7), (" 7 ", 7), ("0", 0), ("7.5", "7.5"), ("", ""), ("٣", "٣")])
def test_count_that_is_no_number_is_kept_for_the_refusal(typed: str, count: object) -> None:
    assert line_of({"count": typed})["count"] == count


def test_product_that_is_limited_offers_its_terms_alone_and_what_is_stored() -> None:
    (limited,) = sold_products({"x": replace(PRODUCTS["first-aid"], code="x", terms=("P6M", "P1Y"))}, "en")
    assert [each.value for each in term_choices(limited, "P30D", "other")] == ["P6M", "P1Y", "P30D"]
    assert [each.value for each in term_choices(None, "")][:2] == ["P1M", "P3M"]
    assert [each.readable for each in term_choices(limited, "soon")] == [True, True, False]
