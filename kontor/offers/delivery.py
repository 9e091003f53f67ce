"""The calls of an offer to the customer's instance: the first one, one more by hand, and the withdrawal."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from kontor.accounts import instances
from kontor.audit import Actor
from kontor.context import Context
from kontor.engine.admin.operations import Operations
from kontor.kernel.errors import Conflict
from kontor.kernel.states import OfferState
from kontor.licences.service import instance_lane
from kontor.offers.payloads import WITHDRAW, OfferDeliver, OfferExpire, OfferWithdraw
from kontor.offers.transitions import lock_offer
from kontor.offers.views import state_at
from models.accounts import Account
from models.offers import Offer


def enqueue_first_jobs(ctx: Context, session: Session, offer: Offer) -> None:
    """Enqueue the delivery of a new offer, and its expiry."""
    tenant, lane = str(offer.reseller_id), instance_lane(offer.account_id)
    offer.delivery_job_id = ctx.jobs.enqueue(session, OfferDeliver(offer_id=offer.id), tenant=tenant, lane=lane).id
    ctx.jobs.enqueue(session, OfferExpire(offer_id=offer.id), tenant=tenant, run_at=offer.expires_at)
    session.flush()


def deliver_again(ctx: Context, session: Session, offer_id: UUID, actor: Actor) -> UUID:
    """Try the delivery of a waiting offer now, and let its lane send; return the job.

    Raises NotFound, Conflict(`illegal_transition`, `not_retryable`).
    """
    offer = lock_offer(session, offer_id)
    state = state_at(offer, ctx.now)
    if state is not OfferState.WAITING:
        message = f"Only a waiting offer is delivered again; this one is {state.value}."
        raise Conflict("illegal_transition", message, state=state)
    assert offer.delivery_job_id is not None, "a waiting offer has a job that delivers it"
    instances.probe_now(session, instance_lane(offer.account_id), ctx.now)
    Operations(ctx.jobs).retry(session, offer.delivery_job_id, actor)
    return offer.delivery_job_id


def is_suspended(session: Session, offer: Offer) -> bool:
    """Whether the offer's account or its reseller is suspended, so that it is neither delivered nor decided."""
    parties = session.scalars(select(Account.suspended).where(Account.id.in_([offer.account_id, offer.reseller_id])))
    return any(parties)


def enqueue_withdrawal(ctx: Context, session: Session, offer: Offer) -> None:
    """Enqueue the withdrawal call to the instance, once, behind any delivery running in its lane."""
    ctx.jobs.enqueue(
        session,
        OfferWithdraw(offer_id=offer.id),
        tenant=str(offer.reseller_id),
        lane=instance_lane(offer.account_id),
        effect_key=f"{WITHDRAW}:{offer.id}",
    )
