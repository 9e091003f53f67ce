"""Finds services for which something is due, strayed from their account, or whose job ended unnoticed."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from kontor.context import Context
from kontor.engine.endings import EndedJob
from kontor.engine.enqueue import JobRequest
from kontor.kernel.states import JobState, Renewal, ServiceVerb, SuspensionCause
from kontor.kernel.zones import local_day
from kontor.provisioning import outcomes, queries, renewals
from kontor.provisioning import service as actions
from kontor.provisioning.payloads import ServicesCare
from kontor.provisioning.rules import Deadlines, Step
from kontor.provisioning.service import Request
from kontor.provisioning.unpaid import settle_unpaid
from models.services import Service

PAGE: Final = 1_000
FIRST: Final = UUID(int=0)
DAYS_AHEAD: Final = timedelta(days=2)


def sweep(ctx: Context, session: Session) -> int:
    """Enqueue a job for each service that needs one; return how many."""
    failed_since = ctx.now - renewals.PAUSE
    ids = {*queries.strayed(session, None, failed_since, PAGE), *queries.lost(session, PAGE)}
    ids.update(_due(ctx, session, failed_since))
    requests = [JobRequest.of(ServicesCare(service_id=each), unique_key=str(each)) for each in sorted(ids)]
    if requests:
        ctx.jobs.enqueue_many(session, requests)
    return len(requests)


def _due(ctx: Context, session: Session, failed_since: datetime) -> set[UUID]:
    ids, after = set[UUID](), FIRST
    day = (ctx.now + DAYS_AHEAD).date()
    while rows := queries.candidates(session, day, after, PAGE, failed_since):
        for row in rows:
            zone = ctx.programme(session, row.programme).zone
            deadlines = Deadlines(row.paid_until, Renewal(row.renewal), row.grace, not row.closed)
            steps = deadlines.steps(local_day(ctx.now, zone))
            if any(_is_new(step, row.causes, row.unpaid_since) for step in steps):
                ids.add(row.id)
        after = rows[-1].id
    return ids


def _is_new(step: Step, causes: list[str], unpaid_since: datetime | None) -> bool:
    """Whether a step was not taken yet: one that waits for money is tried again by payments alone."""
    if step is Step.RENEW:
        return unpaid_since is None
    return step is Step.TERMINATE or SuspensionCause.UNPAID not in causes


def care(ctx: Context, session: Session, service_id: UUID) -> str | None:
    """Do what one service needs; return what was done."""
    service = actions.locked(session, service_id)
    if _record_lost(ctx, session, service):
        return "recorded"
    if follow(ctx, session, service_id):
        return "followed"
    return renewals.care(ctx, session, service_id)


def _record_lost(ctx: Context, session: Session, service: Service) -> bool:
    """Record the end of a job that ended without telling: a relay carried out its cancellation."""
    action = queries.running(session, service.id)
    if action is None or action.job_id is None:
        return False
    row = session.execute(queries.ENDED_JOB, {"id": action.job_id}).first()
    if row is None or (row.state == JobState.DEAD and action.verb == ServiceVerb.TERMINATE):
        return False
    ended = EndedJob(action.job_id, row[0], row[1], JobState(row[2]), row[3], row[4], may_have_acted=row[5] > 0)
    actions.record(ctx, session, service, action, ended)
    return True


def follow_account(ctx: Context, session: Session, account_id: UUID) -> int:
    """Suspend or resume what belongs to an account, and to a reseller's clients, as they are; return how many."""
    done = 0
    for service_id in queries.strayed(session, account_id, ctx.now - renewals.PAUSE, PAGE):
        done += follow(ctx, session, service_id)
    return done


def follow(ctx: Context, session: Session, service_id: UUID) -> bool:
    """Ask a service to be suspended or resumed as its account is; whether it was asked."""
    service = actions.locked(session, service_id)
    if not queries.is_strayed(session, service_id, ctx.now - renewals.PAUSE):
        return False
    cause = SuspensionCause.ACCOUNT.value
    verb = ServiceVerb.RESUME if cause in service.causes else ServiceVerb.SUSPEND
    reason = "its account was resumed" if verb is ServiceVerb.RESUME else "its account was suspended"
    actions.ask(ctx, session, service, Request(verb, outcomes.SYSTEM, reason, cause))
    if verb is ServiceVerb.RESUME:
        settle_unpaid(ctx.jobs, session, [service.reseller_id])
    return True
