"""Licences of an account, what an offer would change, and the acceptance that changes it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import ARRAY, DateTime, Uuid, any_, bindparam, select, update
from sqlalchemy.orm import Session

from kontor.engine.enqueue import Jobs
from kontor.kernel.ids import new_id
from kontor.kernel.zones import zone
from kontor.licences.payloads import END_GRANTS, REMIND, LicencesEndGrants, LicencesProvision, LicencesRemind
from kontor.licences.rules import (
    Balance,
    CountChange,
    LicenceGrant,
    OfferLine,
    apply_lines,
    ending_reminder_at,
)
from kontor.licences.rules import (
    balances as licences_balances,
)
from kontor.licences.rules import (
    preview_changes as licences_preview_changes,
)
from models.accounts import Account
from models.licences import Grant
from models.offers import Offer

INSTANCE: Final = "instance:"


def instance_lane(account_id: UUID) -> str:
    """Return the lane of all calls to an account's instance."""
    return f"{INSTANCE}{account_id}"


def account_of_lane(lane: str) -> UUID | None:
    """Return the account whose instance a lane serves; None for other lanes."""
    try:
        return UUID(lane.removeprefix(INSTANCE)) if lane.startswith(INSTANCE) else None
    except ValueError:
        return None


def parsed_lines(offer: Offer) -> tuple[OfferLine, ...]:
    """Return the lines of an offer."""
    return tuple(OfferLine.from_document(line) for line in offer.lines)


def to_domain_grants(grants: Iterable[Grant]) -> tuple[LicenceGrant, ...]:
    """Convert rows for the domain rules; a replaced grant ends when it was replaced."""
    return tuple(
        LicenceGrant(grant.product, grant.count, grant.starts_at, grant.replaced_at or grant.ends_at, key=grant.id)
        for grant in grants
    )


def balances(session: Session, account_id: UUID, now: datetime) -> tuple[Balance, ...]:
    """Return an account's licences, by product code."""
    grants = to_domain_grants(active_grants(session, [account_id], now)[account_id])
    return licences_balances(grants, now)


def balances_with_zeros(session: Session, account_id: UUID, now: datetime) -> list[Balance]:
    """Return an account's licences, with a count of 0 for each product it no longer has."""
    current = balances(session, account_id, now)
    ended = granted_products(session, account_id) - {balance.product for balance in current}
    zeros = [Balance(product, 0, None) for product in ended]
    return sorted([*current, *zeros], key=lambda balance: balance.product)


def preview_changes(
    session: Session, offers: Sequence[Offer], zones: Mapping[UUID, ZoneInfo], now: datetime
) -> dict[UUID, tuple[CountChange, ...]]:
    """Return the changes that accepting each offer would make at `now`; `zones` is by account."""
    grants = active_grants(session, {offer.account_id for offer in offers}, now) if offers else {}
    return {
        offer.id: licences_preview_changes(
            to_domain_grants(grants[offer.account_id]), parsed_lines(offer), now, zones[offer.account_id]
        )
        for offer in offers
    }


def apply_offer(session: Session, jobs: Jobs, offer: Offer, account: Account, now: datetime) -> None:
    """Write the grants of an accepted offer and enqueue the call, the end and the reminder for them.

    Call it once per offer. The caller holds the locks of the account and the offer. Terms are counted in the
    account's time zone.
    """
    lines = parsed_lines(offer)
    grants = to_domain_grants(active_grants(session, [account.id], now)[account.id])
    result = apply_lines(grants, lines, now, zone(account.timezone))
    mark_replaced(session, [UUID(str(grant.key)) for grant in result.ended], now)
    session.add_all(
        Grant(
            id=new_id(),
            account_id=account.id,
            product=line.product,
            offer_id=offer.id,
            line_no=number,
            count=line.count,
            mode=line.mode,
            starts_at=now,
            ends_at=grant.ends_at,
        )
        for number, (line, grant) in enumerate(zip(lines, result.added, strict=True), start=1)
    )
    session.flush()
    enqueue_provision(session, jobs, offer)
    _schedule(session, jobs, offer, [grant for grant in result.added if grant.runs(now)])


def enqueue_provision(session: Session, jobs: Jobs, offer: Offer) -> None:
    """Enqueue the call that sends the account's new licence totals to its instance."""
    jobs.enqueue(
        session,
        LicencesProvision(offer_id=offer.id),
        tenant=str(offer.reseller_id),
        lane=instance_lane(offer.account_id),
    )


def _schedule(session: Session, jobs: Jobs, offer: Offer, grants: Iterable[LicenceGrant]) -> None:
    """Enqueue one end job and one reminder for each instant at which new grants end."""
    tenant = str(offer.reseller_id)
    reminders = {grant.ends_at: ending_reminder_at(grant) for grant in grants}
    for ends_at, remind_at in reminders.items():
        key = f"{offer.account_id}:{ends_at.isoformat()}"
        jobs.enqueue(
            session,
            LicencesEndGrants(account_id=offer.account_id, ends_at=ends_at),
            tenant=tenant,
            lane=instance_lane(offer.account_id),
            run_at=ends_at,
            effect_key=f"{END_GRANTS}:{key}",
        )
        if remind_at is not None:
            reminder = LicencesRemind(account_id=offer.account_id, ends_at=ends_at)
            jobs.enqueue(session, reminder, tenant=tenant, run_at=remind_at, effect_key=f"{REMIND}:{key}")


ACTIVE_GRANTS: Final = (
    select(Grant)
    .where(
        Grant.account_id == any_(bindparam("account_ids", type_=ARRAY(Uuid))),
        Grant.ends_at > bindparam("now", type_=DateTime(timezone=True)),
        Grant.replaced_at.is_(None),
    )
    .order_by(Grant.id)
)
"""Built once, because it runs for every look at an inbox."""


def active_grants(session: Session, account_ids: Iterable[UUID], now: datetime) -> dict[UUID, list[Grant]]:
    """Return the grants of each account that run at `now` or later, oldest first; `now` is not in the past."""
    grants: dict[UUID, list[Grant]] = {account_id: [] for account_id in account_ids}
    for grant in session.scalars(ACTIVE_GRANTS, {"account_ids": list(grants), "now": now}):
        grants[grant.account_id].append(grant)
    return grants


def mark_replaced(session: Session, ids: Sequence[UUID], at: datetime) -> None:
    """Mark grants as replaced by an absolute line."""
    session.execute(update(Grant).where(Grant.id.in_(ids)).values(replaced_at=at))


def ending_grants(session: Session, account_id: UUID, ends_at: datetime) -> list[Grant]:
    """Return the account's grants that end exactly at `ends_at` and were not replaced, by product."""
    query = (
        select(Grant)
        .where(Grant.account_id == account_id, Grant.ends_at == ends_at, Grant.replaced_at.is_(None))
        .order_by(Grant.product, Grant.id)
    )
    return list(session.scalars(query))


def granted_products(session: Session, account_id: UUID) -> set[str]:
    """Return every product the account was ever granted."""
    return set(session.scalars(select(Grant.product).where(Grant.account_id == account_id).distinct()))
