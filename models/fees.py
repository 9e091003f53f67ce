"""Recurring fees: monthly runs, their charges, and resellers' changes to their products."""

from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

from pydantic import JsonValue
from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from models.accounts import Account
from models.base import Base, enum_check
from models.programmes import ProgrammeRow


class FeeKind(StrEnum):
    """Subject of a fee."""

    PLAN = "plan"
    PRODUCT = "product"


class ChargeKind(StrEnum):
    """Subject of a charge; a credit pays back the unused days of another charge."""

    PLAN = "plan"
    PRODUCT = "product"
    CREDIT = "credit"


class StopReason(StrEnum):
    """Why a run ends or has ended."""

    REQUEST = "request"
    REPLACED = "replaced"
    DISCONNECTED = "disconnected"
    BECAME_RESELLER = "became_reseller"
    ACCOUNT_DELETED = "account_deleted"
    NOT_SOLD = "not_sold"


class FeeRun(Base):
    """A product assigned to an account, or its paid plan: charged monthly until `ended`.

    Days are local to the programme. Period bounds are counted from `anchor`; periods before
    `next_start` are charged; `until`: exclusive end of a paid period; `then_plan`: the paid plan
    that follows. `retail_fee`: the reseller's price, None for the recommended one. `monthly`: total
    of the last charge. The reseller to whom the account is attached at a period's start pays for it.
    """

    __tablename__ = "fee_runs"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    programme: Mapped[str] = mapped_column(ForeignKey(ProgrammeRow.code))
    account_id: Mapped[UUID] = mapped_column(ForeignKey(Account.id))
    kind: Mapped[str]
    code: Mapped[str]
    anchor: Mapped[date]
    since: Mapped[date]
    until: Mapped[date | None]
    next_start: Mapped[date]
    then_plan: Mapped[str | None]
    retail_fee: Mapped[Decimal | None]
    monthly: Mapped[Decimal | None]
    stopped_by: Mapped[str | None]
    ended: Mapped[bool] = mapped_column(server_default=text("false"))
    created_at: Mapped[datetime]

    __table_args__ = (
        enum_check("kind", FeeKind),
        enum_check("stopped_by", StopReason),
        CheckConstraint("until IS NULL OR until > since", name="ends_later"),
        Index("uq_fee_runs_plan", "account_id", unique=True, postgresql_where=text("kind = 'plan' AND NOT ended")),
        Index(
            "uq_fee_runs_product",
            "account_id",
            "code",
            unique=True,
            postgresql_where=text("kind = 'product' AND NOT ended"),
        ),
        Index("ix_fee_runs_due", "programme", "next_start", "id", postgresql_where=text("NOT ended")),
        Index("ix_fee_runs_account_id", "account_id", "id"),
    )


class Charge(Base):
    """The charge for one period of a run: fee - discount = total. It can be voided but never changed.

    `reseller_id`: the payer; None: the account itself. `how`: the rule by which it was computed.
    A credit has no run but the charge that it `credits`; its amounts are positive and lessen what is owed.
    `stated`, `void_stated`: the month (its first day) of the statement that lists it, and of the one that lists its
    void.
    """

    __tablename__ = "charges"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    run_id: Mapped[UUID | None] = mapped_column(ForeignKey("fee_runs.id"))
    programme: Mapped[str] = mapped_column(ForeignKey(ProgrammeRow.code))
    account_id: Mapped[UUID] = mapped_column(ForeignKey(Account.id))
    reseller_id: Mapped[UUID | None] = mapped_column(ForeignKey(Account.id))
    kind: Mapped[str]
    product: Mapped[str]
    period_start: Mapped[date]
    period_end: Mapped[date]
    currency: Mapped[str]
    fee: Mapped[Decimal]
    percent: Mapped[Decimal]
    discount: Mapped[Decimal]
    total: Mapped[Decimal]
    how: Mapped[dict[str, JsonValue]]
    created_at: Mapped[datetime]
    voided_at: Mapped[datetime | None]
    void_reason: Mapped[str | None]
    voided_by: Mapped[str | None]
    credits: Mapped[UUID | None] = mapped_column(ForeignKey("charges.id"))
    stated: Mapped[date | None]
    void_stated: Mapped[date | None]

    __table_args__ = (
        UniqueConstraint("run_id", "period_start"),
        Index("uq_charges_credits", "credits", unique=True, postgresql_where=text("credits IS NOT NULL")),
        enum_check("kind", ChargeKind),
        CheckConstraint("(kind = 'credit') = (credits IS NOT NULL)", name="credit_of"),
        CheckConstraint("(kind = 'credit') = (run_id IS NULL)", name="run_or_credit"),
        CheckConstraint("void_stated IS NULL OR voided_at IS NOT NULL AND stated IS NOT NULL", name="void_stated"),
        CheckConstraint("fee - discount = total", name="adds_up"),
        CheckConstraint("period_end > period_start", name="ends_later"),
        CheckConstraint("(voided_at IS NULL) = (void_reason IS NULL)", name="void_reason"),
        Index("ix_charges_reseller_id", "reseller_id", "period_start", "id"),
        Index("ix_charges_account_id", "account_id", "period_start", "id"),
        Index("ix_charges_programme", "programme", "period_start"),
        Index(
            "ix_charges_to_state",
            "reseller_id",
            "period_start",
            postgresql_where=text("stated IS NULL AND voided_at IS NULL"),
        ),
        Index(
            "ix_charges_void_to_state",
            "reseller_id",
            postgresql_where=text("stated IS NOT NULL AND voided_at IS NOT NULL AND void_stated IS NULL"),
        ),
    )


class Statement(Base):
    """A reseller's statement of a month (its first day); `total`: the sum of its lines, None: not kept then."""

    __tablename__ = "statements"

    reseller_id: Mapped[UUID] = mapped_column(ForeignKey(Account.id), primary_key=True)
    month: Mapped[date] = mapped_column(primary_key=True)
    currency: Mapped[str | None]
    total: Mapped[Decimal | None]
    posted_at: Mapped[datetime]


class ProductOverride(Base):
    """Changes to a product by the reseller that manages it; None: as in the programme."""

    __tablename__ = "product_edits"

    programme: Mapped[str] = mapped_column(ForeignKey(ProgrammeRow.code), primary_key=True)
    product: Mapped[str] = mapped_column(primary_key=True)
    reseller_id: Mapped[UUID] = mapped_column(ForeignKey(Account.id), primary_key=True)
    name: Mapped[str | None]
    retail_fee: Mapped[Decimal | None]
    updated_at: Mapped[datetime]
