"""Runs the jobs of declared push types: one signed call per attempt, answered as provisioning.md 2 says."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, assert_never, cast
from uuid import UUID

from pydantic import JsonValue
from sqlalchemy.orm import Session

from kontor.engine import cancellation, compensation, dead_jobs, declared, outside
from kontor.engine.declared import DeclaredPayload
from kontor.engine.handlers import (
    Cancel,
    Done,
    Handler,
    JobContext,
    Outcome,
    Permanent,
    RemoteUnavailable,
    Snooze,
    Transient,
    Undecided,
    WorksOn,
)
from kontor.engine.outside import NewLease, hash_token, new_token
from kontor.engine.payloads import HandlersCancel
from kontor.engine.retry import parse_retry_after
from kontor.kernel.database import psycopg_connection
from kontor.kernel.errors import Invalid, Unreachable
from kontor.kernel.failure_causes import NOT_SENT_PREFIX
from kontor.kernel.ports import BODY_LIMIT, CallSender, Clock, HttpReply, OutgoingCall, SecretBox
from kontor.kernel.states import CrashPolicy, JobState
from kontor.task_types.service import TaskTypes
from kontor.webhooks import signing
from models.task_types import LeaseKind, TaskType
from tasks.calls import TOO_MANY, describe_reply, send_or_raise
from tasks.deps import HandlerDeps

ACCEPTED: Final = 202
REFUSED: Final = 422
RUN: Final = "job.run"
VERIFY: Final = "job.verify"
CANCEL: Final = "job.cancel"
LOCKED_PAUSE: Final = timedelta(seconds=1)
PULLER_PAUSE: Final = timedelta(seconds=10)
ERASED: Final = "The sensitive args of this job were erased when it ended. Enqueue a new job with them."


@dataclass(frozen=True, slots=True)
class PushPlan:
    """The call of an attempt, and whether the handler is asked first when an earlier one may have acted."""

    url: str
    webhook_id: str
    secrets: tuple[str, ...] = field(repr=False)
    data: Mapping[str, object] = field(repr=False)
    at: datetime
    crash: CrashPolicy

    def call(self, message: str) -> OutgoingCall:
        """Return the signed call with this message."""
        body = signing.message_body(message, self.at, self.data)
        return OutgoingCall(self.url, self.webhook_id, body, self.secrets)


@dataclass(frozen=True, slots=True)
class Succeeded:
    """The handler has done it."""

    result: JsonValue = None


@dataclass(frozen=True, slots=True)
class StillWorking:
    """The handler works on, under the lease."""


class PushHandler:
    """The handler of every push type: its address, secret and policy are those of the type's newest version."""

    payload = DeclaredPayload

    def __init__(self, sender: CallSender, secret_box: SecretBox, clock: Clock) -> None:
        self._sender = sender
        self._sealer = secret_box
        self._clock = clock

    def claim(self, job: JobContext, session: Session, payload: DeclaredPayload) -> PushPlan | Cancel:
        """Open the sensitive args, and a lease that the handler may go on under."""
        connection = psycopg_connection(session)
        kind, facts = TaskTypes.get(session, job.task), declared.read(connection, job.id, self._sealer)
        if facts.erased:
            raise Permanent(ERASED)
        assert job.lease is not None
        assert payload.task.url is not None
        token = new_token()
        limit = payload.policy.time_limit
        new = NewLease(job.lease, LeaseKind.PUSH, f"push:{job.task}", limit, token_hash=hash_token(token))
        outside.begin(connection, job.id, new)
        subject = facts.subject
        data = {
            "job_id": str(job.id),
            "task": job.task,
            "attempt": job.attempt,
            "args": declared.opened(payload.args, facts),
            **_named("account", subject.account_id),
            **_named("reseller", subject.reseller_id),
            **_named("external_id", subject.external_id),
            "lease": str(job.lease),
            "token": token,
        }
        valid = secrets_of(self._sealer, kind, job.now)
        return PushPlan(payload.task.url, str(job.id), valid, data, self._clock.wall_time(), payload.policy.crash)

    def verify(self, job: JobContext, plan: PushPlan) -> Succeeded | None:
        """Ask the handler (policy `verify`) whether an earlier attempt was done; None: act again.

        Raises Undecided when it does not know: a person decides.
        """
        if plan.crash is not CrashPolicy.VERIFY:
            return None
        state = self._body(self._send(plan, VERIFY))
        match state.get("state"):
            case "done":
                return Succeeded(state.get("result"))
            case "not_done":
                return None
            case "unknown":
                raise Undecided("the handler does not know whether it was done; a person decides")
            case _:
                raise Transient("the handler's answer to job.verify has no state done, not_done or unknown")

    def act(self, job: JobContext, plan: PushPlan) -> Succeeded | StillWorking:
        """POST `job.run`."""
        reply = self._send(plan, RUN)
        if reply.status == ACCEPTED:
            return StillWorking()
        return Succeeded(self._body(reply).get("result"))

    def record(
        self, job: JobContext, session: Session, payload: DeclaredPayload, plan: PushPlan,
        result: Succeeded | StillWorking,
    ) -> Outcome:  # fmt: skip
        """Record success with what it enqueues, or let the attempt go on outside."""
        match result:
            case StillWorking():
                return WorksOn(f"push:{job.task}")
            case Succeeded():
                connection, kept = psycopg_connection(session), payload.kept_result(result.result)
                outside.drop(connection, job.lease)
                outside.succeed(connection, session, job.jobs, job, kept)
                return Done(kept)
            case _:
                assert_never(result)

    def _send(self, plan: PushPlan, message: str) -> HttpReply:
        """Make one call; return a 2xx answer. Raises what the table of answers says."""
        try:
            reply = self._sender.send(plan.call(message))
        except Unreachable as error:
            text = error.message if error.sent else NOT_SENT_PREFIX + error.message
            raise RemoteUnavailable(text, may_have_acted=error.sent) from error
        except Invalid as error:
            raise Transient(NOT_SENT_PREFIX + error.message) from error
        if 200 <= reply.status < 300:
            return reply
        text = describe_reply(reply)
        if reply.status == REFUSED:
            raise Permanent(text)
        wait = parse_retry_after(reply.headers.get("retry-after"), self._clock.wall_time())
        if reply.status >= 500 or reply.status == TOO_MANY:
            raise RemoteUnavailable(text, retry_in=wait)
        raise Transient(text, retry_in=wait)

    @staticmethod
    def _body(reply: HttpReply) -> Mapping[str, JsonValue]:
        """Return the members of a 2xx answer; an empty one has none. Raises Transient, Permanent."""
        if len(reply.body) >= BODY_LIMIT:
            raise Permanent(f"answered {reply.status} with more than {BODY_LIMIT // 1024} KiB")
        if not reply.body.strip():
            return {}
        try:
            members = json.loads(reply.body)
        except ValueError:
            members = None
        if not isinstance(members, dict):
            raise Transient(f"answered {reply.status} with a body that is no JSON object")
        return cast(Mapping[str, JsonValue], members)


