"""Scheduled fees: nightly charging and monthly statements."""

from __future__ import annotations

from datetime import date, timedelta
from typing import ClassVar, Final
from uuid import UUID

from pydantic import AwareDatetime
from sqlalchemy.orm import Session

from kontor.context import Context
from kontor.engine.catalogue import Payload, Policy, isolated_policy
from kontor.engine.enqueue import JobRequest
from kontor.engine.handlers import Done, Handler, JobContext
from kontor.engine.retry import RetryPolicy
from kontor.engine.schedules import ScheduleSpec
from kontor.fees import statements
from kontor.fees.queries import RunPosition, payers
from kontor.kernel.periods import add_months
from kontor.kernel.states import MisfirePolicy, TaskKind
from kontor.kernel.zones import local_day
from kontor.programme.service import Programmes, list_programmes

QUEUE: Final = "fees"
CHARGE: Final = "fees.charge"
CHARGE_RANGE: Final = "fees.charge_range"
STATEMENTS: Final = "fees.statements"
STATEMENT: Final = "fees.statement"
PAGE: Final = 1_000


class FeesCharge(Payload):
    """Charge every due period of a programme, split into ranges with one job each."""

    policy: ClassVar[Policy] = isolated_policy(CHARGE, QUEUE)

    programme: str


class FeesChargeRange(Payload):
    """Charge the due runs from one position (day, run) to before another; without an end: all the rest."""

    policy: ClassVar[Policy] = isolated_policy(CHARGE_RANGE, QUEUE, timedelta(minutes=10))

    programme: str
    day: date
    run_id: UUID
    before_day: date | None = None
    before_run_id: UUID | None = None


class FeesStatements(Payload):
    """Mail the statements of the month before the local day of `due`; the next job continues `after` an id."""

    policy: ClassVar[Policy] = isolated_policy(STATEMENTS, QUEUE, timedelta(minutes=30))

    programme: str
    due: AwareDatetime
    after: UUID | None = None


class FeesStatement(Payload):
    """Mail one reseller's statement of a month, given by its first day."""

    policy: ClassVar[Policy] = Policy(
        name=STATEMENT,
        queue=QUEUE,
        kind=TaskKind.TRANSACTIONAL,
        retry=RetryPolicy(max_attempts=10),
        due_by=timedelta(hours=1),
    )

    reseller_id: UUID
    month: date


class FeesChargeHandler:
    """Splits the due runs into ranges; each range's job checks again what is due."""

    payload = FeesCharge

    def __init__(self, programmes: Programmes) -> None:
        self._programmes = programmes

    def run(self, job: JobContext, session: Session, payload: FeesCharge) -> Done:
        """Enqueue a job for every range."""
        ranges = statements.ranges(Context(job.jobs, self._programmes), session, payload.programme)
        requests = [JobRequest(CHARGE_RANGE, _args(payload.programme, first, before)) for first, before in ranges]
        return Done({"ranges": len(job.jobs.enqueue_many(session, requests))})


def _args(programme: str, first: RunPosition, before: RunPosition | None) -> dict[str, object]:
    args = {"programme": programme, "day": first.day, "run_id": first.run_id}
    return args if before is None else {**args, "before_day": before.day, "before_run_id": before.run_id}


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
    """Finds the resellers with charges in the month, one page at a time."""

    payload = FeesStatements

    def __init__(self, programmes: Programmes) -> None:
        self._programmes = programmes

    def run(self, job: JobContext, session: Session, payload: FeesStatements) -> Done:
        """Enqueue a job for every reseller of the page, and the next page."""
        programme = self._programmes.current(session, payload.programme)
        end = local_day(payload.due, programme.zone).replace(day=1)
        month = add_months(end, -1)
        resellers = payers(session, payload.programme, month, end, payload.after, PAGE)
        job.jobs.enqueue_many(session, [_statement(reseller_id, month) for reseller_id in resellers])
        if len(resellers) == PAGE:
            job.jobs.enqueue(session, STATEMENTS, payload.model_copy(update={"after": resellers[-1]}))
        return Done({"month": month.isoformat(), "resellers": len(resellers)})


def _statement(reseller_id: UUID, month: date) -> JobRequest:
    return JobRequest(STATEMENT, {"reseller_id": reseller_id, "month": month}, tenant=str(reseller_id))


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


PAYLOADS: Final[tuple[type[Payload], ...]] = (FeesCharge, FeesChargeRange, FeesStatements, FeesStatement)


def handlers(programmes: Programmes) -> list[Handler]:
    """Return the fee handlers."""
    return [
        FeesChargeHandler(programmes),
        FeesChargeRangeHandler(programmes),
        FeesStatementsHandler(programmes),
        FeesStatementHandler(programmes),
    ]


def schedules(session: Session) -> list[ScheduleSpec]:
    """Return nightly charging, and statements on the first of the month, for every programme in its zone.

    Charging catches up on everything due, so a missed run is made up once; missed statements are all made up.
    """
    times = ((CHARGE, "1 0 * * *", MisfirePolicy.ONCE), (STATEMENTS, "0 1 1 * *", MisfirePolicy.ALL))
    return [
        ScheduleSpec(
            name=f"{task}.{row.code}",
            cron=cron,
            timezone=row.document["timezone"],
            task=task,
            misfire=misfire,
            args={"programme": row.code},
        )
        for row in list_programmes(session)
        for task, cron, misfire in times
    ]
