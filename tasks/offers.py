"""Offers: delivery to the customer's instance, withdrawal from it, expiry."""

from __future__ import annotations

from datetime import timedelta
from typing import ClassVar, Final
from uuid import UUID

from sqlalchemy.orm import Session

from domain.calling import Call, CallSender
from domain.jobs import DeadReason, TaskKind
from domain.offers import OfferEvent, OfferState
from domain.ports import HttpReply, Sealer
from domain.retry import RetryPolicy
from engine.catalogue import Payload, Policy
from engine.handlers import JobContext
from engine.outcomes import Cancel, Done, Outcome
from models.offers import Offer
from services import instances, offer_mails, offer_news, offers
from services.offer_documents import seen_state
from services.offer_log import OfferBook, locked, try_move
from services.offer_messages import delivered_message, withdrawn_message
from tasks.calls import say, surely_not_taken

QUEUE: Final = "offers"
RETRY: Final = RetryPolicy(max_attempts=8, base=timedelta(seconds=5), cap=timedelta(hours=1))
TRIED: Final = (None, DeadReason.FAILED, DeadReason.PERMANENT)


class OfferDeliver(Payload):
    """Deliver an offer to the customer's instance."""

    policy: ClassVar[Policy] = Policy(
        name=offers.DELIVER,
        queue=QUEUE,
        kind=TaskKind.EXTERNAL,
        retry=RETRY,
        due_by=timedelta(minutes=1),
        time_limit=timedelta(minutes=1),
    )

    offer_id: UUID


class OfferWithdraw(Payload):
    """Withdraw an offer that may have reached the instance."""

    policy: ClassVar[Policy] = Policy(
        name=offers.WITHDRAW,
        queue=QUEUE,
        kind=TaskKind.EXTERNAL,
        retry=RETRY,
        due_by=timedelta(minutes=1),
        time_limit=timedelta(minutes=1),
    )

    offer_id: UUID


class OfferExpire(Payload):
    """Close an offer at its expiry."""

    policy: ClassVar[Policy] = Policy(name=offers.EXPIRE, queue=QUEUE, kind=TaskKind.TRANSACTIONAL, retry=RetryPolicy())

    offer_id: UUID


class OfferDeliverHandler:
    """Counts the call before making it, so that a crash cannot hide it."""

    payload = OfferDeliver

    def __init__(self, ctx: OfferBook, sender: CallSender, sealer: Sealer) -> None:
        self._ctx = ctx
        self._sender = sender
        self._sealer = sealer

    def claim(self, job: JobContext, session: Session, payload: OfferDeliver) -> Call | Cancel:
        """Count the attempt and build the call; cancel unless the offer is still waiting."""
        offer = locked(session, payload.offer_id)
        state = seen_state(offer, job.now)
        if state is not OfferState.WAITING:
            return Cancel(f"the offer is {state.value}")
        offer.delivery_attempts += 1
        offer.delivery_doubts += 1
        message = delivered_message(offer, job.now)
        return instances.call(session, self._sealer, offer.account_id, message, job.now)

    def act(self, job: JobContext, plan: Call) -> HttpReply:
        """POST `offer.delivered`."""
        return say(self._sender, self._ctx.jobs.clock, plan)

    def record(
        self, job: JobContext, session: Session, payload: OfferDeliver, plan: Call, result: HttpReply
    ) -> Outcome:
        """Notify the admin; withdraw or expire the offer if it was closed during the call."""
        ctx = self._ctx.within(job.jobs)
        offer = locked(session, payload.offer_id)
        if try_move(ctx, session, offer, OfferEvent.DELIVERED, "system"):
            offer.delivered_at, offer.delivery_error = job.now, None
            offer_news.delivered(ctx, session, offer)
        elif not offers.expire(ctx, session, offer.id):
            offers.withdraw_later(ctx, session, offer)
        return Done({"status": result.status, "state": offer.state})

    def failed(self, job: JobContext, session: Session, payload: OfferDeliver, error: str, dead: str | None) -> None:
        """Store the error; mail the reseller when the job is dead."""
        ctx = self._ctx.within(job.jobs)
        offer = locked(session, payload.offer_id)
        offer.delivery_error = error
        if dead in TRIED and surely_not_taken(error) and offer.delivery_doubts > 0:
            offer.delivery_doubts -= 1
        if dead is not None and seen_state(offer, job.now) is OfferState.WAITING:
            tell_reseller(ctx, session, offer, "offer", error, dead, offer.delivery_attempts)


class OfferWithdrawHandler:
    """Makes the second call, which follows the delivery in the instance's lane."""

    payload = OfferWithdraw

    def __init__(self, ctx: OfferBook, sender: CallSender, sealer: Sealer) -> None:
        self._ctx = ctx
        self._sender = sender
        self._sealer = sealer

    def claim(self, job: JobContext, session: Session, payload: OfferWithdraw) -> Call | Cancel:
        """Build the call; cancel if the delivery cannot have reached the instance."""
        offer = locked(session, payload.offer_id)
        if offer.state != OfferState.CANCELLED or offer.delivery_doubts == 0:
            return Cancel("the instance never received the offer")
        message = withdrawn_message(session, offer, job.now)
        return instances.call(session, self._sealer, offer.account_id, message, job.now)

    def act(self, job: JobContext, plan: Call) -> HttpReply:
        """POST `offer.withdrawn`."""
        return say(self._sender, self._ctx.jobs.clock, plan)

    def record(
        self, job: JobContext, session: Session, payload: OfferWithdraw, plan: Call, result: HttpReply
    ) -> Outcome:
        """Record that the instance no longer has the offer."""
        offer = locked(session, payload.offer_id)
        offer.delivery_doubts = 0
        offer_news.announce(self._ctx.within(job.jobs), session, "offer.withdrawn", offer)
        return Done({"status": result.status})

    def failed(self, job: JobContext, session: Session, payload: OfferWithdraw, error: str, dead: str | None) -> None:
        """Mail the reseller when the job is dead."""
        offer = locked(session, payload.offer_id)
        offer.delivery_error = error
        if dead is not None:
            ctx = self._ctx.within(job.jobs)
            tell_reseller(ctx, session, offer, "withdrawal", error, dead, job.attempt)


class OfferExpireHandler:
    """Runs when the offer expires."""

    payload = OfferExpire

    def __init__(self, ctx: OfferBook) -> None:
        self._ctx = ctx

    def run(self, job: JobContext, session: Session, payload: OfferExpire) -> Outcome:
        """Close the offer, unless it is already closed."""
        return Done({"expired": offers.expire(self._ctx.within(job.jobs), session, payload.offer_id)})


def tell_reseller(
    ctx: OfferBook, session: Session, offer: Offer, subject_of: str, error: str, dead: str, attempts: int
) -> None:
    """Mail the reseller that a call failed for good; `subject_of` is offer, withdrawal or licences."""
    offer_mails.delivery_failed(
        ctx,
        session,
        offer,
        subject_of=subject_of,
        error=error,
        attempts=attempts,
        held=dead == DeadReason.LANE_HELD,
    )
