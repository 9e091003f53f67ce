"""Tasks of usage: quota mails and digests, changed limits, trials."""

from __future__ import annotations

from typing import ClassVar, Final

from sqlalchemy.orm import Session

from kontor.accounts import queries as accounts_queries
from kontor.engine.handlers import Cancel, Done, Handler, JobContext, Outcome, Snooze
from kontor.kernel.states import TrialState
from kontor.programme.model import Programme
from kontor.programme.service import Programmes
from kontor.programme.versions import Versions
from kontor.usage import notifications as usage_notifications
from kontor.usage import queries as usage_queries
from kontor.usage import quotas, trials
from kontor.usage import service as usage
from kontor.usage.payloads import QuotasCheck, QuotasDigest, QuotasNotify, TrialsEnd, TrialsRemind
from kontor.usage.rules import clock_hour
from kontor.usage.service import ChangedLimits
from tasks.deps import HandlerDeps

CHUNK: Final = 200


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
        changed = self._changed(session, programme, payload)
        accounts = accounts_queries.lock_accounts_by_id(session, account_ids).values()
        quotas.check_changed(session, job.jobs, programme, accounts, changed, job.now)
        if len(account_ids) == CHUNK:
            job.jobs.enqueue(session, payload.model_copy(update={"after": account_ids[-1]}))
        return Done({"judged": len(account_ids)})

    def _changed(self, session: Session, programme: Programme, payload: QuotasCheck) -> ChangedLimits:
        if payload.number is None or payload.follows is None:
            return {code: frozenset(programme.metrics) for code in programme.plans}
        versions = Versions(self._programmes, session, payload.programme)
        before, after = versions.numbered(payload.follows), versions.numbered(payload.number)
        return usage.changed_limits(before.programme, after.programme)


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
        """Mail the reminder if one is still due; snooze until the next one when its time has not come."""
        account = accounts_queries.by_id(session, payload.account_id, lock=True)
        if account is None or account.deleted_at is not None:
            return Cancel("the account is gone")
        programme = self._programmes.current(session, account.programme)
        if not trials.remind(session, job.jobs, programme, account, job.now):
            coming = trials.next_reminder(programme, account, job.now)
            return Cancel("no reminder is due") if coming is None else Snooze(coming)
        return Done()


def handlers(deps: HandlerDeps) -> list[Handler]:
    """Return the handlers of usage and trials."""
    return [
        TrialsEndHandler(deps.programmes),
        TrialsRemindHandler(deps.programmes),
        QuotasNotifyHandler(),
        QuotasDigestHandler(),
        QuotasCheckHandler(deps.programmes),
    ]
