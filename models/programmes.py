"""Applied programmes."""

from datetime import datetime

from sqlalchemy import Integer, text
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, JsonObject


class ProgrammeRow(Base):
    """One programme; its code is the stem of its file name. `version` counts applied changes from 1.

    `digest`: SHA-256 of the canonical document, in hex.
    """

    __tablename__ = "programmes"

    code: Mapped[str] = mapped_column(primary_key=True)
    document: Mapped[JsonObject]
    source: Mapped[str]
    digest: Mapped[str]
    version: Mapped[int] = mapped_column(Integer, server_default=text("1"))
    applied_at: Mapped[datetime]
    applied_by: Mapped[str] = mapped_column(server_default="")
