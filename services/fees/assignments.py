"""Products assigned to client accounts for a monthly fee."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from sqlalchemy.orm import Session

from domain.errors import Conflict, FieldError, Invalid, NotFound
from domain.fees import Run, continuing, ending
from domain.money import Money
from domain.programme.model import Product
from models.accounts import Account
from models.fees import FeeKind, FeeRun, Stop
from services.fees import margins
from services.fees.book import FeeBook, held_with_payer
from services.fees.charging import Billing
from services.fees.settling import begin, settle
from services.fees.shelf import Shelf
from store import accounts, locks
from store.fees import runs


@dataclass(frozen=True, slots=True)
class Assigned:
    """An assignment, and whether this call created it."""

    run: FeeRun
    created: bool


@dataclass(slots=True)
class Assignments:
    """A locked account with its fees charged up to today, and the products its reseller may sell."""

    ctx: FeeBook
    session: Session
    account: Account
    billing: Billing
    shelf: Shelf

    @classmethod
    def of(cls, ctx: FeeBook, session: Session, account_id: UUID) -> Assignments:
        """Lock the account. Raises NotFound, Conflict(`account_deleted`)."""
        account = held_with_payer(session, account_id)
        shelf = Shelf.of_account(ctx, session, account)
        return cls(ctx, session, account, settle(ctx, session, [account]), shelf)

    def assign(self, code: str, retail: Money | None) -> Assigned:
        """Assign a product; repeating it returns the same assignment and cancels a pending end.

        Raises NotFound(`unknown_product`), Conflict(`not_a_client`, `not_multiple`), Invalid
        (`not_recurring`).
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
        run = self.find(code)
        if run is None or run.until is not None:
            self._require_single_use(reseller_id, product)
        if run is not None:
            run.until, run.stopped_by = continuing(_period_run(run)).until, None
            self.session.flush()
            return Assigned(run, created=False)
        run = begin(self.billing, self.account, FeeKind.PRODUCT, code, retail_fee=_amount(retail))
        self._note_margin(run)
        return Assigned(run, created=True)

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
            run.until, run.stopped_by = ending(_period_run(run), self.billing.today).until, Stop.REQUEST.value
            self.session.flush()
        return run

    def find(self, code: str) -> FeeRun | None:
        """Return the current assignment of a product; None when there is none."""
        open_runs = runs.open_of(self.session, [self.account.id])
        return next((run for run in open_runs if run.kind == FeeKind.PRODUCT and run.code == code), None)

    def _existing(self, code: str) -> FeeRun:
        run = self.find(code)
        if run is None or not self.shelf.includes(run):
            name = self.shelf.product(code).name
            raise NotFound(message=f"{name} is not assigned to the account.")
        return run

    def _require_single_use(self, reseller_id: UUID, product: Product) -> None:
        """A subscription that is not multiple serves one client of a reseller (programme.md 7.4)."""
        programme, code = self.billing.programme, product.reseller_subscription
        if code is None or programme.reseller_subscriptions[code].multiple:
            return
        locks.hold(self.session, f"fees:{reseller_id}:{code}")
        same = [other.code for other in programme.products.values() if other.reseller_subscription == code]
        if runs.assigned_elsewhere(self.session, reseller_id, same, self.account.id, self.billing.today):
            message = (
                f"{product.name} is already assigned to another client, and its subscription {code!r} covers only one."
            )
            raise Conflict("not_multiple", message, subscription=code)

    def _note_margin(self, run: FeeRun) -> None:
        if run.retail_fee is None or self.account.reseller_id is None:
            return
        reseller = accounts.by_id(self.session, self.account.reseller_id)
        terms = margins.terms_of(self.shelf, run, self.account, self.billing.percents, self.billing.today)
        if reseller is not None and terms is not None and terms.below_cost:
            margins.post_note(self.ctx, self.session, reseller, self.account, run, terms)


def _amount(retail: Money | None) -> Decimal | None:
    return None if retail is None else retail.amount


def _period_run(run: FeeRun) -> Run:
    return Run(run.anchor, run.since, run.until)
