"""Products assigned to client accounts for a monthly fee."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from uuid import UUID

from sqlalchemy.orm import Session

from kontor.accounts import service as accounts
from kontor.accounts.locks import lock_with_payer
from kontor.context import Context
from kontor.fees import notifications, queries
from kontor.fees.catalogue import DiscountPercents, ResellerCatalogue
from kontor.fees.charging import Billing
from kontor.fees.rules import BillingRun, end_run, resume_run
from kontor.fees.runs import charge_to_date, start_run
from kontor.fees.schemas import AssignmentOut
from kontor.http.wire import MoneyOut
from kontor.kernel import database
from kontor.kernel.errors import Conflict, FieldError, Invalid, NotFound
from kontor.kernel.money import Money
from kontor.kernel.paging import Page, paginate
from kontor.programme.model import Product, ProductKind
from models.accounts import Account
from models.fees import FeeKind, FeeRun, StopReason


@dataclass(frozen=True, slots=True)
class AssignResult:
    """An assignment, and whether this call created it."""

    run: FeeRun
    created: bool


@dataclass(slots=True)
class Assignments:
    """A locked account with its fees charged up to today, and the products its reseller may sell."""

    ctx: Context
    session: Session
    account: Account
    billing: Billing
    shelf: ResellerCatalogue

    @classmethod
    def of(cls, ctx: Context, session: Session, account_id: UUID) -> Assignments:
        """Lock the account. Raises NotFound, Conflict(`account_deleted`)."""
        account = lock_with_payer(session, account_id)
        shelf = ResellerCatalogue.of_account(ctx, session, account)
        return cls(ctx, session, account, charge_to_date(ctx, session, [account]), shelf)

    def assign(self, code: str, retail: Money | None) -> AssignResult:
        """Assign a product; repeating it returns the same assignment and cancels a pending end.

        Raises NotFound(`unknown_product`), Conflict(`not_a_client`, `not_multiple`, `has_main`, `main_required`),
        Invalid(`not_recurring`).
        """
        product = self.shelf.product(code)
        reseller_id = self.account.reseller_id
        if reseller_id is None:
            raise Conflict(
                "not_a_client", "Products can only be assigned to clients of a reseller.", state=self.account.kind
            )
        if not product.recurring:
            message = f"The product {code!r} has no monthly fee and cannot be assigned; order or offer it instead."
            raise Invalid("not_recurring", message, errors=[FieldError("product", message)])
        run = self._current(code)
        if run is None or run.until is not None:
            self._require_single_use(reseller_id, product)
            self._require_main(product)
        if run is not None:
            run.until, run.stopped_by = resume_run(_period_run(run)).until, None
            self.session.flush()
            return AssignResult(run, created=False)
        self._close_former(code)
        run = start_run(self.billing, self.account, FeeKind.PRODUCT, code, retail_fee=_amount(retail))
        self._note_margin(run)
        return AssignResult(run, created=True)

    def change(self, code: str, retail: Money | None) -> FeeRun:
        """Set the fee that the reseller charges its client; None: the recommended fee. Raises NotFound, Invalid."""
        run = self._existing(code)
        run.retail_fee = _amount(retail)
        self.session.flush()
        self._note_margin(run)
        return run

    def unassign(self, code: str) -> FeeRun:
        """End an assignment with its paid period; repeating it changes nothing. Raises NotFound."""
        run = self._existing(code)
        if run.until is None:
            run.until, run.stopped_by = end_run(_period_run(run), self.billing.today).until, StopReason.REQUEST.value
            self.session.flush()
        return run

    def find(self, code: str) -> FeeRun | None:
        """Return the current assignment of a product; None when there is none."""
        open_runs = queries.lock_open(self.session, [self.account.id])
        return next((run for run in open_runs if run.kind == FeeKind.PRODUCT and run.code == code), None)

    def _current(self, code: str) -> FeeRun | None:
        """Return the assignment of a product if it is the present reseller's."""
        run = self.find(code)
        return run if run is not None and own_runs(self.session, self.account, [run]) else None

    def _close_former(self, code: str) -> None:
        """Close what a former reseller has paid to the end of its period: it is charged no more, and no longer here."""
        former = self.find(code)
        if former is not None:
            former.ended = True
            self.session.flush()

    def _existing(self, code: str) -> FeeRun:
        run = self._current(code)
        if run is None:
            name = self.shelf.product(code).name
            raise NotFound(message=f"{name} is not assigned to the account.")
        return run

    def _require_single_use(self, reseller_id: UUID, product: Product) -> None:
        """A subscription that is not multiple serves one client of a reseller (programme.md 7.4)."""
        programme, code = self.billing.programme, product.reseller_subscription
        if code is None or programme.reseller_subscriptions[code].multiple:
            return
        database.lock_names(self.session, f"fees:{reseller_id}:{code}")
        same = [other.code for other in programme.products.values() if other.reseller_subscription == code]
        if queries.assigned_elsewhere(self.session, reseller_id, same, self.account.id, self.billing.today):
            message = (
                f"{product.name} is already assigned to another client, and its subscription {code!r} covers only one."
            )
            raise Conflict("not_multiple", message, subscription=code)

    def _require_main(self, product: Product) -> None:
        """An account has one main product at most; some add-ons are for accounts with one (programme.md 9.5)."""
        today, products = self.billing.today, self.billing.programme.products
        active = queries.active_runs(self.session, self.account.id, FeeKind.PRODUCT, today)
        mains = [
            products[run.code]
            for run in own_runs(self.session, self.account, active)
            if run.code in products and products[run.code].kind is ProductKind.MAIN and run.code != product.code
        ]
        if product.kind is ProductKind.MAIN and mains:
            message = f"The account has the main product {mains[0].name}, and can have only one."
            raise Conflict("has_main", message, product=mains[0].code)
        if product.requires_main and not mains:
            raise Conflict("main_required", f"{product.name} is only for accounts with a main product.")

    def _note_margin(self, run: FeeRun) -> None:
        if run.retail_fee is None or self.account.reseller_id is None:
            return
        reseller = accounts.find(self.session, self.account.reseller_id)
        terms = notifications.terms_of(self.shelf, run, self.account, self.billing.percents, self.billing.today)
        if reseller is not None and terms is not None and terms.below_cost:
            notifications.post_margin_note(self.ctx, self.session, reseller, self.account, run, terms)


