"""Assignments, charges, products and subscriptions on the wire."""

from datetime import date
from decimal import Decimal
from typing import Self
from uuid import UUID

from pydantic import Field

from kontor.accounts.schemas import AccountOut
from kontor.http.wire import DayIn, MoneyIn, MoneyOut, PageQuery, RequestModel, ResponseModel, UtcOut
from kontor.kernel.money import Money
from kontor.programme.model import ManagedBy
from models.fees import Charge, ChargeKind


def money_out(money: Money | None) -> MoneyOut | None:
    """Return an amount for a response; None stays None."""
    return None if money is None else MoneyOut.of(money)


class AssignmentIn(RequestModel):
    """A product to assign; without a retail fee, the recommended one applies."""

    product: str
    retail_fee: MoneyIn | None = None


class AssignmentPatch(RequestModel):
    """The monthly fee that the reseller charges its client; null: as recommended."""

    retail_fee: MoneyIn | None


class AssignmentOut(ResponseModel):
    """A product assigned to an account.

    Days are local to the programme, `paid_until` and `ends_on` exclusive. `reseller_fee` is what the
    reseller is charged before its discount, `cost` after it. Fees are null if the product is no longer sold.
    """

    id: UUID
    account_id: UUID
    product: str
    name: str
    retail_fee: MoneyOut | None
    recommended: bool
    reseller_fee: MoneyOut | None
    cost: MoneyOut | None
    below_cost: bool
    anchor: date
    since: date
    paid_until: date
    ends_on: date | None
    created_at: UtcOut


class ChargeQuery(PageQuery):
    """Range of `period_start` days, inclusive."""

    first: DayIn | None = Field(None, alias="from")
    last: DayIn | None = Field(None, alias="to")


class VoidIn(RequestModel):
    """Reason for voiding the charge."""

    reason: str


class ChargeOut(ResponseModel):
    """A charge: fee - discount = total. Days are local to the programme, `period_end` exclusive.

    `product` is the plan's code when `kind` is `plan`. The reseller `reseller_id` pays; null: the account itself.
    A `credit` pays back the unused days of the charge that it `credits`; its amounts are positive.
    """

    id: UUID
    account_id: UUID
    reseller_id: UUID | None
    kind: ChargeKind
    product: str
    period_start: date
    period_end: date
    fee: MoneyOut
    discount: MoneyOut
    total: MoneyOut
    void: bool
    voided_at: UtcOut | None
    void_reason: str | None
    credits: UUID | None
    how: dict[str, object]
    created_at: UtcOut

    @classmethod
    def of(cls, charge: Charge) -> Self:
        """Build the response for a charge."""

        def money(amount: Decimal) -> MoneyOut:
            return MoneyOut.of(Money(amount, charge.currency))

        return cls(
            id=charge.id,
            account_id=charge.account_id,
            reseller_id=charge.reseller_id,
            kind=ChargeKind(charge.kind),
            product=charge.product,
            period_start=charge.period_start,
            period_end=charge.period_end,
            fee=money(charge.fee),
            discount=money(charge.discount),
            total=money(charge.total),
            void=charge.voided_at is not None,
            voided_at=charge.voided_at,
            void_reason=charge.void_reason,
            credits=charge.credits,
            how={**charge.how},
            created_at=charge.created_at,
        )


class ProductPatch(RequestModel):
    """Changes to a product that the reseller manages; null: as in the programme."""

    name: str | None = None
    retail_fee: MoneyIn | None = None


class ProductOut(ResponseModel):
    """A product as its reseller sees it; monthly fees are null if it has none."""

    product: str
    name: str
    family: str | None
    managed_by: ManagedBy
    editable: bool
    price: MoneyOut | None
    retail_fee: MoneyOut | None
    reseller_fee: MoneyOut | None
    cost: MoneyOut | None
    below_cost: bool
    multiple: bool | None


class PlanIn(RequestModel):
    """The new plan; the free plan cancels the subscription. `dry_run` only tells what is charged and credited."""

    plan: str
    dry_run: bool = False


class PlanQuoteOut(ResponseModel):
    """What a change of plan would charge and credit, and when; a downgrade's charge is made at `at`."""

    charge: MoneyOut
    credit: MoneyOut
    at: UtcOut


class SubscriptionOut(ResponseModel):
    """A paid plan. Days are local to the programme; `paid_until` and `ends_on` are exclusive.

    `then` is the paid plan that follows at `ends_on`; null: the account returns to the free plan.
    """

    plan: str
    since: date
    paid_until: date
    ends_on: date | None
    then: str | None


class SubscribedAccountOut(AccountOut):
    """An account with its current paid plan."""

    subscription: SubscriptionOut | None