@dataclass(frozen=True, slots=True)
class CancelCall:
    """The call that asks a handler to stop, and the lease under which its job runs."""

    lease: UUID
    call: OutgoingCall


class HandlersCancelHandler:
    """Asks a handler to stop: answered 2xx, the attempt is over and the job cancelled. One that waits ends at once."""

    payload = HandlersCancel

    def __init__(self, sender: CallSender, secret_box: SecretBox, clock: Clock) -> None:
        self._sender = sender
        self._sealer = secret_box
        self._clock = clock

    def claim(self, job: JobContext, session: Session, payload: HandlersCancel) -> CancelCall | Done | Snooze | Cancel:
        """Build the call for a job that runs; end one that waits."""
        connection = psycopg_connection(session)
        row = connection.execute(outside.STATE, (payload.job_id,)).fetchone()
        if row is None and dead_jobs.recall(connection, payload.job_id):
            row = connection.execute(outside.STATE, (payload.job_id,)).fetchone()
        if row is None:
            exists = connection.execute(outside.EXISTS, (payload.job_id,)).fetchone()
            return Cancel("the job has ended") if exists is None else Snooze(job.now + LOCKED_PAUSE)
        state, lane, task, lease = row
        reason = cancellation.reason_of(connection, payload.job_id)
        cancellation.forget(connection, payload.job_id)
        if state != JobState.RUNNING:
            if payload.lease is not None:
                return Cancel("the attempt is over")
            with compensation.cancelling_waiting(connection, session, job.jobs, payload.job_id, reason):
                cancellation.cancel_locked(connection, payload.job_id, state, lane, reason, job.now)
            return Done({"cancelled": True})
        cancellation.cancel_locked(connection, payload.job_id, state, lane, reason, job.now)
        declared_type = outside.declared_task(job.jobs, task)
        if payload.lease not in (None, lease):
            return Cancel("the attempt is over; the next one obeys the request")
        if declared_type is None or declared_type.url is None:
            return Snooze(job.now + PULLER_PAUSE)  # its worker lets go, or is gone: then the job waits and ends here
        kind = TaskTypes.get(session, task)
        data = {"job_id": str(payload.job_id), "task": task, "lease": str(lease)}
        body = signing.message_body(CANCEL, self._clock.wall_time(), data)
        valid = secrets_of(self._sealer, kind, job.now)
        return CancelCall(lease, OutgoingCall(declared_type.url, f"{payload.job_id}.cancel", body, valid))

    def act(self, job: JobContext, plan: CancelCall) -> HttpReply:
        """POST `job.cancel`."""
        return send_or_raise(self._sender, self._clock, plan.call)

    def record(
        self, job: JobContext, session: Session, payload: HandlersCancel, plan: CancelCall, result: HttpReply
    ) -> Outcome:
        """End the attempt."""
        return Done({"cancelled": outside.cancel_running(session, job.jobs, payload.job_id, plan.lease, job.now)})


def secrets_of(box: SecretBox, kind: TaskType, now: datetime) -> tuple[str, ...]:
    """Return the secrets to sign with; none for a pull type, whose handler a sandbox simulates."""
    return signing.valid_secrets(box, kind, now) if kind.secret_sealed else ()


def _named(name: str, value: UUID | str | None) -> Mapping[str, str]:
    return {} if value is None else {name: str(value)}


def handlers(deps: HandlerDeps) -> list[Handler]:
    """Return the handler of declared push types, and the one that asks theirs to stop."""
    parts = (deps.handler_sender or deps.sender, deps.secret_box, deps.clock)
    return [PushHandler(*parts), HandlersCancelHandler(*parts)]
