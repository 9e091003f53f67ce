"""Offers: delivery to the customer's instance, withdrawal from it, expiry."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from sqlalchemy.orm import Session

from kontor.accounts import instances
from kontor.context import Context
from kontor.engine.handlers import Cancel, Done, Handler, JobContext, Outcome, Snooze
from kontor.kernel.ports import CallSender, HttpReply, OutgoingCall, SecretBox
from kontor.kernel.states import DeadReason, OfferEvent, OfferState
from kontor.offers import delivery
from kontor.offers import notifications as offers_notifications
from kontor.offers import service as offers
from kontor.offers.payloads import OfferDeliver, OfferExpire, OfferWithdraw
from kontor.offers.transitions import lock_offer, try_transition
from kontor.offers.views import delivered_message, state_at, withdrawn_message
from models.offers import Offer
from tasks.calls import definitely_not_received, send_or_raise
from tasks.deps import HandlerDeps

SUSPENDED_WAIT: Final = timedelta(minutes=10)
ATTEMPTED: Final = (None, DeadReason.FAILED, DeadReason.PERMANENT)


class OfferDeliverHandler:
    """Counts the call before making it, so that a crash cannot hide it."""

    payload = OfferDeliver

    def __init__(self, ctx: Context, sender: CallSender, secret_box: SecretBox) -> None:
        self._ctx = ctx
        self._sender = sender
        self._sealer = secret_box

    def claim(self, job: JobContext, session: Session, payload: OfferDeliver) -> OutgoingCall | Cancel | Snooze:
        """Count the attempt and build the call; cancel unless the offer is still waiting, wait while suspended."""
        offer = lock_offer(session, payload.offer_id)
        state = state_at(offer, job.now)
        if state is not OfferState.WAITING:
            return Cancel(f"the offer is {state.value}")
        if delivery.is_suspended(session, offer):
            return Snooze(job.now + SUSPENDED_WAIT)
        offer.delivery_attempts += 1
        offer.delivery_doubts += 1
        message = delivered_message(offer, job.now)
        return instances.build_call(session, self._sealer, offer.account_id, message, job.now)

    def act(self, job: JobContext, plan: OutgoingCall) -> HttpReply:
        """POST `offer.delivered`."""
        return send_or_raise(self._sender, self._ctx.jobs.clock, plan)

    def record(
        self, job: JobContext, session: Session, payload: OfferDeliver, plan: OutgoingCall, result: HttpReply
    ) -> Outcome:
        """Notify the admin; withdraw or expire the offer if it was closed during the call."""
        ctx = self._ctx.within(job.jobs)
        offer = lock_offer(session, payload.offer_id)
        if try_transition(ctx, session, offer, OfferEvent.DELIVERED, "system"):
            offer.delivered_at, offer.delivery_error = job.now, None
            offers_notifications.notify_delivered(ctx, session, offer)
        elif not offers.expire(ctx, session, offer.id):
            delivery.enqueue_withdrawal(ctx, session, offer)
        return Done({"status": result.status, "state": offer.state})

    def failed(self, job: JobContext, session: Session, payload: OfferDeliver, error: str, dead: str | None) -> None:
        """Store the error; mail the reseller when the job is dead."""
        ctx = self._ctx.within(job.jobs)
        offer = lock_offer(session, payload.offer_id)
        offer.delivery_error = error
        if dead in ATTEMPTED and definitely_not_received(error) and offer.delivery_doubts > 0:
            offer.delivery_doubts -= 1
        if dead is not None and state_at(offer, job.now) is OfferState.WAITING:
            mail_delivery_failure(ctx, session, offer, "offer", error, dead, offer.delivery_attempts)


class OfferWithdrawHandler:
    """Makes the second call, which follows the delivery in the instance's lane."""

    payload = OfferWithdraw

    def __init__(self, ctx: Context, sender: CallSender, secret_box: SecretBox) -> None:
        self._ctx = ctx
        self._sender = sender
        self._sealer = secret_box

    def claim(self, job: JobContext, session: Session, payload: OfferWithdraw) -> OutgoingCall | Cancel:
        """Build the call; cancel if the delivery cannot have reached the instance."""
        offer = lock_offer(session, payload.offer_id)
        if offer.state != OfferState.CANCELLED or offer.delivery_doubts == 0:
            return Cancel("the instance never received the offer")
        message = withdrawn_message(session, offer, job.now)
        return instances.build_call(session, self._sealer, offer.account_id, message, job.now)

    def act(self, job: JobContext, plan: OutgoingCall) -> HttpReply:
        """POST `offer.withdrawn`."""
        return send_or_raise(self._sender, self._ctx.jobs.clock, plan)

    def record(
        self, job: JobContext, session: Session, payload: OfferWithdraw, plan: OutgoingCall, result: HttpReply
    ) -> Outcome:
        """Record that the instance no longer has the offer."""
        offer = lock_offer(session, payload.offer_id)
        offer.delivery_doubts = 0
        offers_notifications.emit_offer_event(self._ctx.within(job.jobs), session, "offer.withdrawn", offer)
        return Done({"status": result.status})

    def failed(self, job: JobContext, session: Session, payload: OfferWithdraw, error: str, dead: str | None) -> None:
        """Mail the reseller when the job is dead."""
        offer = lock_offer(session, payload.offer_id)
        offer.delivery_error = error
        if dead is not None:
            ctx = self._ctx.within(job.jobs)
            mail_delivery_failure(ctx, session, offer, "withdrawal", error, dead, job.attempt)


class OfferExpireHandler:
    """Runs when the offer expires."""

    payload = OfferExpire

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx

    def run(self, job: JobContext, session: Session, payload: OfferExpire) -> Outcome:
        """Close the offer, unless it is already closed; snooze while it has not expired."""
        due = offers.expiry_ahead(session, payload.offer_id, job.now)
        if due is not None:
            return Snooze(due)
        return Done({"expired": offers.expire(self._ctx.within(job.jobs), session, payload.offer_id)})


def mail_delivery_failure(
    ctx: Context, session: Session, offer: Offer, subject_of: str, error: str, dead: str, attempts: int
) -> None:
    """Mail the reseller that a call failed for good; `subject_of` is offer, withdrawal or licences."""
    offers_notifications.mail_delivery_failed(
        ctx,
        session,
        offer,
        subject_of=subject_of,
        error=error,
        attempts=attempts,
        held=dead == DeadReason.LANE_HELD,
    )


def handlers(deps: HandlerDeps) -> list[Handler]:
    """Return the handlers of offers."""
    return [
        OfferDeliverHandler(deps.ctx, deps.sender, deps.secret_box),
        OfferWithdrawHandler(deps.ctx, deps.sender, deps.secret_box),
        OfferExpireHandler(deps.ctx),
    ]