def _amount(retail: Money | None) -> Decimal | None:
    return None if retail is None else retail.amount


def _period_run(run: FeeRun) -> BillingRun:
    return BillingRun(run.anchor, run.since, run.until)


def page(ctx: Context, session: Session, account: Account, after: str | None, limit: int) -> Page[AssignmentOut]:
    """Return an account's assignments of today, by product: those of its present reseller."""
    shelf = catalogue_of(ctx, session, account)
    today = ctx.today(shelf.programme.zone)
    percents = DiscountPercents(session, shelf.programme)
    active_runs = [
        run
        for run in own_runs(session, account, queries.active_runs(session, account.id, FeeKind.PRODUCT, today))
        if after is None or run.code > after
    ]
    page_of_runs = paginate(active_runs[: limit + 1], limit, lambda run: run.code)
    return Page(tuple(describe(shelf, run, account, percents, today) for run in page_of_runs.items), page_of_runs.next)


def number_of(ctx: Context, session: Session, account: Account) -> int:
    """Return how many products are assigned to an account today by its present reseller."""
    today = ctx.today(ctx.programme_of(session, account).zone)
    return len(own_runs(session, account, queries.active_runs(session, account.id, FeeKind.PRODUCT, today)))


def own_runs(session: Session, account: Account, runs: Sequence[FeeRun]) -> list[FeeRun]:
    """Return those of an account's runs whose last period its present reseller paid; all while it has none.

    What belongs to a former reseller stays that one's (programme.md 2.5): a merge moves it with the charges.
    """
    if account.reseller_id is None or not runs:
        return list(runs)
    payers = queries.payers_of(session, runs)
    return [run for run in runs if payers.get(run.id) == account.reseller_id]


def catalogue_of(ctx: Context, session: Session, account: Account) -> ResellerCatalogue:
    """Return the products that may be assigned to an account."""
    return ResellerCatalogue.of_account(ctx, session, account)


def require_visible(ctx: Context, session: Session, account: Account, code: str) -> None:
    """Raise NotFound(`unknown_product`) for a product that the account's reseller neither sells nor pays for."""
    shelf = catalogue_of(ctx, session, account)
    running = queries.active_runs(session, account.id, FeeKind.PRODUCT, ctx.today(shelf.programme.zone))
    if not own_runs(session, account, [run for run in running if run.code == code]):
        shelf.product(code)


def get_assignment(ctx: Context, session: Session, run: FeeRun) -> AssignmentOut:
    """Return one assignment with the terms of today."""
    account = session.get_one(Account, run.account_id)
    shelf = catalogue_of(ctx, session, account)
    return describe(shelf, run, account, DiscountPercents(session, shelf.programme), ctx.today(shelf.programme.zone))


def describe(
    shelf: ResellerCatalogue, run: FeeRun, account: Account, percents: DiscountPercents, today: date
) -> AssignmentOut:
    """Return an assignment; days are local to the programme, ends exclusive."""
    terms = notifications.terms_of(shelf, run, account, percents, today)
    return AssignmentOut(
        id=run.id,
        account_id=run.account_id,
        product=run.code,
        name=shelf.name(run.code),
        retail_fee=None if terms is None else MoneyOut.of(terms.retail),
        recommended=run.retail_fee is None,
        reseller_fee=None if terms is None else MoneyOut.of(terms.wholesale),
        cost=None if terms is None else MoneyOut.of(terms.cost),
        below_cost=terms is not None and terms.below_cost,
        anchor=run.anchor,
        since=run.since,
        paid_until=run.next_start,
        ends_on=run.until,
        created_at=run.created_at,
    )
