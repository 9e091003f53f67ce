"""Merge one reseller into another: report first, then all or nothing (programme.md 2.6)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import count
from uuid import UUID

from sqlalchemy.orm import Session

from kontor import audit
from kontor.account_book import service as account_book
from kontor.accounts import merge_queries, queries
from kontor.accounts.locks import require_active
from kontor.accounts.merge_queries import SharedAssignment
from kontor.accounts.merge_schemas import HeldAssignmentOut, MergeReportOut, SubscriptionConflictOut, TemplateClashOut
from kontor.accounts.payloads import MERGE, ResellersMerge
from kontor.accounts.suspension import follow_reseller
from kontor.audit import Actor
from kontor.context import Context
from kontor.discounts.daily_run import enqueue_recompute
from kontor.discounts.record import tier_status
from kontor.discounts.rules import tier_at
from kontor.http.wire import MoneyOut
from kontor.kernel import database
from kontor.kernel.errors import Conflict, FieldError, Invalid, NotFound
from kontor.kernel.money import Money
from kontor.kernel.zones import local_day
from kontor.mails import service as mails
from kontor.programme.model import ManagedBy, Programme, TurnoverDiscount
from kontor.webhooks import events
from models.accounts import Account, AccountKind


@dataclass(frozen=True, slots=True)
class ResellerPair:
    """The reseller that is merged (`old`) and the one that gets everything (`new`); same programme."""

    old: Account
    new: Account


def preview(ctx: Context, session: Session, reseller_id: UUID, into: UUID) -> MergeReport:
    """Report what a merge would do now; locks and changes nothing.

    Raises NotFound, Invalid (into itself), Conflict(`not_a_reseller`, `account_deleted`, `programme_mismatch`).
    """
    accounts_by_id = {account_id: queries.by_id(session, account_id) for account_id in (reseller_id, into)}
    return _report(ctx, session, _validated_pair(reseller_id, into, accounts_by_id))


def enqueue(
    ctx: Context,
    session: Session,
    reseller_id: UUID,
    into: UUID,
    actor: str = "system",
    consent: Mapping[str, object] = {},
) -> UUID:
    """Enqueue the merge; an unfinished job for the same pair is reused. Return the job's id.

    `consent`: how the owner of the merged reseller agreed, for the audit log.
    """
    payload = ResellersMerge(reseller_id=reseller_id, into=into)
    key = f"{reseller_id}:{into}"
    job = ctx.jobs.enqueue(session, payload, tenant=str(into), unique_key=key)
    if job.created:
        detail = {"into": str(into), "job_id": str(job.id), **({"consent": consent} if consent else {})}
        audit.record(session, Actor(actor), MERGE, str(reseller_id), at=ctx.now, detail=detail)
    return job.id


def merge(ctx: Context, session: Session, reseller_id: UUID, into: UUID) -> MergeReport:
    """Execute the merge; concurrent changes to either reseller or its clients come entirely before or after it.

    Locks the resellers, then the clients, then their offers, each in the order of ids. Raises as `preview` does, and
    Conflict(`conflicts`).
    """
    pair = _validated_pair(reseller_id, into, merge_queries.lock_resellers(session, [reseller_id, into]))
    database.lock_names(session, *(f"templates:{account_id}" for account_id in (reseller_id, into)))
    merge_queries.lock_clients(session, reseller_id)
    plan = _report(ctx, session, pair)
    require_no_conflicts(plan)
    merge_queries.rename_templates(session, reseller_id, plan.clashes)
    merge_queries.record(session, reseller_id, into, ctx.now)
    moved = merge_queries.move_rows(session, reseller_id, into, ctx.now)
    programme = ctx.programme(session, pair.new.programme)
    account_book.transfer(ctx, session, reseller_id, into, programme)
    follow_reseller(ctx.jobs, session, merge_queries.client_ids(session, into), ctx.now)
    pair.old.kind, pair.old.merged_into = AccountKind.REGULAR.value, into
    session.flush()
    merged = tier_status(session, programme, into, local_day(ctx.now, programme.zone))
    turnover, tier = _after(programme, merged.turnover)
    report = replace(plan, counts={**plan.counts, **moved}, turnover_after=turnover, tier_after=tier)
    _notify(ctx, session, pair, report)
    return report


def require_no_conflicts(report: MergeReport) -> None:
    """Raise Conflict(`conflicts`) if the report has any."""
    if report.conflicts:
        codes = ", ".join(report.conflicts)
        message = f"Both resellers have a subscription that is limited to one client: {codes}. Unassign one of them."
        conflicts = [_conflict_out(code, clients) for code, clients in report.conflicts.items()]
        raise Conflict("conflicts", message, conflicts=[conflict.model_dump(mode="json") for conflict in conflicts])


def _validated_pair(reseller_id: UUID, into: UUID, accounts_by_id: Mapping[UUID, Account | None]) -> ResellerPair:
    old, new = accounts_by_id.get(reseller_id), accounts_by_id.get(into)
    if old is None or new is None:
        raise NotFound(message="There is no such reseller.")
    if old is new:
        message = "A reseller cannot be merged into itself."
        raise Invalid("invalid", message, errors=[FieldError("into", message)])
    for account in (old, new):
        if require_active(account).kind != AccountKind.RESELLER:
            raise Conflict("not_a_reseller", f"The account {account.name} is not a reseller.", state=account.kind)
    if old.programme != new.programme:
        raise Conflict("programme_mismatch", "The resellers belong to different programmes.")
    return ResellerPair(old, new)


def _report(ctx: Context, session: Session, pair: ResellerPair) -> MergeReport:
    programme, old, new = ctx.programme(session, pair.new.programme), pair.old, pair.new
    day = local_day(ctx.now, programme.zone)
    merged, remaining = (tier_status(session, programme, reseller.id, day) for reseller in (old, new))
    turnover_after, tier_after = _after(programme, remaining.turnover + merged.turnover)
    return MergeReport(
        reseller_id=old.id,
        into=new.id,
        turnover_before=Money(remaining.turnover, programme.currency),
        tier_before=None if remaining.tier is None else remaining.tier.name,
        turnover_after=turnover_after,
        tier_after=tier_after,
        counts=merge_queries.counts(session, old.id, ctx.now),
        clashes=renamed_templates(
            merge_queries.template_names(session, old.id), merge_queries.template_names(session, new.id), old.name
        ),
        conflicts=subscription_conflicts(
            merge_queries.subscription_clients(session, [old.id, new.id], _single_client_products(programme), day)
        ),
        managed_products=_managed_products(programme, old),
    )


def _after(programme: Programme, turnover: Decimal) -> tuple[Money, str | None]:
    """Return the turnover after the merge and the resulting tier."""
    rules = programme.discount
    tier = tier_at(rules.tiers, turnover) if isinstance(rules, TurnoverDiscount) else None
    return Money(turnover, programme.currency), None if tier is None else tier.name


def _single_client_products(programme: Programme) -> dict[str, str]:
    """Return the products whose reseller subscription is limited to one client, with its code (programme.md 7.4)."""
    subscriptions = programme.reseller_subscriptions
    named = ((code, product.reseller_subscription) for code, product in programme.products.items())
    return {code: name for code, name in named if name is not None and not subscriptions[name].multiple}


def _managed_products(programme: Programme, account: Account) -> list[str]:
    """Return the products that the programme file assigns to this reseller."""
    owner = (ManagedBy.RESELLER, str(account.id))
    return sorted(
        code for code, product in programme.products.items() if (product.managed_by, product.reseller) == owner
    )


def _notify(ctx: Context, session: Session, pair: ResellerPair, report: MergeReport) -> None:
    """Emit the event, owned by the remaining reseller, and mail both resellers."""
    old, new = pair.old, pair.new
    enqueue_recompute(ctx, session, new)
    names = {"account_id": str(old.id), "name": old.name, "into_name": new.name}
    event_data = {**names, "into": str(new.id), **report.counts}
    seq = events.emit(session, ctx.jobs, "account.merged", old, event_data, at=ctx.now, reseller_id=new.id)
    facts = {
        "merged": old.name,
        "into": new.name,
        "clients": report.counts["clients"],
        "offers": report.counts["open_offers"],
        "tier_before": report.tier_before or "",
        "tier_after": report.tier_after or "",
        "merged_at": ctx.now,
    }
    for account, role in ((old, "merged"), (new, "into")):
        role_facts = {**facts, "role": role}
        mails.post(session, ctx.jobs, template="merged", account=account, facts=role_facts, fact_key=str(seq))


@dataclass(frozen=True, slots=True)
class MergeReport:
    """Turnover and tier of the remaining reseller, and `counts` of the rows that move.

    `clashes` maps templates to their new names. `conflicts` block the merge: they list clients with a subscription
    that is limited to one client. `managed_products` still name the merged reseller in the programme file.
    """

    reseller_id: UUID
    into: UUID
    turnover_before: Money
    turnover_after: Money
    tier_before: str | None
    tier_after: str | None
    counts: Mapping[str, int]
    clashes: Mapping[str, str]
    conflicts: Mapping[str, Sequence[SharedAssignment]]
    managed_products: Sequence[str]

    def out(self) -> MergeReportOut:
        """Return the response to a preview; its JSON is the result of the job."""
        return MergeReportOut(
            reseller_id=self.reseller_id,
            into=self.into,
            turnover_before=MoneyOut.of(self.turnover_before),
            turnover_after=MoneyOut.of(self.turnover_after),
            tier_before=self.tier_before,
            tier_after=self.tier_after,
            **self.counts,
            clashes=[TemplateClashOut(template=old, becomes=new) for old, new in self.clashes.items()],
            conflicts=[_conflict_out(code, clients) for code, clients in self.conflicts.items()],
            managed_products=list(self.managed_products),
        )


def _conflict_out(subscription: str, clients: Sequence[SharedAssignment]) -> SubscriptionConflictOut:
    held = [HeldAssignmentOut.model_validate(client) for client in clients]
    return SubscriptionConflictOut(subscription=subscription, held=held)


def renamed_templates(moved: Collection[str], existing: Collection[str], reseller: str) -> Mapping[str, str]:
    """Return new names for moved templates whose name is taken: the reseller's name is appended in parentheses.

    If that name is taken too, a number follows.
    """
    taken = {*moved, *existing}
    renamed: dict[str, str] = {}
    for name in sorted(set(moved) & set(existing)):
        candidates = (f"{name} ({reseller})" + (f" {number}" if number > 1 else "") for number in count(1))
        renamed[name] = next(candidate for candidate in candidates if candidate not in taken)
        taken.add(renamed[name])
    return renamed


def subscription_conflicts(held: Iterable[SharedAssignment]) -> Mapping[str, list[SharedAssignment]]:
    """Return the subscriptions that several resellers of a merge hold, with their assignments; they prevent it."""
    by_code: dict[str, list[SharedAssignment]] = {}
    for assignment in held:
        by_code.setdefault(assignment.subscription, []).append(assignment)
    return {code: group for code, group in sorted(by_code.items()) if len({each.reseller_id for each in group}) > 1}
