"""The account book of resellers: one line for each money fact, and who was warned of a low balance."""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, Identity, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from models.accounts import Account
from models.base import Base, enum_check


class BookKind(StrEnum):
    """Kind of the fact that a line is of."""

    PAYMENT = "payment"
    REFUND = "refund"
    CHARGEBACK = "chargeback"
    ORDER = "order"
    CHARGE = "charge"
    CREDIT = "credit"
    VOID = "void"
    TRANSFER = "transfer"


class BookLine(Base):
    """A line of a reseller's account book; triggers write it with its fact, and it is never changed.

    `amount`: signed, what it adds to the balance. `at`: the fact's own time; `recorded_at`: when it was entered.
    `fact_id`: the payment, order or charge; of a transfer, the merge. Migration 0033 has the rule as SQL.
    """

    __tablename__ = "account_book"

    number: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    reseller_id: Mapped[UUID] = mapped_column(ForeignKey(Account.id))
    kind: Mapped[str]
    fact_id: Mapped[UUID]
    amount: Mapped[Decimal]
    currency: Mapped[str]
    at: Mapped[datetime]
    recorded_at: Mapped[datetime]
    ref: Mapped[str]
    note: Mapped[str | None]

    __table_args__ = (
        enum_check("kind", BookKind),
        Index("uq_account_book_fact", "fact_id", "kind", unique=True, postgresql_where=text("kind <> 'transfer'")),
        # Index-only scans of a balance, and the order of the lines.
        Index("ix_account_book_lines", "reseller_id", "at", "number", postgresql_include=["amount", "recorded_at"]),
    )


class LowBalance(Base):
    """A reseller whose balance fell under the programme's threshold and has not risen to it since.

    `number`: of the last line by then.
    """

    __tablename__ = "low_balances"

    reseller_id: Mapped[UUID] = mapped_column(ForeignKey(Account.id), primary_key=True)
    since: Mapped[datetime]
    number: Mapped[int] = mapped_column(BigInteger)
