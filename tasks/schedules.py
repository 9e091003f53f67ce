"""All schedules of this deployment, and what their jobs changed, as rows of the audit log."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, cast

from pydantic_core import to_json
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from kontor import audit
from kontor.accounts import payloads as accounts
from kontor.alerts import payloads as alerts
from kontor.discounts import payloads as discounts
from kontor.engine import payloads as engine
from kontor.engine.catalogue import Payload, ScheduleSpec
from kontor.engine.handlers import Done, Handler, JobContext, Outcome, TransactionalHandler
from kontor.evidence.acts import Act, watched
from kontor.fees import payloads as fees
from kontor.kernel.states import TaskKind
from kontor.mails import payloads as mails
from kontor.operators import payloads as operators
from kontor.provisioning import payloads as services
from kontor.reconciliation import payloads as reconciliation
from kontor.task_types import queries as task_types
from kontor.task_types.declaration import ScheduleIn
from models.programmes import ProgrammeRow


def all_schedules(session: Session) -> list[ScheduleSpec]:
    """Return the system's own schedules and each programme's schedules in its zone."""
    programmes = session.scalars(select(ProgrammeRow).order_by(ProgrammeRow.code)).all()
    return [
        *engine.SCHEDULES,
        *accounts.SCHEDULES,
        *alerts.SCHEDULES,
        *mails.SCHEDULES,
        *reconciliation.SCHEDULES,
        *operators.SCHEDULES,
        *services.SCHEDULES,
        *discounts.schedules(programmes),
        *fees.schedules(programmes),
        *declared_schedules(session),
    ]


def declared_schedules(session: Session) -> list[ScheduleSpec]:
    """Return the schedules of task files."""
    rows = task_types.all_schedules(session)
    return [schedule_of(row.name, ScheduleIn.model_validate_json(to_json(row.document))) for row in rows]


def schedule_of(name: str, declared: ScheduleIn) -> ScheduleSpec:
    """Return a schedule of a task file as the engine knows it."""
    return ScheduleSpec(name, declared.cron, declared.timezone, declared.task, declared.misfire, declared.args)


RECORDED: Final = frozenset(
    {accounts.TIDY, engine.RETENTION, discounts.RUN, fees.CHARGE, fees.STATEMENTS, reconciliation.TASK}
)
"""Tasks of schedules that change accounts, money or the ledger; the others keep statistics."""

SCHEDULE_OF = text("""
SELECT schedule FROM schedule_occurrences
WHERE job_id = :job AND schedule IN (SELECT name FROM schedules WHERE task = :task)
""")


@dataclass(frozen=True)
class RecordedHandler:
    """A handler whose changes are written down when a schedule fired its job."""

    inner: TransactionalHandler
    payload: type[Payload]

    def run(self, job: JobContext, session: Session, payload: Any) -> Outcome:
        """Run the handler; who asked for a job that no schedule fired is recorded already."""
        with watched(session, Act(f"task:{job.task}", "schedule")) as act:
            outcome = self.inner.run(job, session, payload)
            session.flush()
            if not (act.wrote and isinstance(outcome, Done) and _did_something(outcome.result)):
                return outcome
            name = session.scalar(SCHEDULE_OF, {"job": job.id, "task": job.task})
            if name is not None:
                act.actor = f"schedule:{name}"
                detail = {"result": outcome.result}
                audit.close(session, f"schedule.{job.task}", f"job:{job.id}", at=job.now, detail=detail)
        return outcome


def _did_something(result: object) -> bool:
    """Return whether a result counts anything; one that counts nothing may have changed anything."""
    if not isinstance(result, Mapping):
        return True
    counts = [value for name, value in result.items() if isinstance(value, int) and name != "left"]
    return not counts or any(counts)


def recorded(handler: Handler) -> Handler:
    """Return the handler, recorded if its task is one of RECORDED."""
    policy = handler.payload.policy
    if policy.name not in RECORDED:
        return handler
    assert policy.kind is TaskKind.TRANSACTIONAL, "an external task records its act itself"
    return RecordedHandler(cast(TransactionalHandler, handler), handler.payload)
