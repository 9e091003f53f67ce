"""Scheduled fees: nightly charging and monthly statements."""

from __future__ import annotations

from datetime import date
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from kontor.account_book import notifications
from kontor.account_book.payloads import BalancesCheck
from kontor.context import Context
from kontor.engine.enqueue import JobRequest
from kontor.engine.handlers import Done, Handler, JobContext
from kontor.fees import statements
from kontor.fees.payloads import FeesCharge, FeesChargeRange, FeesStatement, FeesStatements
from kontor.fees.queries import RunPosition
from kontor.fees.statement_queries import payers
from kontor.kernel.periods import add_months
from kontor.kernel.zones import local_day
from kontor.programme.service import Programmes
from tasks.deps import HandlerDeps

PAGE: Final = 1_000


class FeesChargeHandler:
    """Splits the due runs into ranges; each range's job checks again what is due."""

    payload = FeesCharge

    def __init__(self, programmes: Programmes) -> None:
        self._programmes = programmes

    def run(self, job: JobContext, session: Session, payload: FeesCharge) -> Done:
        """Enqueue a job for every range."""
        ranges = statements.ranges(Context(job.jobs, self._programmes), session, payload.programme)
        requests = [JobRequest.of(_range(payload.programme, first, before)) for first, before in ranges]
        return Done({"ranges": len(job.jobs.enqueue_many(session, requests))})


def _range(programme: str, first: RunPosition, before: RunPosition | None) -> FeesChargeRange:
    if before is None:
        return FeesChargeRange(programme=programme, day=first.day, run_id=first.run_id)
    return FeesChargeRange(
        programme=programme,
        day=first.day,
        run_id=first.run_id,
        before_day=before.day,
        before_run_id=before.run_id,
    )


class FeesChargeRangeHandler:
    """Charges one range in one transaction."""

    payload = FeesChargeRange

    def __init__(self, programmes: Programmes) -> None:
        self._programmes = programmes

    def run(self, job: JobContext, session: Session, payload: FeesChargeRange) -> Done:
        """Charge the runs of the range that are still due."""
        first, before = RunPosition(payload.day, payload.run_id), None
        if payload.before_day is not None and payload.before_run_id is not None:
            before = RunPosition(payload.before_day, payload.before_run_id)
        ctx = Context(job.jobs, self._programmes)
        return Done({"charges": statements.charge_range(ctx, session, payload.programme, first, before)})


class FeesStatementsHandler:
    """Finds the resellers with something to state, one page at a time."""

    payload = FeesStatements

    def __init__(self, programmes: Programmes) -> None:
        self._programmes = programmes

    def run(self, job: JobContext, session: Session, payload: FeesStatements) -> Done:
        """Enqueue a job for every reseller of the page, and the next page."""
        programme = self._programmes.current(session, payload.programme)
        end = local_day(payload.due, programme.zone).replace(day=1)
        month = add_months(end, -1)
        resellers = payers(session, payload.programme, end, payload.after, PAGE)
        job.jobs.enqueue_many(session, [_statement(reseller_id, month) for reseller_id in resellers])
        if len(resellers) == PAGE:
            job.jobs.enqueue(session, payload.model_copy(update={"after": resellers[-1]}))
        return Done({"month": month.isoformat(), "resellers": len(resellers)})


def _statement(reseller_id: UUID, month: date) -> JobRequest:
    return JobRequest.of(FeesStatement(reseller_id=reseller_id, month=month), tenant=str(reseller_id))


class FeesStatementHandler:
    """Mails at most one statement per reseller and month."""

    payload = FeesStatement

    def __init__(self, programmes: Programmes) -> None:
        self._programmes = programmes

    def run(self, job: JobContext, session: Session, payload: FeesStatement) -> Done:
        """Charge what is still due, then post the statement."""
        ctx = Context(job.jobs, self._programmes)
        mail_id = statements.post(ctx, session, payload.reseller_id, payload.month)
        return Done({"mail_id": None if mail_id is None else str(mail_id)})


class BalancesCheckHandler:
    """Mails resellers whose balance fell under the programme's threshold, once until it rose again."""

    payload = BalancesCheck

    def __init__(self, programmes: Programmes) -> None:
        self._programmes = programmes

    def run(self, job: JobContext, session: Session, payload: BalancesCheck) -> Done:
        """Check and mail."""
        ctx = Context(job.jobs, self._programmes)
        mailed = notifications.check(ctx, session, payload.reseller_ids, falling=payload.falling)
        return Done({"mailed": mailed})


def handlers(deps: HandlerDeps) -> list[Handler]:
    """Return the fee handlers."""
    return [
        FeesChargeHandler(deps.programmes),
        FeesChargeRangeHandler(deps.programmes),
        FeesStatementsHandler(deps.programmes),
        FeesStatementHandler(deps.programmes),
        BalancesCheckHandler(deps.programmes),
    ]
