"""The products of a programme, as one of its resellers sees them."""

from __future__ import annotations

from collections.abc import Mapping

from domain.programme import Programme
from domain.programme.model import ManagedBy, Product
from mail.catalogue import language_of
from models.accounts import Account


def visible(programme: Programme, owner: Account) -> Mapping[str, Product]:
    """Return the products that a reseller may sell: all except those that another reseller manages."""
    return {
        code: product
        for code, product in programme.products.items()
        if product.managed_by is not ManagedBy.RESELLER or product.reseller == owner.name
    }


def name_of(programme: Programme, code: str, locale: str) -> str:
    """Return a product's name in a locale; its code when the programme no longer has it."""
    product = programme.products.get(code)
    return product.name_in(language_of(locale)) if product is not None else code
