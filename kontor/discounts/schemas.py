"""Discounts and discount runs on the wire."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Annotated, Protocol, Self
from uuid import UUID

from pydantic import ConfigDict, Field

from kontor.discounts.rules import SuppressedBy
from kontor.http.wire import DayIn, MoneyOut, PageQuery, QueryModel, RequestModel, ResponseModel, UtcOut
from kontor.kernel.money import Money
from kontor.kernel.states import PaymentKind, RunState
from models.discounts import DiscountRun

BY_NAME = ConfigDict(populate_by_name=True)
"""Of models with a field that is a keyword of Python, such as `from`."""

Percentages = dict[str, int | float]
"""Percentage by product family; `*` means every plan and product."""


class DiscountQuery(QueryModel):
    """The local day, and a hypothetical payment."""

    as_of: DayIn | None = Field(None, description="A local day; default: today.")
    pay: str | None = Field(None, max_length=40, description="Amount of a hypothetical payment on that day.")


class DiscountWindowOut(ResponseModel):
    """Local days, inclusive."""

    model_config = BY_NAME

    from_: Annotated[date, Field(alias="from")]
    to: date


class CountedPaymentOut(ResponseModel):
    """A payment that counts towards turnover."""

    id: UUID
    kind: PaymentKind
    amount: MoneyOut
    paid_at: UtcOut
    day: date
    reference: str


class NextTierOut(ResponseModel):
    """The next tier, and the turnover missing to reach it."""

    name: str
    missing: MoneyOut


class TomorrowOut(ResponseModel):
    """The next day without further payments; paying `keep_with` keeps a tier that would be lost."""

    as_of: date
    turnover: MoneyOut
    tier: str | None
    leaving: list[CountedPaymentOut]
    keep_with: MoneyOut | None


class SuppressedPromotionOut(ResponseModel):
    """A promo code or campaign valid on the day that does not apply to these products."""

    code: str
    kind: str
    percent: float
    by: SuppressedBy
    products: list[str]


class RecordedDiscountOut(ResponseModel):
    """The discount recorded for the day; unchanged since the day `since`."""

    as_of: date
    since: date
    turnover: MoneyOut
    tier: str | None
    percent: Percentages


class DiscountOut(ResponseModel):
    """The discount of a day, with its derivation; `version` is the programme's that it is explained by."""

    as_of: date
    version: int
    window: DiscountWindowOut
    turnover: MoneyOut
    tier: str | None
    percent: Percentages
    next_tier: NextTierOut | None
    tomorrow: TomorrowOut
    payments: list[CountedPaymentOut]
    suppressed: list[SuppressedPromotionOut]
    recorded: RecordedDiscountOut | None
    pay: MoneyOut | None


class DiscountRunIn(RequestModel):
    """The programme; a dry run computes without writing."""

    programme: str
    dry_run: bool = False


class DiscountRunQuery(PageQuery):
    """Filter for runs."""

    programme: str | None = None
    state: RunState | None = None
    day: DayIn | None = None


class TierMoveOut(ResponseModel):
    """Number of resellers that move from one tier to another; null: no tier."""

    model_config = BY_NAME

    from_: Annotated[str | None, Field(alias="from")]
    to: str | None
    resellers: int


class TierMover(Protocol):
    """A reseller whose tier changes, computed or recorded."""

    @property
    def reseller_id(self) -> UUID:
        """The reseller."""

    @property
    def before(self) -> str | None:
        """The tier recorded before."""

    @property
    def after(self) -> str | None:
        """The new tier."""

    @property
    def turnover(self) -> Decimal:
        """The turnover that determines the new tier."""


class MoverOut(ResponseModel):
    """A reseller that changes tier."""

    model_config = BY_NAME

    reseller_id: UUID
    from_: Annotated[str | None, Field(alias="from")]
    to: str | None
    turnover: MoneyOut

    @classmethod
    def of(cls, move: TierMover, currency: str) -> Self:
        """Build the response for a reseller that changes tier."""
        turnover = MoneyOut.of(Money(move.turnover, currency))
        return cls(reseller_id=move.reseller_id, from_=move.before, to=move.after, turnover=turnover)


class DiscountRunPreviewOut(ResponseModel):
    """Result of a dry run; `movers` lists the first 1,000."""

    programme: str
    day: date
    resellers: int
    moved: int
    guard_rail: float
    needs_approval: bool
    moves: list[TierMoveOut]
    movers: list[MoverOut]


class DiscountRunOut(ResponseModel):
    """A run; `guard_rail` is the percentage of resellers it may move without approval."""

    id: UUID
    programme: str
    day: date
    state: RunState
    ranges: int
    computed: int
    applied: int
    resellers: int
    moved: int
    guard_rail: float
    moves: list[TierMoveOut]
    started_at: UtcOut
    decided_at: UtcOut | None
    decided_by: str | None
    reason: str | None
    finished_at: UtcOut | None

    @classmethod
    def of(cls, run: DiscountRun, moves: Sequence[TierMoveOut]) -> Self:
        """Build the response for a run with its tier changes."""
        return cls(
            id=run.id,
            programme=run.programme,
            day=run.day,
            state=RunState(run.state),
            ranges=run.ranges,
            computed=run.computed,
            applied=run.applied,
            resellers=run.resellers,
            moved=run.moved,
            guard_rail=float(run.guard_rail),
            moves=list(moves),
            started_at=run.started_at,
            decided_at=run.decided_at,
            decided_by=run.decided_by,
            reason=run.reason,
            finished_at=run.finished_at,
        )
