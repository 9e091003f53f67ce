"""Licence calls to the customer's instance, when grants start and end, and the reminder before the end."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, ClassVar
from uuid import UUID

from pydantic import AwareDatetime
from sqlalchemy.orm import Session

from domain.calling import Call, CallSender
from domain.jobs import TaskKind
from domain.offers import OfferState
from domain.ports import HttpReply, Sealer
from domain.retry import RetryPolicy
from engine.catalogue import Payload, Policy
from engine.handlers import JobContext
from engine.outcomes import Cancel, Done, Outcome, Snooze
from models.accounts import Account
from models.licences import Grant
from models.offers import GrantState
from services import events, instances, licences, offer_mails
from services.offer_log import OfferBook, locked
from services.offer_messages import ended_message, granted, granted_message
from store import licences as rows
from tasks.calls import say
from tasks.offers import QUEUE, RETRY, tell_reseller


class LicencesProvision(Payload):
    """Send licence totals to the instance after an acceptance."""

    policy: ClassVar[Policy] = Policy(
        name=licences.PROVISION,
        queue=QUEUE,
        kind=TaskKind.EXTERNAL,
        retry=RETRY,
        due_by=timedelta(minutes=1),
        time_limit=timedelta(minutes=1),
    )

    offer_id: UUID


class LicencesEndGrants(Payload):
    """Send licence totals to the instance after grants ended."""

    policy: ClassVar[Policy] = Policy(
        name=licences.END_GRANTS,
        queue=QUEUE,
        kind=TaskKind.EXTERNAL,
        retry=RETRY,
        time_limit=timedelta(minutes=1),
    )

    account_id: UUID
    ends_at: AwareDatetime


class LicencesRemind(Payload):
    """Remind of ending grants, 14 days before."""

    policy: ClassVar[Policy] = Policy(
        name=licences.REMIND, queue=QUEUE, kind=TaskKind.TRANSACTIONAL, retry=RetryPolicy()
    )

    account_id: UUID
    ends_at: AwareDatetime


class LicencesProvisionHandler:
    """Notifies the instance; the grants themselves were written with the acceptance."""

    payload = LicencesProvision

    def __init__(self, ctx: OfferBook, sender: CallSender, sealer: Sealer) -> None:
        self._ctx = ctx
        self._sender = sender
        self._sealer = sealer

    def claim(self, job: JobContext, session: Session, payload: LicencesProvision) -> Call | Cancel:
        """Build the call with the current totals; cancel if the offer is not accepted."""
        offer = locked(session, payload.offer_id)
        if offer.state != OfferState.ACCEPTED:
            return Cancel(f"the offer is {offer.state}")
        offer.grant_state = GrantState.PENDING.value
        totals = licences.totals(session, offer.account_id, job.now)
        message = granted_message(offer, totals, job.now)
        return instances.call(session, self._sealer, offer.account_id, message, job.now)

    def act(self, job: JobContext, plan: Call) -> HttpReply:
        """POST `licences.granted`."""
        return say(self._sender, self._ctx.jobs.clock, plan)

    def record(
        self, job: JobContext, session: Session, payload: LicencesProvision, plan: Call, result: HttpReply
    ) -> Outcome:
        """Record that the instance confirmed the totals."""
        offer = locked(session, payload.offer_id)
        offer.grant_state, offer.grant_error = GrantState.APPLIED.value, None
        data = {"offer_id": str(offer.id)}
        announce(job, session, offer.account_id, "accepted", data, offer.reseller_id)
        return Done({"status": result.status})

    def failed(
        self, job: JobContext, session: Session, payload: LicencesProvision, error: str, dead: str | None
    ) -> None:
        """Store the error; mail the reseller when the job is dead."""
        offer = locked(session, payload.offer_id)
        offer.grant_error = error
        if dead is not None:
            offer.grant_state = GrantState.FAILED.value
            ctx = self._ctx.within(job.jobs)
            tell_reseller(ctx, session, offer, "licences", error, dead, job.attempt)


class LicencesEndGrantsHandler:
    """Runs at each instant at which grants end; grants replaced before it do not count."""

    payload = LicencesEndGrants

    def __init__(self, ctx: OfferBook, sender: CallSender, sealer: Sealer) -> None:
        self._ctx = ctx
        self._sender = sender
        self._sealer = sealer

    def claim(self, job: JobContext, session: Session, payload: LicencesEndGrants) -> Call | Cancel | Snooze:
        """Build the call with the current totals; cancel if no grants end."""
        if job.now < payload.ends_at:
            return Snooze(payload.ends_at)
        account = session.get_one(Account, payload.account_id)
        if account.deleted_at is not None or not rows.ending(session, account.id, payload.ends_at):
            return Cancel("no grants end at this time")
        totals = licences.totals(session, account.id, job.now)
        message = ended_message(account.id, payload.ends_at, totals, job.now)
        return instances.call(session, self._sealer, account.id, message, job.now)

    def act(self, job: JobContext, plan: Call) -> HttpReply:
        """POST `licences.granted`."""
        return say(self._sender, self._ctx.jobs.clock, plan)

    def record(
        self, job: JobContext, session: Session, payload: LicencesEndGrants, plan: Call, result: HttpReply
    ) -> Outcome:
        """Record that the instance confirmed the totals."""
        announce(job, session, payload.account_id, "ended", {})
        return Done({"status": result.status})

    def failed(
        self, job: JobContext, session: Session, payload: LicencesEndGrants, error: str, dead: str | None
    ) -> None:
        """Mail the reseller when the job is dead."""
        ended = rows.ending(session, payload.account_id, payload.ends_at)
        if dead is not None and ended:
            offer = locked(session, ended[0].offer_id)
            ctx = self._ctx.within(job.jobs)
            tell_reseller(ctx, session, offer, "licences", error, dead, job.attempt)


class LicencesRemindHandler:
    """Sends one mail for all grants of an account that end at the same instant."""

    payload = LicencesRemind

    def __init__(self, ctx: OfferBook) -> None:
        self._ctx = ctx

    def run(self, job: JobContext, session: Session, payload: LicencesRemind) -> Outcome:
        """Mail the reminder, unless the grants were replaced or have ended."""
        account = session.get_one(Account, payload.account_id)
        ending: list[Grant] = rows.ending(session, account.id, payload.ends_at)
        if account.deleted_at is not None or not ending or job.now >= payload.ends_at:
            return Cancel("no grants end at this time")
        days = -(-(payload.ends_at - job.now) // timedelta(days=1))
        offer_mails.licences_ending(self._ctx.within(job.jobs), session, account, ending, days)
        return Done({"grants": len(ending)})


def announce(
    job: JobContext,
    session: Session,
    account_id: UUID,
    reason: str,
    extra: dict[str, Any],
    reseller_id: UUID | None = None,
) -> None:
    """Write the domain event `licences.granted`."""
    account = session.get_one(Account, account_id)
    totals = licences.totals(session, account_id, job.now)
    data = granted(account_id, reason, totals, job.now) | extra
    events.emit(session, job.jobs, "licences.granted", account, data, at=job.now, reseller_id=reseller_id)
