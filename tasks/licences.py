"""Licence calls to the customer's instance, when grants start and end, and the reminder before the end."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from sqlalchemy.orm import Session

from kontor.accounts import instances
from kontor.context import Context
from kontor.engine.handlers import Cancel, Done, Handler, JobContext, Outcome, Snooze
from kontor.kernel.ports import CallSender, HttpReply, OutgoingCall, SecretBox
from kontor.kernel.states import OfferState
from kontor.licences import service as licences
from kontor.licences.payloads import LicencesEndGrants, LicencesProvision, LicencesRemind
from kontor.licences.rules import ENDING_REMINDER_LEAD
from kontor.offers import notifications as offers_notifications
from kontor.offers.transitions import lock_offer
from kontor.offers.views import ended_message, granted_message, granted_payload
from kontor.webhooks import events
from kontor.webhooks.signing import wire_time
from models.accounts import Account
from models.licences import Grant
from models.offers import GrantState, Offer
from tasks.calls import send_or_raise
from tasks.deps import HandlerDeps
from tasks.offers import mail_delivery_failure


class LicencesProvisionHandler:
    """Notifies the instance; the grants themselves were written with the acceptance."""

    payload = LicencesProvision

    def __init__(self, ctx: Context, sender: CallSender, secret_box: SecretBox) -> None:
        self._ctx = ctx
        self._sender = sender
        self._sealer = secret_box

    def claim(self, job: JobContext, session: Session, payload: LicencesProvision) -> OutgoingCall | Cancel:
        """Build the call with the current totals; cancel if the offer is not accepted."""
        offer = lock_offer(session, payload.offer_id)
        if offer.state != OfferState.ACCEPTED:
            return Cancel(f"the offer is {offer.state}")
        offer.grant_state = GrantState.PENDING.value
        totals = licences.balances_with_zeros(session, offer.account_id, job.now)
        message = granted_message(offer, totals, job.now)
        return instances.build_call(session, self._sealer, offer.account_id, message, job.now)

    def act(self, job: JobContext, plan: OutgoingCall) -> HttpReply:
        """POST `licences.granted`."""
        return send_or_raise(self._sender, self._ctx.jobs.clock, plan)

    def record(
        self, job: JobContext, session: Session, payload: LicencesProvision, plan: OutgoingCall, result: HttpReply
    ) -> Outcome:
        """Record that the instance confirmed the totals."""
        offer = lock_offer(session, payload.offer_id)
        offer.grant_state, offer.grant_error = GrantState.APPLIED.value, None
        emit_granted(job, session, offer.account_id, offer)
        return Done({"status": result.status})

    def failed(
        self, job: JobContext, session: Session, payload: LicencesProvision, error: str, dead: str | None
    ) -> None:
        """Store the error; mail the reseller when the job is dead."""
        offer = lock_offer(session, payload.offer_id)
        offer.grant_error = error
        if dead is not None:
            offer.grant_state = GrantState.FAILED.value
            ctx = self._ctx.within(job.jobs)
            mail_delivery_failure(ctx, session, offer, "licences", error, dead, job.attempt)


class LicencesEndGrantsHandler:
    """Runs at each instant at which grants end; grants replaced before it do not count."""

    payload = LicencesEndGrants

    def __init__(self, ctx: Context, sender: CallSender, secret_box: SecretBox) -> None:
        self._ctx = ctx
        self._sender = sender
        self._sealer = secret_box

    def claim(self, job: JobContext, session: Session, payload: LicencesEndGrants) -> OutgoingCall | Cancel | Snooze:
        """Build the call with the current totals; cancel if no grants end."""
        if job.now < payload.ends_at:
            return Snooze(payload.ends_at)
        account = session.get_one(Account, payload.account_id)
        if account.deleted_at is not None or not licences.ending_grants(session, account.id, payload.ends_at):
            return Cancel("no grants end at this time")
        totals = licences.balances_with_zeros(session, account.id, job.now)
        message = ended_message(account.id, payload.ends_at, totals, job.now)
        return instances.build_call(session, self._sealer, account.id, message, job.now)

    def act(self, job: JobContext, plan: OutgoingCall) -> HttpReply:
        """POST `licences.granted`."""
        return send_or_raise(self._sender, self._ctx.jobs.clock, plan)

    def record(
        self, job: JobContext, session: Session, payload: LicencesEndGrants, plan: OutgoingCall, result: HttpReply
    ) -> Outcome:
        """Record that the instance confirmed the totals."""
        emit_granted(job, session, payload.account_id)
        return Done({"status": result.status})

    def failed(
        self, job: JobContext, session: Session, payload: LicencesEndGrants, error: str, dead: str | None
    ) -> None:
        """Mail the reseller when the job is dead."""
        ended = licences.ending_grants(session, payload.account_id, payload.ends_at)
        if dead is not None and ended:
            offer = lock_offer(session, ended[0].offer_id)
            ctx = self._ctx.within(job.jobs)
            mail_delivery_failure(ctx, session, offer, "licences", error, dead, job.attempt)


class LicencesRemindHandler:
    """Sends one mail for all grants of an account that end at the same instant."""

    payload = LicencesRemind

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx

    def run(self, job: JobContext, session: Session, payload: LicencesRemind) -> Outcome:
        """Mail the reminder 14 days before the end, unless the grants were replaced or have ended."""
        account = session.get_one(Account, payload.account_id)
        ending: list[Grant] = licences.ending_grants(session, account.id, payload.ends_at)
        if account.deleted_at is not None or not ending or job.now >= payload.ends_at:
            return Cancel("no grants end at this time")
        remind_at = payload.ends_at - ENDING_REMINDER_LEAD
        if job.now < remind_at:
            return Snooze(remind_at)
        days = -(-(payload.ends_at - job.now) // timedelta(days=1))
        offers_notifications.mail_licences_ending(self._ctx.within(job.jobs), session, account, ending, days)
        emit_ending(job, session, account, ending)
        return Done({"grants": len(ending)})


def emit_ending(job: JobContext, session: Session, account: Account, ending: Sequence[Grant]) -> None:
    """Write the domain event `licences.ending` for grants that end at the same instant."""
    ends_at = wire_time(ending[0].ends_at)
    data = {
        "account_id": str(account.id),
        "name": account.name,
        "ends_at": ends_at,
        "licences": [{"product": each.product, "count": each.count, "expires_at": ends_at} for each in ending],
    }
    events.emit(session, job.jobs, "licences.ending", account, data, at=job.now)


def emit_granted(job: JobContext, session: Session, account_id: UUID, offer: Offer | None = None) -> None:
    """Write the domain event `licences.granted`, after an acceptance of `offer` or after grants ended."""
    account = session.get_one(Account, account_id)
    totals = licences.balances_with_zeros(session, account_id, job.now)
    data = granted_payload(account_id, totals, job.now, offer)
    reseller_id = None if offer is None else offer.reseller_id
    events.emit(session, job.jobs, "licences.granted", account, data, at=job.now, reseller_id=reseller_id)


def handlers(deps: HandlerDeps) -> list[Handler]:
    """Return the handlers of licences."""
    return [
        LicencesProvisionHandler(deps.ctx, deps.sender, deps.secret_box),
        LicencesEndGrantsHandler(deps.ctx, deps.sender, deps.secret_box),
        LicencesRemindHandler(deps.ctx),
    ]
