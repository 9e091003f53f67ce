"""A reseller's products: prices, fees and the edits it may make."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Final, TypedDict
from uuid import UUID

from sqlalchemy.orm import Session

from kontor.accounts import service as accounts
from kontor.accounts.locks import require_active, require_reseller
from kontor.context import Context
from kontor.discounts.record import tier_for, tiers_for
from kontor.discounts.rules import reseller_percent
from kontor.fees import queries
from kontor.fees.rules import below_cost, discounted_fee
from kontor.fees.schemas import ProductOut, money_out
from kontor.http.wire import MoneyOut
from kontor.kernel.errors import FieldError, Forbidden, Invalid, NotFound
from kontor.kernel.money import Money
from kontor.kernel.paging import Page, paginate
from kontor.mailer.formatting import language_of
from kontor.programme import service as programme_service
from kontor.programme.model import ManagedBy, Product, Programme, Tier, TurnoverDiscount
from models.accounts import Account
from models.fees import FeeKind, ProductOverride


@dataclass(frozen=True, slots=True)
class Price:
    """The fee before discount, the product family that decides the discount, and the source of the fee."""

    fee: Money
    family: str | None
    source: str


def price_of(programme: Programme, kind: FeeKind, code: str) -> Price | None:
    """Return the price of one period; None when the programme no longer sells it monthly."""
    if kind is FeeKind.PLAN:
        plan = programme.plans.get(code)
        return None if plan is None or plan.price is None else Price(plan.price, None, f"plan {code}")
    product = programme.products.get(code)
    return None if product is None else wholesale_price(programme, product)


def wholesale_price(programme: Programme, product: Product) -> Price | None:
    """Return the reseller's price of a product before discount; None when the product has no monthly fee."""
    code = product.reseller_subscription
    subscription = programme.reseller_subscriptions.get(code) if code is not None else None
    if subscription is None:
        return None
    return Price(subscription.fee, product.family, f"reseller subscription {subscription.code}")


def plan_prices(programme: Programme) -> Mapping[str, Money]:
    """Return the monthly price of every paid plan."""
    return {code: plan.price for code, plan in programme.plans.items() if plan.price is not None}


@dataclass(slots=True)
class DiscountPercents:
    """Resellers' discounts, each queried once: nightly charging needs the same ones many times."""

    session: Session
    programme: Programme
    cached: dict[tuple[UUID, date], Tier | None] = field(default_factory=dict)

    def prefetch(self, pairs: Iterable[tuple[UUID | None, date]]) -> None:
        """Query many (reseller, day) at once: nightly charging has too many resellers for single queries."""
        missing = sorted(
            {(payer, day) for payer, day in pairs if payer is not None and (payer, day) not in self.cached}
        )
        if missing and isinstance(self.programme.discount, TurnoverDiscount):
            self.cached.update(zip(missing, tiers_for(self.session, self.programme, missing), strict=True))

    def of(self, reseller_id: UUID | None, family: str | None, day: date) -> Decimal:
        """Return a reseller's discount in per cent on a local day; 0 for an account that pays for itself."""
        rules = self.programme.discount
        if reseller_id is None:
            return Decimal(0)
        if not isinstance(rules, TurnoverDiscount) or family is None:
            return reseller_percent(rules, family, None)
        key = (reseller_id, day)
        if key not in self.cached:
            self.cached[key] = tier_for(self.session, self.programme, reseller_id, day)
        return reseller_percent(rules, family, self.cached[key])


@dataclass(frozen=True, slots=True)
class ResellerCatalogue:
    """The visible products by code, and the edits of those that the reseller manages."""

    programme: Programme
    owner_id: UUID
    products: Mapping[str, Product]
    edits: Mapping[str, ProductOverride]

    @classmethod
    def of(cls, ctx: Context, session: Session, owner: Account) -> ResellerCatalogue:
        """Return the products that a reseller may assign."""
        programme = ctx.programme_of(session, owner)
        has_managed = any(product.managed_by is ManagedBy.RESELLER for product in programme.products.values())
        own_edits = queries.edits_of(session, owner.programme, owner.id) if has_managed else {}
        return cls(programme, owner.id, programme_service.visible(programme, owner), own_edits)

    @classmethod
    def of_account(cls, ctx: Context, session: Session, account: Account) -> ResellerCatalogue:
        """Return the products that may be assigned to an account: those its reseller sees."""
        owner = accounts.find(session, account.reseller_id) if account.reseller_id is not None else None
        return cls.of(ctx, session, owner or account)

    def product(self, code: str) -> Product:
        """Return a visible product. Raises NotFound(`unknown_product`)."""
        product = self.products.get(code)
        if product is None:
            raise NotFound("unknown_product", f"There is no product {code!r}.")
        return product

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


