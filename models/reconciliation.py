"""Gaps between the expected and the actual state, found by reconciliation."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from pydantic import JsonValue
from sqlalchemy import Index, text
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, enum_check


class GapKind(StrEnum):
    """Kinds of gap."""

    TRIAL_END = "trial_end"
    QUOTA_MAIL = "quota_mail"
    QUOTA_DIGEST = "quota_digest"
    CHARGE_DUE = "charge_due"
    CHARGE_GONE = "charge_gone"
    OFFER_DELIVERY = "offer_delivery"
    OFFER_EXPIRY = "offer_expiry"
    MAIL_UNSENT = "mail_unsent"
    MAIL_GONE = "mail_gone"
    DISCOUNT_RUN = "discount_run"
    DISCOUNT = "discount"
    OCCURRENCE = "occurrence"
    BOOK_LINE = "book_line"
    BOOK_AMOUNT = "book_amount"
    BOOK_FACT = "book_fact"
    STATEMENT_TOTAL = "statement_total"


class ReconciliationGap(Base):
    """A gap, open until it is repaired or accepted by an operator. `mend`: the job that would repair it.

    Each subject has at most one open gap per kind; an accepted gap is never reported again.
    """

    __tablename__ = "reconciliation_gaps"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[str]
    subject: Mapped[str]
    detail: Mapped[str]
    mend: Mapped[dict[str, JsonValue]] = mapped_column(server_default=text("'{}'::jsonb"))
    since: Mapped[datetime]
    seen_at: Mapped[datetime]
    mended_at: Mapped[datetime | None]
    accepted_by: Mapped[str | None]
    job_id: Mapped[UUID | None]

    __table_args__ = (
        enum_check("kind", GapKind),
        Index(
            "uq_reconciliation_gaps_open",
            "kind",
            "subject",
            unique=True,
            postgresql_where=text("mended_at IS NULL"),
        ),
        Index("ix_reconciliation_gaps_mended_at", "mended_at", postgresql_where=text("mended_at IS NOT NULL")),
    )
