"""Request and response models of merges."""

from __future__ import annotations

from uuid import UUID

from kontor.http.wire import MoneyOut, RequestModel, ResponseModel


class TemplateClashOut(ResponseModel):
    """A template whose name the other reseller already uses, and its name after the merge."""

    template: str
    becomes: str


class HeldAssignmentOut(ResponseModel):
    """A client's product under a subscription that allows one client only."""

    account_id: UUID
    account: str
    reseller_id: UUID
    product: str


class SubscriptionConflictOut(ResponseModel):
    """A subscription that both resellers hold; it blocks the merge."""

    subscription: str
    held: list[HeldAssignmentOut]


class MergeReportOut(ResponseModel):
    """Effects of a merge. Turnover and tier belong to the remaining reseller; counts are records that move.

    `keys` are revoked. `managed_products` still name the merged reseller in the programme file.
    """

    reseller_id: UUID
    into: UUID
    turnover_before: MoneyOut
    turnover_after: MoneyOut
    tier_before: str | None
    tier_after: str | None
    clients: int
    open_offers: int
    running_trials: int
    templates: int
    payments: int
    charges: int
    assignments: int
    paid_plans: int
    webhook_endpoints: int
    keys: int
    clashes: list[TemplateClashOut]
    conflicts: list[SubscriptionConflictOut]
    managed_products: list[str]


class MergeIn(RequestModel):
    """The target reseller; a dry run only reports."""

    into: UUID
    dry_run: bool = False


class MergeOut(ResponseModel):
    """The job that merges, and the planned report; the job's result is the final report."""

    job_id: UUID
    report: MergeReportOut
