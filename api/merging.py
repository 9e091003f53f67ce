"""Merge of one reseller into another."""

from uuid import UUID

from api import owners
from api.answers import Answer
from api.call import Access, Here
from api.money import MoneyDoc
from api.routes import Routes
from api.schema import Incoming, Outgoing
from models.keys import Scope
from services.discounts.book import DiscountBook
from services.merging import merges

routes = Routes("resellers")
MERGE = Access(Scope.ENQUEUE, "reseller_id", owners.account, unbound_only=True)


class MergeBody(Incoming):
    """The target reseller; a dry run only reports."""

    into: UUID
    dry_run: bool = False


class ClashDoc(Outgoing):
    """A template whose name the other reseller already uses, and its name after the merge."""

    template: str
    becomes: str


class HeldDoc(Outgoing):
    """A client's product under a subscription that allows one client only."""

    account_id: UUID
    account: str
    reseller_id: UUID
    product: str


class ConflictDoc(Outgoing):
    """A subscription that both resellers hold; it blocks the merge."""

    subscription: str
    held: list[HeldDoc]


class ReportDoc(Outgoing):
    """Effects of a merge. Turnover and tier belong to the remaining reseller; counts are records that move.

    `keys` are revoked. `managed_products` still name the merged reseller in the programme file.
    """

    reseller_id: UUID
    into: UUID
    turnover_before: MoneyDoc
    turnover_after: MoneyDoc
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
    clashes: list[ClashDoc]
    conflicts: list[ConflictDoc]
    managed_products: list[str]


class MergingDoc(Outgoing):
    """The job that merges, and the planned report; the job's result is the final report."""

    job_id: UUID
    report: ReportDoc


@routes.post("/v1/resellers/{reseller_id}/merge", MERGE, answer=MergingDoc, status=202, also={200: ReportDoc})
def merge_resellers(call: Here, reseller_id: UUID, body: MergeBody) -> Answer:
    """Merge a reseller into another, all or nothing. 409 `programme_mismatch`, `conflicts`, `not_a_reseller`."""
    book = DiscountBook(call.jobs, call.deps.programmes)
    report = merges.look(book, call.session, reseller_id, body.into)
    document = ReportDoc.model_validate(report.document())
    if body.dry_run:
        return Answer.of(document)
    merges.refuse_conflicts(report)
    job_id = merges.enqueue(book, call.session, reseller_id, body.into, call.caller.actor)
    return Answer.of(MergingDoc(job_id=job_id, report=document), 202, {"Location": f"/v1/jobs/{job_id}"})
