"""Trials: started once per account and identity; ended by a paid plan, by time or by a closed account."""

from __future__ import annotations

from datetime import datetime
from hashlib import sha256
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from kontor.accounts.locks import lock_account
from kontor.context import Context
from kontor.engine.enqueue import Jobs
from kontor.kernel.errors import Conflict
from kontor.kernel.states import TrialState
from kontor.programme.model import Programme
from kontor.usage import notifications, quotas, service
from kontor.usage.payloads import END, REMIND, TrialsEnd, TrialsRemind
from kontor.usage.rules import TrialRun, check_trial_start, reminder_due, reminders, trial_identity, trial_state
from kontor.webhooks import events
from kontor.webhooks.events import reseller_of
from models.accounts import Account, AccountKind, TrialClaim


def start(ctx: Context, session: Session, account_id: UUID) -> Account:
    """Start an account's only trial and enqueue its end and reminders.

    Raises NotFound, Conflict(`account_deleted`, `no_trial`, `trial_used`, `already_subscribed`).
    """
    account = lock_account(session, account_id)
    programme = ctx.programme_of(session, account)
    subscribed = account.plan != programme.free_plan.code
    used = account.trial_state != TrialState.NONE
    rules = check_trial_start(programme.trial, used=used, subscribed=subscribed)
    if not _claim(session, account, ctx.now):
        raise Conflict("trial_used", "This admin has already used the programme's trial with another account.")
    run = TrialRun.starting(rules, ctx.now)
    account.trial_state = TrialState.RUNNING.value
    account.trial_started_at, account.trial_ends_at = run.started_at, run.ends_at
    session.flush()
    _schedule(session, ctx.jobs, account, run, reminders(run, rules))
    event_data = {"account_id": str(account.id), "name": account.name, "ends_at": run.ends_at.isoformat()}
    events.emit(session, ctx.jobs, "trial.started", account, event_data, at=ctx.now)
    notifications.mail_trial_started(session, ctx.jobs, programme, account)
    return account


def may_start(account: Account, programme: Programme, now: datetime) -> bool:
    """Whether an account's trial can be offered: once used it never is again."""
    unused = service.trial_state(account, now) is TrialState.NONE and account.plan == programme.free_plan.code
    return unused and programme.trial is not None and account.kind != AccountKind.RESELLER


def _schedule(session: Session, jobs: Jobs, account: Account, run: TrialRun, due: tuple[datetime, ...]) -> None:
    tenant = str(reseller_of(account) or "")
    end = TrialsEnd(account_id=account.id)
    jobs.enqueue(session, end, tenant=tenant, run_at=run.ends_at, effect_key=f"{END}:{account.id}")
    for at in due:
        key = f"{REMIND}:{account.id}:{at.isoformat()}"
        jobs.enqueue(session, TrialsRemind(account_id=account.id), tenant=tenant, run_at=at, effect_key=key)


def _claim(session: Session, account: Account, now: datetime) -> bool:
    """Record the identity that uses a trial; False if it already had one (programme.md 2.8).

    Stored as a hash, because the record outlives the account and must not hold an address.
    """
    owner = session.get(Account, account.reseller_id) if account.reseller_id is not None else None
    identity = trial_identity(account.admin_email, account.name, owner.admin_email if owner else None)
    digest = sha256(f"{account.programme}\x00{identity}".encode()).hexdigest()
    return claim(session, account.programme, digest, account.id, now)


def convert(session: Session, jobs: Jobs, account: Account, now: datetime) -> bool:
    """End the trial of a locked account that takes a paid plan now; False if none is running.

    From `ends_at` on the trial counts as expired; the job scheduled for that instant records it.
    """
    if service.trial_state(account, now) is not TrialState.RUNNING:
        return False
    _stop(session, jobs, account, TrialState.CONVERTED, now, now)
    return True


def end(session: Session, jobs: Jobs, programme: Programme, account: Account, now: datetime) -> None:
    """Record that a locked account's trial expired: emit the event, check quotas, post the mail."""
    ended_at = account.trial_ends_at or now
    _stop(session, jobs, account, TrialState.EXPIRED, ended_at, now)
    used = quotas.check_thresholds(session, jobs, programme, account, now)
    if account.plan == programme.free_plan.code:
        notifications.mail_trial_ended(session, jobs, programme, account, used)


def end_for_deletion(session: Session, jobs: Jobs, account: Account, now: datetime) -> None:
    """End the trial of a locked account that is deleted; the identity record stays.

    Also records the current admin address, so a changed address gives nobody a second trial.
    """
    if account.trial_state == TrialState.NONE:
        return
    _claim(session, account, now)
    if account.trial_state == TrialState.RUNNING:
        ended_at = min(account.trial_ends_at or now, now)
        _stop(session, jobs, account, TrialState.EXPIRED, ended_at, now)


def _stop(session: Session, jobs: Jobs, account: Account, state: TrialState, ended_at: datetime, now: datetime) -> None:
    account.trial_state, account.trial_ends_at = state.value, ended_at
    session.flush()
    event_data = {"account_id": str(account.id), "name": account.name}
    outcome = {"outcome": state.value, "ended_at": ended_at.isoformat()}
    events.emit(session, jobs, "trial.ended", account, event_data | outcome, at=now)


def remind(session: Session, jobs: Jobs, programme: Programme, account: Account, now: datetime) -> bool:
    """Mail the reminder that is due to a locked account; False if none is due."""
    run = service.running_trial(account)
    if run is None or programme.trial is None:
        return False
    sent = [] if account.trial_reminded_at is None else [account.trial_reminded_at]
    due = reminder_due(run, programme.trial, sent, now)
    if due is None:
        return False
    account.trial_reminded_at = due
    session.flush()
    notifications.mail_trial_reminder(session, jobs, programme, account, due, now)
    return True


def next_reminder(programme: Programme, account: Account, now: datetime) -> datetime | None:
    """Return when the next reminder of an account's running trial is due, if one is to come."""
    run = service.running_trial(account)
    if run is None or programme.trial is None or trial_state(run, now) is not TrialState.RUNNING:
        return None
    return min((at for at in reminders(run, programme.trial) if at > now), default=None)


def claim(session: Session, programme: str, identity: str, account_id: UUID, at: datetime) -> bool:
    """Record permanently that an identity had its trial; False if it already had one."""
    values = {"programme": programme, "identity": identity, "account_id": account_id, "at": at}
    statement = insert(TrialClaim).values(**values).on_conflict_do_nothing()
    return session.scalar(statement.returning(TrialClaim.identity)) is not None
