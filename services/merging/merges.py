"""The merge itself: judged, reported, carried out in the caller's transaction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from sqlalchemy.orm import Session

from domain.errors import Conflict, FieldError, Invalid, NotFound
from domain.merging import conflicts, new_names
from domain.money import Money
from domain.programme import Programme
from domain.programme.model import ManagedBy, TurnoverDiscount
from domain.tiers import tier_at
from domain.zones import local_day
from models.accounts import Account, AccountKind
from services import events, mails
from services.account_book import living
from services.discounts import standing
from services.discounts.book import DiscountBook
from services.discounts.recomputing import recompute_soon
from services.merging.report import Report
from store import accounts, audit, locks
from store import merging as rows

TASK: Final = "resellers.merge"


@dataclass(frozen=True, slots=True)
class Pair:
    """The reseller that ends as one, and the one that gets everything; same programme."""

    old: Account
    new: Account


def look(book: DiscountBook, session: Session, reseller_id: UUID, into: UUID) -> Report:
    """What the merge would do now; locks and changes nothing.

    Raises NotFound, Invalid (into itself), Conflict(`not_a_reseller`, `account_deleted`, `programme_mismatch`).
    """
    found = {one: accounts.by_id(session, one) for one in (reseller_id, into)}
    return _report(book, session, _judged(reseller_id, into, found))


def enqueue(book: DiscountBook, session: Session, reseller_id: UUID, into: UUID, actor: str = "system") -> UUID:
    """Have it done; asked twice it is one job as long as that has not finished. Returns the job's id."""
    args = {"reseller_id": str(reseller_id), "into": str(into)}
    key = f"{reseller_id}:{into}"
    job = book.jobs.enqueue(session, TASK, args, tenant=str(into), unique_key=key)
    if job.created:
        detail = {"into": str(into), "job_id": str(job.id)}
        audit.add(session, at=book.now, actor=actor, action=TASK, target=str(reseller_id), detail=detail)
    return job.id


def merge(book: DiscountBook, session: Session, reseller_id: UUID, into: UUID) -> Report:
    """Do it. What happens to either reseller or its clients meanwhile happens before or after, as a whole.

    Resellers are locked first, then clients, then their offers, each in the order of ids. Raises as
    `look`, and Conflict(`conflicts`).
    """
    pair = _judged(reseller_id, into, rows.hold(session, [reseller_id, into]))
    locks.hold(session, *(f"templates:{one}" for one in (reseller_id, into)))
    rows.hold_clients(session, reseller_id)
    planned = _report(book, session, pair)
    refuse_conflicts(planned)
    rows.rename_templates(session, reseller_id, planned.clashes)
    moved = rows.move(session, reseller_id, into, book.now)
    pair.old.kind = AccountKind.REGULAR.value
    session.flush()
    programme = book.programme(session, pair.new.programme)
    there = standing(session, programme, into, local_day(book.now, programme.zone))
    done = replace(planned, counts={**planned.counts, **moved}, **_after(programme, there.turnover))
    _tell(book, session, pair, done)
    return done


def refuse_conflicts(report: Report) -> None:
    """Raise Conflict(`conflicts`) when something forbids the merge."""
    if report.conflicts:
        codes = ", ".join(report.conflicts)
        message = f"Both resellers hold a subscription that serves one client only: {codes}. Unassign one of them."
        raise Conflict("conflicts", message, conflicts=report.document()["conflicts"])


def _judged(reseller_id: UUID, into: UUID, found: Mapping[UUID, Account | None]) -> Pair:
    old, new = found.get(reseller_id), found.get(into)
    if old is None or new is None:
        raise NotFound(message="There is no such reseller.")
    if old is new:
        message = "A reseller is merged into another one."
        raise Invalid("invalid", message, errors=[FieldError("into", message)])
    for account in (old, new):
        if living(account).kind != AccountKind.RESELLER:
            raise Conflict("not_a_reseller", f"The account {account.name} is no reseller.", state=account.kind)
    if old.programme != new.programme:
        raise Conflict("programme_mismatch", "The resellers are of two programmes.")
    return Pair(old, new)


def _report(book: DiscountBook, session: Session, pair: Pair) -> Report:
    programme, old, new = book.programme(session, pair.new.programme), pair.old, pair.new
    day = local_day(book.now, programme.zone)
    going, staying = (standing(session, programme, one.id, day) for one in (old, new))
    return Report(
        reseller_id=old.id,
        into=new.id,
        turnover_before=Money(staying.turnover, programme.currency),
        tier_before=None if staying.tier is None else staying.tier.name,
        **_after(programme, staying.turnover + going.turnover),
        counts=rows.counts(session, old.id, book.now),
        clashes=new_names(rows.template_names(session, old.id), rows.template_names(session, new.id), old.name),
        conflicts=conflicts(rows.held(session, [old.id, new.id], _single(programme), day)),
        managed_products=_managed(programme, old),
    )


def _after(programme: Programme, turnover: Decimal) -> dict[str, Any]:
    """The turnover of both, and the tier that gives."""
    rules = programme.discount
    tier = tier_at(rules.tiers, turnover) if isinstance(rules, TurnoverDiscount) else None
    return {"turnover_after": Money(turnover, programme.currency), "tier_after": None if tier is None else tier.name}


def _single(programme: Programme) -> dict[str, str]:
    """The products whose reseller subscription serves one client only, with its code (programme.md 7.4)."""
    known = programme.reseller_subscriptions
    named = ((code, product.reseller_subscription) for code, product in programme.products.items())
    return {code: name for code, name in named if name is not None and not known[name].multiple}


def _managed(programme: Programme, account: Account) -> list[str]:
    """The products that the programme file gives to this reseller by name."""
    theirs = (ManagedBy.RESELLER, account.name)
    return sorted(code for code, one in programme.products.items() if (one.managed_by, one.reseller) == theirs)


def _tell(book: DiscountBook, session: Session, pair: Pair, done: Report) -> None:
    """The event belongs to the reseller that stays; the mails go to both, each in its own words."""
    old, new = pair.old, pair.new
    recompute_soon(book, session, new)
    names = {"account_id": str(old.id), "name": old.name, "into_name": new.name}
    told = {**names, "into": str(new.id), **done.counts}
    seq = events.emit(session, book.jobs, "account.merged", old, told, at=book.now, reseller_id=new.id)
    facts = {
        "merged": old.name,
        "into": new.name,
        "clients": done.counts["clients"],
        "offers": done.counts["open_offers"],
        "tier_before": done.tier_before or "",
        "tier_after": done.tier_after or "",
        "merged_at": book.now,
    }
    for account, role in ((old, "merged"), (new, "into")):
        said = {**facts, "told": role}
        mails.post(session, book.jobs, template="merged", account=account, facts=said, fact_key=str(seq))
