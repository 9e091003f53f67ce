"""A reseller's products: listed, and edited where the reseller manages them."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from datetime import date
from typing import Any, Final
from uuid import UUID

from sqlalchemy.orm import Session

from domain.errors import FieldError, Forbidden, Invalid
from domain.fees import below_cost, fee
from domain.paging import Page, cut
from domain.programme.model import ManagedBy
from mail.catalogue import language_of
from models.accounts import Account
from services.account_book import living
from services.fees.book import FeeBook
from services.fees.prices import Percents, wholesale
from services.fees.shelf import Shelf
from services.resellers import reseller
from store import accounts
from store.fees import edits

NAME_LIMIT: Final = 200


def page(book: FeeBook, session: Session, reseller_id: UUID, after: str | None, limit: int) -> Page[dict[str, Any]]:
    """What a reseller may sell, by code. Raises NotFound, Conflict(`not_a_reseller`)."""
    owner = reseller(session, reseller_id)
    shelf = Shelf.of(book, session, owner)
    codes = [code for code in sorted(shelf.products) if after is None or code > after]
    cut_ = cut(codes[: limit + 1], limit, lambda code: code)
    percents, today = Percents(session, shelf.programme), book.today(shelf.programme)
    return Page(tuple(document(shelf, code, owner, percents, today) for code in cut_.items), cut_.next)


def refuse_editing(book: FeeBook, session: Session, reseller_id: UUID, code: str) -> None:
    """Raise NotFound for what the reseller does not see, Forbidden for what it does not manage."""
    owner = accounts.by_id(session, reseller_id)
    if owner is None:
        return
    product = Shelf.of(book, session, owner).product(code)
    if product.managed_by is not ManagedBy.RESELLER:
        raise Forbidden("managed_by_provider", f"{product.name} is managed by the provider: its file is the place.")


def edit(book: FeeBook, session: Session, reseller_id: UUID, code: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """Change the name or the recommended retail fee (Money); None: as the programme has it.

    Raises NotFound, Forbidden(`managed_by_provider`), Conflict(`not_a_reseller`), Invalid.
    """
    owner = living(reseller(session, reseller_id, kept=True))
    refuse_editing(book, session, reseller_id, code)
    changes: dict[str, Any] = {}
    if "name" in given:
        changes["name"] = None if given["name"] is None else _name(given["name"])
    if "retail_fee" in given:
        changes["retail_fee"] = None if given["retail_fee"] is None else given["retail_fee"].amount
    if changes:
        edits.put(session, owner.programme, code, owner.id, changes, book.now)
    fresh = Shelf.of(book, session, owner)
    return document(fresh, code, owner, Percents(session, fresh.programme), book.today(fresh.programme))


def _name(name: str) -> str:
    clean = unicodedata.normalize("NFC", name).strip()
    if not 1 <= len(clean) <= NAME_LIMIT or not clean.isprintable():
        message = f"A name is 1 to {NAME_LIMIT} printable characters."
        raise Invalid("invalid", message, errors=[FieldError("name", message)])
    return clean


def document(shelf: Shelf, code: str, owner: Account, percents: Percents, day: date) -> dict[str, Any]:
    """The JSON shape of a product as its seller sees it; fees are monthly, null without one."""
    product, retail = shelf.products[code], shelf.retail(code)
    price = wholesale(shelf.programme, product)
    cost = None if price is None else fee(price.fee, percents.of(owner.id, price.family, day)).total
    subscription = shelf.programme.reseller_subscriptions.get(product.reseller_subscription or "")
    return {
        "product": code,
        "name": shelf.name(code, language_of(owner.locale)),
        "family": product.family,
        "managed_by": product.managed_by.value,
        "editable": product.managed_by is ManagedBy.RESELLER,
        "price": None if product.price is None else product.price.to_document(),
        "retail_fee": None if retail is None else retail.to_document(),
        "reseller_fee": None if price is None else price.fee.to_document(),
        "cost": None if cost is None else cost.to_document(),
        "below_cost": retail is not None and cost is not None and below_cost(retail, cost),
        "multiple": None if subscription is None else subscription.multiple,
    }
