"""Alerts to operators: open, resolved and pending notification."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index, Integer, text
from sqlalchemy.orm import Mapped, mapped_column

from domain.alerts import AlertKind
from models.base import Base, one_of


class Alert(Base):
    """An incident from first detection to resolution; a recurrence gets a new row.

    `last_at`: last check that saw it. `told_count`, `told_at`: what operators were notified of; None: nothing yet.
    `told_in`, `over_in`: fact keys of the mails that reported it and its resolution.
    """

    __tablename__ = "alerts"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[str]
    matter: Mapped[str]
    detail: Mapped[str]
    count: Mapped[int] = mapped_column(Integer)
    first_at: Mapped[datetime]
    last_at: Mapped[datetime]
    told_count: Mapped[int | None] = mapped_column(Integer)
    told_at: Mapped[datetime | None]
    told_in: Mapped[str | None]
    cleared_at: Mapped[datetime | None]
    over_in: Mapped[str | None]

    __table_args__ = (
        one_of("kind", AlertKind),
        Index("uq_alerts_open", "kind", "matter", unique=True, postgresql_where=text("cleared_at IS NULL")),
        Index(
            "ix_alerts_over",
            "cleared_at",
            postgresql_where=text("cleared_at IS NOT NULL AND told_at IS NOT NULL AND over_in IS NULL"),
        ),
        Index("ix_alerts_told_in", "told_in"),
        Index("ix_alerts_over_in", "over_in"),
    )
