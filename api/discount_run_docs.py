"""Request and response models of discount runs."""

from datetime import date
from typing import Annotated
from uuid import UUID

from pydantic import Field

from api.money import MoneyOut
from api.schema import DayIn, PageQuery, RequestModel, ResponseModel, UtcOut
from domain.discounts import RunState


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

    from_: Annotated[str | None, Field(alias="from")]
    to: str | None
    resellers: int


class MoverOut(ResponseModel):
    """A reseller that changes tier."""

    reseller_id: UUID
    from_: Annotated[str | None, Field(alias="from")]
    to: str | None
    turnover: MoneyOut


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
