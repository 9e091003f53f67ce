"""Payments, refunds, chargebacks and payment imports."""

from datetime import datetime
from decimal import Decimal
from uuid import UUID

from pydantic import JsonValue
from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Computed,
    ForeignKey,
    Index,
    Integer,
    Numeric,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from kontor.kernel.states import PaymentKind
from models.accounts import Account
from models.base import Base, enum_check
from models.programmes import ProgrammeRow

SIGNED_AMOUNT = "CASE WHEN kind = 'payment' THEN amount ELSE -amount END"


class PaymentRow(Base):
    """One entry of a reseller's payments; immutable except for `reseller_id`, which a merge changes.

    `origin_id`: the reseller that it was posted to; references are unique per `origin_id`.
    `signed`: contribution to turnover.
    """

    __tablename__ = "payments"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    reseller_id: Mapped[UUID] = mapped_column(ForeignKey(Account.id))
    origin_id: Mapped[UUID] = mapped_column(ForeignKey(Account.id))
    reference: Mapped[str]
    kind: Mapped[str]
    amount: Mapped[Decimal]
    currency: Mapped[str]
    signed: Mapped[Decimal] = mapped_column(Numeric(20, 4), Computed(SIGNED_AMOUNT, persisted=True))
    paid_at: Mapped[datetime]
    created_at: Mapped[datetime]

    __table_args__ = (
        enum_check("kind", PaymentKind),
        CheckConstraint("amount > 0", name="amount_positive"),
        UniqueConstraint("origin_id", "reference"),
        # Index-only scans of turnover, for one reseller or for all.
        Index("ix_payments_window", "reseller_id", "paid_at", postgresql_include=["signed"]),
        Index("ix_payments_reseller_id", "reseller_id", "id"),
    )


class PaymentImport(Base):
    """An import of a payments file.

    `reseller_id`: all rows are this reseller's; None: each names its own, in `programme`. `digest`: SHA-256 of the
    options that say how the file is read, and of its bytes, in hex. `lines`: rows staged so far; no row becomes a
    payment before `finished_at`.
    """

    __tablename__ = "payment_imports"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    reseller_id: Mapped[UUID | None] = mapped_column(ForeignKey(Account.id))
    programme: Mapped[str | None] = mapped_column(ForeignKey(ProgrammeRow.code))
    digest: Mapped[str]
    lines: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    summary: Mapped[dict[str, JsonValue] | None] = mapped_column(JSONB(none_as_null=True))
    begun_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]

    __table_args__ = (
        UniqueConstraint("reseller_id", "digest"),
        Index(
            "uq_payment_imports_programme_digest",
            "programme",
            "digest",
            unique=True,
            postgresql_where=text("reseller_id IS NULL"),
        ),
    )


class StagedPayment(Base):
    """A validated row of an import, by line number.

    `reference`: None when the file has no usable one; `origin_id`: None when the row names no reseller. `content`: a
    digest of what identifies the row; `place`: its number among equal ones. `accepted`: it was in doubt.
    """

    __tablename__ = "payment_import_rows"

    import_id: Mapped[UUID] = mapped_column(ForeignKey("payment_imports.id", ondelete="CASCADE"), primary_key=True)
    line: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    id: Mapped[UUID]
    reference: Mapped[str | None]
    kind: Mapped[str]
    amount: Mapped[Decimal]
    paid_at: Mapped[datetime]
    origin_id: Mapped[UUID | None]
    content: Mapped[str | None]
    place: Mapped[int] = mapped_column(Integer, server_default=text("1"))
    accepted: Mapped[bool] = mapped_column(server_default=text("false"))
    note: Mapped[str | None]

    __table_args__ = (Index("ix_payment_import_rows_reference", "import_id", "reference"),)


class UnmatchedPayment(Base):
    """An imported row that names no reseller; it waits until an operator assigns it, then `payment_id` is set.

    One that is nobody's payment is dismissed for a reason; assigning it takes that back.
    `row_key` identifies the row in its programme: a file that has it again changes nothing. `note`: its texts.
    """

    __tablename__ = "unmatched_payments"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    programme: Mapped[str] = mapped_column(ForeignKey(ProgrammeRow.code))
    row_key: Mapped[str]
    file: Mapped[str]
    line: Mapped[int] = mapped_column(BigInteger)
    reference: Mapped[str]
    kind: Mapped[str]
    amount: Mapped[Decimal]
    currency: Mapped[str]
    paid_at: Mapped[datetime]
    note: Mapped[str]
    created_at: Mapped[datetime]
    payment_id: Mapped[UUID | None] = mapped_column(ForeignKey("payments.id"))
    assigned_by: Mapped[str | None]
    assigned_at: Mapped[datetime | None]
    dismissed_by: Mapped[str | None]
    dismissed_at: Mapped[datetime | None]
    dismiss_reason: Mapped[str | None]

    __table_args__ = (
        enum_check("kind", PaymentKind),
        CheckConstraint("amount > 0", name="amount_positive"),
        UniqueConstraint("programme", "row_key"),
        Index("ix_unmatched_payments_waiting", "id", postgresql_where=text("payment_id IS NULL")),
    )


class PaymentUpload(Base):
    """A file that an operator sent to the console, kept while its rows are looked at; deleted when it is imported.

    `reseller_id`: whose payments all rows are, None when each names its own, perhaps by the pattern `match`.
    """

    __tablename__ = "payment_uploads"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    programme: Mapped[str] = mapped_column(ForeignKey(ProgrammeRow.code))
    reseller_id: Mapped[UUID | None] = mapped_column(ForeignKey(Account.id))
    file: Mapped[str]
    match: Mapped[str | None]
    mapping: Mapped[str]
    content: Mapped[bytes]
    uploaded_by: Mapped[str]
    uploaded_at: Mapped[datetime]
