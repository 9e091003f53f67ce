"""Request and response models of services."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Annotated, Self
from uuid import UUID

from pydantic import ConfigDict, Field, JsonValue

from kontor.http.visibility import ActorOut, ErrorOut
from kontor.http.wire import CreatedQuery, Json, RequestModel, ResponseModel, UtcOut
from kontor.kernel.states import ActionState, Renewal, ServiceState, ServiceVerb, SuspensionCause
from kontor.provisioning import kept
from models.services import Service, ServiceAction, ServiceEvent


class ServiceActionOut(ResponseModel):
    """What is under way for a service."""

    verb: ServiceVerb
    since: UtcOut
    job: UUID | None

    @classmethod
    def of_row(cls, row: ServiceAction) -> Self:
        """Build the response."""
        return cls(verb=ServiceVerb(row.verb), since=row.begun_at or row.asked_at, job=row.job_id)


class ServiceEventOut(ResponseModel):
    """An arrow of a service's life."""

    model_config = ConfigDict(populate_by_name=True)

    at: UtcOut
    actor: ActorOut
    from_: Annotated[ServiceState | None, Field(alias="from")]
    to: ServiceState
    reason: ErrorOut

    @classmethod
    def of_row(cls, row: ServiceEvent) -> Self:
        """Build the response."""
        from_state = None if row.from_state is None else ServiceState(row.from_state)
        return cls(at=row.at, actor=row.actor, from_=from_state, to=ServiceState(row.to_state), reason=row.reason)


class ServiceJobOut(ResponseModel):
    """Something that was asked of a service, with its job; null without a task type."""

    verb: ServiceVerb
    state: ActionState
    job: UUID | None
    actor: ActorOut
    reason: str | None
    error: ErrorOut
    asked_at: UtcOut
    begun_at: UtcOut | None
    ended_at: UtcOut | None

    @classmethod
    def of_row(cls, row: ServiceAction) -> Self:
        """Build the response."""
        return cls(
            verb=ServiceVerb(row.verb),
            state=ActionState(row.state),
            job=row.job_id,
            actor=row.actor,
            reason=row.reason,
            error=row.error,
            asked_at=row.asked_at,
            begun_at=row.begun_at,
            ended_at=row.ended_at,
        )


class ServiceOut(ResponseModel):
    """A service. `paid_until`: local day, end exclusive; `action`: what is under way; `result`: the handler's answer.

    `next_quantity`: from the next renewal; `suspended_by`: why it is suspended; `unpaid_since`: since when a renewal
    waits for money.
    """

    id: UUID
    reseller_id: UUID
    account_id: UUID | None
    order_id: UUID
    product: str
    quantity: int
    next_quantity: int | None
    config: dict[str, Json]
    term: str | None
    renewal: Renewal
    state: ServiceState
    suspended_by: list[SuspensionCause]
    since: UtcOut | None
    paid_until: date | None
    unpaid_since: UtcOut | None
    result: Json
    external_id: str | None
    metadata: dict[str, str]
    action: ServiceActionOut | None
    events: list[ServiceEventOut]
    created_at: UtcOut
    ended_at: UtcOut | None

    @classmethod
    def fields_of(
        cls, row: Service, running: ServiceAction | None, events: Sequence[ServiceEvent], side: str
    ) -> Mapping[str, object]:
        """Return the fields of a service; `side`: whose metadata is shown."""
        same = ("id", "reseller_id", "account_id", "order_id", "product", "quantity", "next_quantity", "term", "since")
        more = ("paid_until", "unpaid_since", "result", "external_id", "created_at", "ended_at")
        return {
            **{name: getattr(row, name) for name in (*same, *more)},
            "config": row.config or {},
            "renewal": Renewal(row.renewal),
            "state": ServiceState(row.state),
            "suspended_by": [SuspensionCause(cause) for cause in row.causes],
            "metadata": kept.shown(row.notes, side),
            "action": None if running is None else ServiceActionOut.of_row(running),
            "events": [ServiceEventOut.of_row(each) for each in events],
        }


class ServiceWithJobsOut(ServiceOut):
    """A service with what was asked of it, newest first."""

    jobs: list[ServiceJobOut]


class ServiceQuery(CreatedQuery):
    """Filter for services."""

    reseller: UUID | None = None
    account: UUID | None = None
    state: ServiceState | None = None
    product: str | None = None
    external_id: str | None = None


class ServiceVerbIn(RequestModel):
    """Why something is asked."""

    reason: str | None = Field(None, max_length=500)


class RenewIn(ServiceVerbIn):
    """A renewal; its order has `order_ref`, or one of Kontor's own."""

    order_ref: str | None = Field(None, max_length=1_000)


class ServiceUpdate(ServiceVerbIn):
    """What is to change; `quantity` up costs its part of the days left, down counts from the next renewal."""

    quantity: int | None = None
    config: dict[str, JsonValue] | None = None
    external_id: str | None = Field(None, max_length=1_000)
    metadata: dict[str, str] | None = None