NAME_LIMIT: Final = 200


def page(ctx: Context, session: Session, reseller_id: UUID, after: str | None, limit: int) -> Page[ProductOut]:
    """Return the products that a reseller may sell, by code. Raises NotFound, Conflict(`not_a_reseller`)."""
    owner = require_reseller(session, reseller_id)
    shelf = ResellerCatalogue.of(ctx, session, owner)
    codes = [code for code in sorted(shelf.products) if after is None or code > after]
    page_of_codes = paginate(codes[: limit + 1], limit, lambda code: code)
    percents, today = DiscountPercents(session, shelf.programme), ctx.today(shelf.programme.zone)
    return Page(
        tuple(describe(shelf, code, owner, percents, today) for code in page_of_codes.items), page_of_codes.next
    )


def require_editable(ctx: Context, session: Session, reseller_id: UUID, code: str) -> None:
    """Raise NotFound for a product that the reseller cannot see, Forbidden for one that it does not manage."""
    owner = accounts.find(session, reseller_id)
    if owner is None:
        return
    product = ResellerCatalogue.of(ctx, session, owner).product(code)
    if product.managed_by is not ManagedBy.RESELLER:
        raise Forbidden(
            "managed_by_provider", f"{product.name} is managed by the provider; change it in the programme file."
        )


class ProductChanges(TypedDict, total=False):
    """The fields to change; None restores the programme's value."""

    name: str | None
    retail_fee: Money | None


def edit(ctx: Context, session: Session, reseller_id: UUID, code: str, fields: ProductChanges) -> ProductOut:
    """Change a product's name or recommended retail fee (Money); None restores the programme's value.

    Raises NotFound, Forbidden(`managed_by_provider`), Conflict(`not_a_reseller`), Invalid.
    """
    owner = require_active(require_reseller(session, reseller_id, lock=True))
    require_editable(ctx, session, reseller_id, code)
    changes: dict[str, str | Decimal | None] = {}
    if "name" in fields:
        changes["name"] = None if fields["name"] is None else _name(fields["name"])
    if "retail_fee" in fields:
        changes["retail_fee"] = None if fields["retail_fee"] is None else fields["retail_fee"].amount
    if changes:
        queries.upsert(session, owner.programme, code, owner.id, changes, ctx.now)
    shelf = ResellerCatalogue.of(ctx, session, owner)
    return describe(shelf, code, owner, DiscountPercents(session, shelf.programme), ctx.today(shelf.programme.zone))


def _name(name: str) -> str:
    clean = unicodedata.normalize("NFC", name).strip()
    if not 1 <= len(clean) <= NAME_LIMIT or not clean.isprintable():
        message = f"The name must have 1 to {NAME_LIMIT} printable characters."
        raise Invalid("invalid", message, errors=[FieldError("name", message)])
    return clean


def describe(shelf: ResellerCatalogue, code: str, owner: Account, percents: DiscountPercents, day: date) -> ProductOut:
    """Return a product as its reseller sees it; fees are monthly, None when there is none."""
    product, retail = shelf.products[code], shelf.retail(code)
    price = wholesale_price(shelf.programme, product)
    cost = None if price is None else discounted_fee(price.fee, percents.of(owner.id, price.family, day)).total
    subscription = shelf.programme.reseller_subscriptions.get(product.reseller_subscription or "")
    return ProductOut(
        product=code,
        name=shelf.name(code, language_of(owner.locale)),
        family=product.family,
        managed_by=product.managed_by,
        editable=product.managed_by is ManagedBy.RESELLER,
        price=money_out(product.price),
        retail_fee=money_out(retail),
        reseller_fee=None if price is None else MoneyOut.of(price.fee),
        cost=money_out(cost),
        below_cost=retail is not None and cost is not None and below_cost(retail, cost),
        multiple=None if subscription is None else subscription.multiple,
    )
