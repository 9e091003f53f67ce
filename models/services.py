"""Services that orders bought: what they are, what happened to them, what is asked of them."""

from datetime import date, datetime
from uuid import UUID

from pydantic import JsonValue
from sqlalchemy import CheckConstraint, ForeignKey, Index, Integer, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TEXT
from sqlalchemy.orm import Mapped, mapped_column

from kontor.kernel.states import ActionState, Renewal, ServiceState, ServiceVerb
from models.accounts import Account
from models.base import Base, enum_check
from models.orders import OrderRow
from models.programmes import ProgrammeRow


class Service(Base):
    """What an order bought. `since`: when it first became active.

    `paid_from`, `paid_until`: local days of the last paid term, end exclusive; `anchor`: the day that month ends are
    counted from (programme.md 7.5); all None without a term. `next_quantity`: from the next renewal. `causes`: why it
    is suspended. `unpaid_since`: since when a renewal waits for money. `account_id`: the client it is for, None for
    the reseller itself.
    """

    __tablename__ = "services"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    reseller_id: Mapped[UUID] = mapped_column(ForeignKey(Account.id))
    account_id: Mapped[UUID | None] = mapped_column(ForeignKey(Account.id))
    programme: Mapped[str] = mapped_column(ForeignKey(ProgrammeRow.code))
    order_id: Mapped[UUID] = mapped_column(ForeignKey(OrderRow.id))
    product: Mapped[str]
    quantity: Mapped[int] = mapped_column(Integer)
    next_quantity: Mapped[int | None] = mapped_column(Integer)
    config: Mapped[dict[str, JsonValue] | None]
    term: Mapped[str | None]
    renewal: Mapped[str] = mapped_column(server_default=Renewal.MANUAL)
    grace: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    state: Mapped[str]
    causes: Mapped[list[str]] = mapped_column(ARRAY(TEXT), server_default=text("'{}'"))
    since: Mapped[datetime | None]
    paid_from: Mapped[date | None]
    paid_until: Mapped[date | None]
    anchor: Mapped[date | None]
    unpaid_since: Mapped[datetime | None]
    result: Mapped[JsonValue | None] = mapped_column(JSONB(none_as_null=True))
    external_id: Mapped[str | None]
    notes: Mapped[dict[str, JsonValue] | None]
    created_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]

    __table_args__ = (
        enum_check("state", ServiceState),
        enum_check("renewal", Renewal),
        CheckConstraint("quantity > 0", name="quantity_positive"),
        Index("ix_services_reseller_id", "reseller_id", "id"),
        Index("ix_services_account_id", "account_id", "id"),
        Index("ix_services_paid_until", "paid_until", postgresql_where=text("state IN ('active', 'suspended')")),
        Index("ix_services_unpaid", "reseller_id", postgresql_where=text("unpaid_since IS NOT NULL")),
        Index(
            "uq_services_external_id",
            "reseller_id",
            "external_id",
            unique=True,
            postgresql_where=text("external_id IS NOT NULL AND state <> 'ended'"),
        ),
    )


class ServiceAction(Base):
    """Something asked of a service; at most one is under way. `job_id`: the job of its task type.

    `values`: what it sets when it succeeds. `order_id`: what it cost. `ends`: the service ends after it, whatever it
    was: an order was cancelled while its job ran.
    """

    __tablename__ = "service_actions"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    service_id: Mapped[UUID] = mapped_column(ForeignKey("services.id"))
    verb: Mapped[str]
    state: Mapped[str]
    cause: Mapped[str | None]
    actor: Mapped[str]
    reason: Mapped[str | None]
    order_id: Mapped[UUID | None] = mapped_column(ForeignKey(OrderRow.id))
    job_id: Mapped[UUID | None]
    values: Mapped[dict[str, JsonValue] | None]
    ends: Mapped[bool] = mapped_column(server_default=text("false"))
    error: Mapped[str | None]
    asked_at: Mapped[datetime]
    begun_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]

    __table_args__ = (
        enum_check("verb", ServiceVerb),
        enum_check("state", ActionState),
        Index("ix_service_actions_service_id", "service_id", "id"),
        Index(
            "uq_service_actions_running",
            "service_id",
            unique=True,
            postgresql_where=text("state = 'running'"),
        ),
        Index("ix_service_actions_job_id", "job_id"),
    )


class ServiceEvent(Base):
    """An arrow of a service's life; `from_state` is None for its first."""

    __tablename__ = "service_events"

    service_id: Mapped[UUID] = mapped_column(ForeignKey("services.id"), primary_key=True)
    number: Mapped[int] = mapped_column(Integer, primary_key=True)
    at: Mapped[datetime]
    actor: Mapped[str]
    reason: Mapped[str | None]
    from_state: Mapped[str | None]
    to_state: Mapped[str]
    job_id: Mapped[UUID | None]

    __table_args__ = (enum_check("to_state", ServiceState),)
