"""The products of a programme as one reseller sees them, with the reseller's edits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.orm import Session

from domain.errors import NotFound
from domain.money import Money
from domain.programme import Programme
from domain.programme.model import ManagedBy, Product
from models.accounts import Account
from models.fees import FeeRun, ProductEdit, Stop
from services import products
from services.fees.book import FeeBook
from store import accounts
from store.fees import edits


@dataclass(frozen=True, slots=True)
class Shelf:
    """The visible products by code, and the edits of those that the reseller manages."""

    programme: Programme
    owner_id: UUID
    products: Mapping[str, Product]
    edits: Mapping[str, ProductEdit]

    @classmethod
    def of(cls, ctx: FeeBook, session: Session, owner: Account) -> Shelf:
        """Return the products that a reseller may assign."""
        programme = ctx.programme_of(session, owner)
        has_managed = any(product.managed_by is ManagedBy.RESELLER for product in programme.products.values())
        own_edits = edits.of(session, owner.programme, owner.id) if has_managed else {}
        return cls(programme, owner.id, products.visible(programme, owner), own_edits)

    @classmethod
    def of_account(cls, ctx: FeeBook, session: Session, account: Account) -> Shelf:
        """Return the products that may be assigned to an account: those its reseller sees."""
        owner = accounts.by_id(session, account.reseller_id) if account.reseller_id is not None else None
        return cls.of(ctx, session, owner or account)

    def product(self, code: str) -> Product:
        """Return a visible product. Raises NotFound(`unknown_product`)."""
        product = self.products.get(code)
        if product is None:
            raise NotFound("unknown_product", f"There is no product {code!r}.")
        return product

    def includes(self, run: FeeRun) -> bool:
        """Whether the reseller sees an assignment: also of a hidden product if it pays for it after a merge."""
        return run.code in self.products or run.stopped_by != Stop.DISCONNECTED

    def name(self, code: str, locale: str = "") -> str:
        """Return the product's name; its code when the programme no longer has it."""
        edit, product = self.edits.get(code), self.programme.products.get(code)
        if edit is not None and edit.name is not None:
            return edit.name
        return code if product is None else product.name_in(locale)

    def retail(self, code: str) -> Money | None:
        """Return the recommended retail fee; None when the product has no monthly fee."""
        product = self.programme.products.get(code)
        subscription = None if product is None else product.account_subscription
        if subscription is None:
            return None
        edit = self.edits.get(code)
        if edit is not None and edit.retail_fee is not None:
            return Money(edit.retail_fee, self.programme.currency)
        return self.programme.account_subscriptions[subscription].fee
