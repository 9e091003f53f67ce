"""Tasks of usage: quota mails and digests, changed limits, trials."""

from __future__ import annotations

from datetime import timedelta
from typing import ClassVar, Final
from uuid import UUID

from pydantic import AwareDatetime
from sqlalchemy.orm import Session

from kontor.accounts import queries as accounts_queries
from kontor.engine.catalogue import Payload, Policy, isolated_policy
from kontor.engine.handlers import Cancel, Done, JobContext, Outcome, Snooze
from kontor.kernel.states import TrialState
from kontor.programme.service import Programmes
from kontor.usage import notifications as usage_notifications
from kontor.usage import queries as usage_queries
from kontor.usage import quotas, trials
from kontor.usage.rules import clock_hour

QUEUE: Final = "programme"
CHUNK: Final = 200


class QuotasNotify(Payload):
    """Mail a notice to the account's admin; the reseller gets a copy now or in the digest."""

    policy: ClassVar[Policy] = isolated_policy(quotas.NOTIFY, QUEUE)

    notice_id: UUID


class QuotasDigest(Payload):
    """Mail a reseller the copies held back in a clock hour, after the hour."""

    policy: ClassVar[Policy] = isolated_policy(usage_notifications.DIGEST, QUEUE, timedelta(minutes=15))

    reseller_id: UUID
    hour: AwareDatetime


class QuotasCheck(Payload):
    """Check a programme's accounts against changed limits; continues in another job while there are more."""

    policy: ClassVar[Policy] = isolated_policy(quotas.CHECK, QUEUE, timedelta(minutes=15))

    programme: str
    after: UUID | None = None


class QuotasNotifyHandler:
    """Sends exactly one mail for each notice."""

    payload: ClassVar[type[QuotasNotify]] = QuotasNotify

    def run(self, job: JobContext, session: Session, payload: QuotasNotify) -> Outcome:
        """Mail a notice that was not mailed yet."""
        notice = usage_queries.lock_unmailed(session, payload.notice_id)
        if notice is None:
            return Cancel("the notice was already mailed")
        account = accounts_queries.by_id(session, notice.account_id)
        if account is None or account.deleted_at is not None:
            notice.told_at = job.now
            return Cancel("the account is gone")
        mail_id = usage_notifications.mail_notice(session, job.jobs, notice, account, job.now)
        return Done({"mail_id": mail_id and str(mail_id), "digest": notice.digest_hour is not None})


class QuotasDigestHandler:
    """Sends one digest for each reseller and hour."""

    payload: ClassVar[type[QuotasDigest]] = QuotasDigest

    def run(self, job: JobContext, session: Session, payload: QuotasDigest) -> Outcome:
        """Close the hour and mail its digest."""
        end = clock_hour(payload.hour)[1]
        if job.now < end:
            return Snooze(end)
        reseller = accounts_queries.by_id(session, payload.reseller_id)
        if reseller is None:
            return Cancel("the reseller is gone")
        return Done({"notices": usage_notifications.mail_digest(session, job.jobs, reseller, payload.hour)})


class QuotasCheckHandler:
    """Locks a chunk of accounts in the order of their ids."""

    payload: ClassVar[type[QuotasCheck]] = QuotasCheck

    def __init__(self, programmes: Programmes) -> None:
        self._programmes = programmes

    def run(self, job: JobContext, session: Session, payload: QuotasCheck) -> Outcome:
        """Check a chunk; enqueue the next if this one was full."""
        programme = self._programmes.current(session, payload.programme)
        account_ids = usage_queries.accounts_with_usage(session, payload.programme, payload.after, CHUNK)
        for account in accounts_queries.lock_accounts_by_id(session, account_ids).values():
            quotas.check_thresholds(session, job.jobs, programme, account, job.now)
        if len(account_ids) == CHUNK:
            next_chunk = QuotasCheck(programme=payload.programme, after=account_ids[-1])
            job.jobs.enqueue(session, job.task, next_chunk)
        return Done({"judged": len(account_ids)})


class TrialsEnd(Payload):
    """End a trial that is still running at its end."""

    policy: ClassVar[Policy] = isolated_policy(trials.END, "programme")

    account_id: UUID


class TrialsRemind(Payload):
    """Remind of a trial's end; after an outage, one mail covers all missed reminders."""

    policy: ClassVar[Policy] = isolated_policy(trials.REMIND, "programme", timedelta(minutes=30))

    account_id: UUID


class TrialsEndHandler:
    """Decides by the account's row; the job only supplies the time."""

    payload: ClassVar[type[TrialsEnd]] = TrialsEnd

    def __init__(self, programmes: Programmes) -> None:
        self._programmes = programmes

    def run(self, job: JobContext, session: Session, payload: TrialsEnd) -> Outcome:
        """Expire a trial past its end."""
        account = accounts_queries.by_id(session, payload.account_id, lock=True)
        if account is None or account.trial_state != TrialState.RUNNING:
            return Cancel("no trial is running")
        if account.trial_ends_at is not None and job.now < account.trial_ends_at:
            return Snooze(account.trial_ends_at)
        programme = self._programmes.current(session, account.programme)
        trials.end(session, job.jobs, programme, account, job.now)
        return Done({"ended_at": account.trial_ends_at and account.trial_ends_at.isoformat()})


class TrialsRemindHandler:
    """Decides by the reminders already sent."""

    payload: ClassVar[type[TrialsRemind]] = TrialsRemind

    def __init__(self, programmes: Programmes) -> None:
        self._programmes = programmes

    def run(self, job: JobContext, session: Session, payload: TrialsRemind) -> Outcome:
        """Mail the reminder if one is still due."""
        account = accounts_queries.by_id(session, payload.account_id, lock=True)
        if account is None or account.deleted_at is not None:
            return Cancel("the account is gone")
        programme = self._programmes.current(session, account.programme)
        if not trials.remind(session, job.jobs, programme, account, job.now):
            return Cancel("no reminder is due")
        return Done()
