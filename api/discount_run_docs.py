"""Request and response models of discount runs."""

from datetime import date
from typing import Annotated
from uuid import UUID

from pydantic import Field

from api.money import MoneyDoc
from api.schema import Day, Incoming, Moment, Outgoing, Paging
from domain.discounts import RunState


class NewRun(Incoming):
    """The programme; a dry run computes without writing."""

    programme: str
    dry_run: bool = False


class RunQuery(Paging):
    """Filter for runs."""

    programme: str | None = None
    state: RunState | None = None
    day: Day | None = None


class TotalDoc(Outgoing):
    """Number of resellers that move from one tier to another; null: no tier."""

    from_: Annotated[str | None, Field(alias="from")]
    to: str | None
    resellers: int


class MoverDoc(Outgoing):
    """A reseller that changes tier."""

    reseller_id: UUID
    from_: Annotated[str | None, Field(alias="from")]
    to: str | None
    turnover: MoneyDoc


class PreviewDoc(Outgoing):
    """Result of a dry run; `movers` lists the first 1,000."""

    programme: str
    day: date
    resellers: int
    moved: int
    guard_rail: float
    needs_approval: bool
    moves: list[TotalDoc]
    movers: list[MoverDoc]


class RunDoc(Outgoing):
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
    moves: list[TotalDoc]
    started_at: Moment
    decided_at: Moment | None
    decided_by: str | None
    reason: str | None
    finished_at: Moment | None
