"""Quota notices, digests of the resellers' copies, and new checks after a change of limits."""

from __future__ import annotations

from datetime import timedelta
from typing import ClassVar, Final
from uuid import UUID

from pydantic import AwareDatetime
from sqlalchemy.orm import Session

from domain.quotas import clock_hour
from engine.catalogue import Payload, Policy, own_commit
from engine.handlers import JobContext
from engine.outcomes import Cancel, Done, Outcome, Snooze
from services import quota_mails, quotas
from services.programmes import Programmes
from store import accounts
from store import quotas as rows

QUEUE: Final = "programme"
CHUNK: Final = 200


class QuotasTell(Payload):
    """Mail a notice to the account's admin; the reseller gets a copy now or in the digest."""

    policy: ClassVar[Policy] = own_commit(quotas.TELL, QUEUE)

    notice_id: UUID


class QuotasDigest(Payload):
    """Mail a reseller the copies held back in a clock hour, after the hour."""

    policy: ClassVar[Policy] = own_commit(quota_mails.DIGEST, QUEUE, timedelta(minutes=15))

    reseller_id: UUID
    hour: AwareDatetime


class QuotasJudge(Payload):
    """Check a programme's accounts against changed limits; continues in another job while there are more."""

    policy: ClassVar[Policy] = own_commit(quotas.JUDGE, QUEUE, timedelta(minutes=15))

    programme: str
    after: UUID | None = None


class QuotasTellHandler:
    """Sends exactly one mail for each notice."""

    payload: ClassVar[type[QuotasTell]] = QuotasTell

    def run(self, job: JobContext, session: Session, payload: QuotasTell) -> Outcome:
        """Mail a notice that was not mailed yet."""
        notice = rows.untold(session, payload.notice_id)
        if notice is None:
            return Cancel("the notice was already mailed")
        account = accounts.by_id(session, notice.account_id)
        if account is None or account.deleted_at is not None:
            notice.told_at = job.now
            return Cancel("the account is gone")
        mail_id = quota_mails.tell(session, job.jobs, notice, account, job.now)
        return Done({"mail_id": mail_id and str(mail_id), "digest": notice.digest_hour is not None})


class QuotasDigestHandler:
    """Sends one digest for each reseller and hour."""

    payload: ClassVar[type[QuotasDigest]] = QuotasDigest

    def run(self, job: JobContext, session: Session, payload: QuotasDigest) -> Outcome:
        """Close the hour and mail its digest."""
        end = clock_hour(payload.hour)[1]
        if job.now < end:
            return Snooze(end)
        reseller = accounts.by_id(session, payload.reseller_id)
        if reseller is None:
            return Cancel("the reseller is gone")
        return Done({"notices": quota_mails.digest(session, job.jobs, reseller, payload.hour)})


class QuotasJudgeHandler:
    """Locks a chunk of accounts in the order of their ids."""

    payload: ClassVar[type[QuotasJudge]] = QuotasJudge

    def __init__(self, programmes: Programmes) -> None:
        self._programmes = programmes

    def run(self, job: JobContext, session: Session, payload: QuotasJudge) -> Outcome:
        """Check a chunk; enqueue the next if this one was full."""
        programme = self._programmes.current(session, payload.programme)
        account_ids = rows.counted_accounts(session, payload.programme, payload.after, CHUNK)
        for account in accounts.lock_all(session, account_ids).values():
            quotas.judge(session, job.jobs, programme, account, job.now)
        if len(account_ids) == CHUNK:
            next_chunk = QuotasJudge(programme=payload.programme, after=account_ids[-1])
            job.jobs.enqueue(session, job.task, next_chunk)
        return Done({"judged": len(account_ids)})
