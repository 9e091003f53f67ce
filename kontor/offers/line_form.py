"""A line of a template as its form has it: the product by name or code, the term in words."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from kontor.kernel.terms import InvalidTerm, parse_term
from kontor.programme.model import Product

TERMS: Final = ("P1M", "P3M", "P6M", "P1Y", "P2Y", "P3Y")
USUAL: Final = "P1Y"
OTHER: Final = "other"
"""The term is a number (`term_number`) of units (`term_unit`)."""

UNTIL: Final = "until"
"""The term is a last day (`term_until`)."""


@dataclass(frozen=True, slots=True)
class SoldProduct:
    """A product to choose. `label`: its name, with the code where another has that name. `terms`: empty for any."""

    code: str
    label: str
    terms: Sequence[str]


@dataclass(frozen=True, slots=True)
class TermChoice:
    """A term to choose; `readable`: it has words, which a text that is none has not."""

    value: str
    readable: bool


def sold_products(visible: Mapping[str, Product], language: str) -> list[SoldProduct]:
    """Return the products by name in a language, in the order of the alphabet."""
    names = {code: product.name_in(language) for code, product in visible.items()}
    shared = Counter(map(_key, names.values()))
    labels = {code: name if shared[_key(name)] == 1 else f"{name} ({code})" for code, name in names.items()}
    products = [SoldProduct(code, label, visible[code].terms) for code, label in labels.items()]
    return sorted(products, key=lambda each: (_key(each.label), each.code))


def matching(products: Sequence[SoldProduct], search: str) -> list[SoldProduct]:
    """Return the products whose name or code has a text."""
    text = _key(search)
    return [each for each in products if text in _key(each.label) or text in _key(each.code)]


def product_of(typed: str, products: Sequence[SoldProduct]) -> SoldProduct | None:
    """Return the product with a code, else with a name, as typed; None for none."""
    by_code = next((each for each in products if each.code == typed.strip()), None)
    return by_code or next((each for each in products if _key(each.label) == _key(typed)), None)


def line_of(form: Mapping[str, str]) -> dict[str, object]:
    """Return count, mode and term as a form has them, valid or not."""
    typed = form.get("count", "").strip()
    count: object = int(typed) if typed.isascii() and typed.isdigit() and len(typed) < 10 else typed
    return {"count": count, "mode": form.get("mode", ""), "term": term_of(form)}


def term_of(form: Mapping[str, str]) -> str:
    """Return the term of a form: `P6M` or a day, chosen in words or typed as it is."""
    chosen = form.get("term", "").strip()
    if chosen == OTHER:
        return f"P{form.get('term_number', '').strip()}{form.get('term_unit', '')}"
    return form.get("term_until", "").strip() if chosen == UNTIL else chosen


def term_choices(product: SoldProduct | None, *shown: str) -> list[TermChoice]:
    """Return the terms to choose from: those of the product, else the usual ones; with those stored or typed."""
    offered = product.terms if product is not None and product.terms else TERMS
    terms = dict.fromkeys([*offered, *(term for term in shown if term not in {"", OTHER, UNTIL})])
    return [TermChoice(term, _is_term(term)) for term in terms]


def _is_term(text: str) -> bool:
    try:
        parse_term(text)
    except InvalidTerm:
        return False
    return True


def _key(text: str) -> str:
    """Return a text as it is compared: without case, accents composed, white space at the ends left off."""
    return unicodedata.normalize("NFC", text).strip().casefold()
