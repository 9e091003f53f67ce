"""Ends of trials and reminders, each a job scheduled for its instant."""

from __future__ import annotations

from datetime import timedelta
from typing import ClassVar
from uuid import UUID

from sqlalchemy.orm import Session

from domain.trials import TrialState
from engine.catalogue import Payload, Policy, own_commit
from engine.handlers import JobContext
from engine.outcomes import Cancel, Done, Outcome, Snooze
from services import trials
from services.programmes import Programmes
from store import accounts


class TrialsEnd(Payload):
    """End a trial that is still running at its end."""

    policy: ClassVar[Policy] = own_commit(trials.END, "programme")

    account_id: UUID


class TrialsRemind(Payload):
    """Remind of a trial's end; after an outage, one mail covers all missed reminders."""

    policy: ClassVar[Policy] = own_commit(trials.REMIND, "programme", timedelta(minutes=30))

    account_id: UUID


class TrialsEndHandler:
    """Decides by the account's row; the job only supplies the time."""

    payload: ClassVar[type[TrialsEnd]] = TrialsEnd

    def __init__(self, programmes: Programmes) -> None:
        self._programmes = programmes

    def run(self, job: JobContext, session: Session, payload: TrialsEnd) -> Outcome:
        """Expire a trial past its end."""
        account = accounts.by_id(session, payload.account_id, lock=True)
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
        account = accounts.by_id(session, payload.account_id, lock=True)
        if account is None or account.deleted_at is not None:
            return Cancel("the account is gone")
        programme = self._programmes.current(session, account.programme)
        if not trials.remind(session, job.jobs, programme, account, job.now):
            return Cancel("no reminder is due")
        return Done()
