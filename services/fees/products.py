"""A reseller's products: list all, edit those that the reseller manages."""

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


def page(ctx: FeeBook, session: Session, reseller_id: UUID, after: str | None, limit: int) -> Page[dict[str, Any]]:
    """Return the products that a reseller may sell, by code. Raises NotFound, Conflict(`not_a_reseller`)."""
    owner = reseller(session, reseller_id)
    shelf = Shelf.of(ctx, session, owner)
    codes = [code for code in sorted(shelf.products) if after is None or code > after]
    page_of_codes = cut(codes[: limit + 1], limit, lambda code: code)
    percents, today = Percents(session, shelf.programme), ctx.today(shelf.programme)
    return Page(
        tuple(document(shelf, code, owner, percents, today) for code in page_of_codes.items), page_of_codes.next
    )


def refuse_editing(ctx: FeeBook, session: Session, reseller_id: UUID, code: str) -> None:
    """Raise NotFound for a product that the reseller cannot see, Forbidden for one that it does not manage."""
    owner = accounts.by_id(session, reseller_id)
    if owner is None:
        return
    product = Shelf.of(ctx, session, owner).product(code)
    if product.managed_by is not ManagedBy.RESELLER:
        raise Forbidden(
            "managed_by_provider", f"{product.name} is managed by the provider; change it in the programme file."
        )


def edit(ctx: FeeBook, session: Session, reseller_id: UUID, code: str, fields: Mapping[str, Any]) -> dict[str, Any]:
    """Change a product's name or recommended retail fee (Money); None restores the programme's value.

    Raises NotFound, Forbidden(`managed_by_provider`), Conflict(`not_a_reseller`), Invalid.
    """
    owner = living(reseller(session, reseller_id, kept=True))
    refuse_editing(ctx, session, reseller_id, code)
    changes: dict[str, Any] = {}
    if "name" in fields:
        changes["name"] = None if fields["name"] is None else _name(fields["name"])
    if "retail_fee" in fields:
        changes["retail_fee"] = None if fields["retail_fee"] is None else fields["retail_fee"].amount
    if changes:
        edits.put(session, owner.programme, code, owner.id, changes, ctx.now)
    shelf = Shelf.of(ctx, session, owner)
    return document(shelf, code, owner, Percents(session, shelf.programme), ctx.today(shelf.programme))


def _name(name: str) -> str:
    clean = unicodedata.normalize("NFC", name).strip()
    if not 1 <= len(clean) <= NAME_LIMIT or not clean.isprintable():
        message = f"The name must have 1 to {NAME_LIMIT} printable characters."
        raise Invalid("invalid", message, errors=[FieldError("name", message)])
    return clean


def document(shelf: Shelf, code: str, owner: Account, percents: Percents, day: date) -> dict[str, Any]:
    """Return a product as JSON for its reseller; fees are monthly, null when there is none."""
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
