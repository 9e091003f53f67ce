"""Applied programmes, and every version that was applied."""

from datetime import datetime

from sqlalchemy import ForeignKey, Integer, text
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, JsonObject


class ProgrammeRow(Base):
    """One programme, as it is in force; its code is the stem of its file name.

    `version`: number of the version in force. `digest`: SHA-256 of the canonical document, in hex. `next_at`: when
    the next applied version begins; from then on it is in force, although this row may still hold the one before.
    """

    __tablename__ = "programmes"

    code: Mapped[str] = mapped_column(primary_key=True)
    document: Mapped[JsonObject]
    source: Mapped[str]
    digest: Mapped[str]
    version: Mapped[int] = mapped_column(Integer, server_default=text("1"))
    applied_at: Mapped[datetime]
    applied_by: Mapped[str] = mapped_column(server_default="")
    next_at: Mapped[datetime | None]


class ProgrammeVersion(Base):
    """One applied file. It is never changed; of those that have begun, the one that began last is in force.

    Numbers count from 1 in the order of applying. `effective_at`: when it begins; of two that begin at one instant,
    the greater number counts.
    """

    __tablename__ = "programme_versions"

    programme: Mapped[str] = mapped_column(ForeignKey("programmes.code"), primary_key=True)
    number: Mapped[int] = mapped_column(Integer, primary_key=True)
    document: Mapped[JsonObject]
    source: Mapped[str]
    digest: Mapped[str]
    applied_at: Mapped[datetime]
    applied_by: Mapped[str]
    reason: Mapped[str | None]
    effective_at: Mapped[datetime]
