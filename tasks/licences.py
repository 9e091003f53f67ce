"""Licences told to the customer's instance: when they are granted, when they end, and before."""

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
    """Tell the instance what the account has since an offer was accepted."""

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
    """Tell the instance what is left once grants ended."""

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
    """Say 14 days before that grants will end."""

    policy: ClassVar[Policy] = Policy(
        name=licences.REMIND, queue=QUEUE, kind=TaskKind.TRANSACTIONAL, retry=RetryPolicy()
    )

    account_id: UUID
    ends_at: AwareDatetime


class LicencesProvisionHandler:
    """The counts changed with the acceptance; this is only how the instance learns of it."""

    payload = LicencesProvision

    def __init__(self, book: OfferBook, sender: CallSender, sealer: Sealer) -> None:
        self._book = book
        self._sender = sender
        self._sealer = sealer

    def claim(self, job: JobContext, session: Session, payload: LicencesProvision) -> Call | Cancel:
        """Totals as they are now."""
        offer = locked(session, payload.offer_id)
        if offer.state != OfferState.ACCEPTED:
            return Cancel(f"the offer is {offer.state}")
        offer.grant_state = GrantState.PENDING.value
        totals = licences.totals(session, offer.account_id, job.now)
        message = granted_message(offer, totals, job.now)
        return instances.call(session, self._sealer, offer.account_id, message, job.now)

    def act(self, job: JobContext, plan: Call) -> HttpReply:
        """POST `licences.granted`."""
        return say(self._sender, self._book.jobs.clock, plan)

    def record(
        self, job: JobContext, session: Session, payload: LicencesProvision, plan: Call, result: HttpReply
    ) -> Outcome:
        """The instance knows."""
        offer = locked(session, payload.offer_id)
        offer.grant_state, offer.grant_error = GrantState.APPLIED.value, None
        data = {"offer_id": str(offer.id)}
        announce(job, session, offer.account_id, "accepted", data, offer.reseller_id)
        return Done({"status": result.status})

    def failed(
        self, job: JobContext, session: Session, payload: LicencesProvision, error: str, dead: str | None
    ) -> None:
        """Show the error; tell the reseller when nobody tries any more."""
        offer = locked(session, payload.offer_id)
        offer.grant_error = error
        if dead is not None:
            offer.grant_state = GrantState.FAILED.value
            book = self._book.within(job.jobs)
            tell_reseller(book, session, offer, "licences", error, dead, job.attempt)


class LicencesEndGrantsHandler:
    """Scheduled for each instant at which something ends; grants replaced before do not count."""

    payload = LicencesEndGrants

    def __init__(self, book: OfferBook, sender: CallSender, sealer: Sealer) -> None:
        self._book = book
        self._sender = sender
        self._sealer = sealer

    def claim(self, job: JobContext, session: Session, payload: LicencesEndGrants) -> Call | Cancel | Snooze:
        """Totals as they are now."""
        if job.now < payload.ends_at:
            return Snooze(payload.ends_at)
        account = session.get_one(Account, payload.account_id)
        if account.deleted_at is not None or not rows.ending(session, account.id, payload.ends_at):
            return Cancel("nothing ends here any more")
        totals = licences.totals(session, account.id, job.now)
        message = ended_message(account.id, payload.ends_at, totals, job.now)
        return instances.call(session, self._sealer, account.id, message, job.now)

    def act(self, job: JobContext, plan: Call) -> HttpReply:
        """POST `licences.granted`."""
        return say(self._sender, self._book.jobs.clock, plan)

    def record(
        self, job: JobContext, session: Session, payload: LicencesEndGrants, plan: Call, result: HttpReply
    ) -> Outcome:
        """The instance knows."""
        announce(job, session, payload.account_id, "ended", {})
        return Done({"status": result.status})

    def failed(
        self, job: JobContext, session: Session, payload: LicencesEndGrants, error: str, dead: str | None
    ) -> None:
        """Tell the reseller when nobody tries any more."""
        ended = rows.ending(session, payload.account_id, payload.ends_at)
        if dead is not None and ended:
            offer = locked(session, ended[0].offer_id)
            book = self._book.within(job.jobs)
            tell_reseller(book, session, offer, "licences", error, dead, job.attempt)


class LicencesRemindHandler:
    """One mail for everything of an account that ends at the same instant."""

    payload = LicencesRemind

    def __init__(self, book: OfferBook) -> None:
        self._book = book

    def run(self, job: JobContext, session: Session, payload: LicencesRemind) -> Outcome:
        """Unless it was replaced, or is over already."""
        account = session.get_one(Account, payload.account_id)
        ending: list[Grant] = rows.ending(session, account.id, payload.ends_at)
        if account.deleted_at is not None or not ending or job.now >= payload.ends_at:
            return Cancel("nothing ends here any more")
        days = -(-(payload.ends_at - job.now) // timedelta(days=1))
        offer_mails.licences_ending(self._book.within(job.jobs), session, account, ending, days)
        return Done({"grants": len(ending)})


def announce(
    job: JobContext,
    session: Session,
    account_id: UUID,
    reason: str,
    more: dict[str, Any],
    reseller_id: UUID | None = None,
) -> None:
    """Write the domain event `licences.granted`."""
    account = session.get_one(Account, account_id)
    totals = licences.totals(session, account_id, job.now)
    data = granted(account_id, reason, totals, job.now) | more
    events.emit(session, job.jobs, "licences.granted", account, data, at=job.now, reseller_id=reseller_id)
