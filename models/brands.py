"""Brands and verified domains: the identity under which mails and pages appear."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base


class BrandRow(Base):
    """A reseller's brand, or its overrides for one client. None: not set."""

    __tablename__ = "brands"

    account_id: Mapped[UUID] = mapped_column(ForeignKey("accounts.id"), primary_key=True)
    name: Mapped[str | None]
    logo_url: Mapped[str | None]
    colours: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'::jsonb"))
    favicon_url: Mapped[str | None]
    domain: Mapped[str | None]
    from_address: Mapped[str | None]
    support: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'::jsonb"))
    updated_at: Mapped[datetime]


class VerifiedDomain(Base):
    """A sending or link domain that an account claims; `verified_at` is None until verified.

    `account_id`: the reseller (also for overrides of a client), or a regular account.
    """

    __tablename__ = "verified_domains"

    account_id: Mapped[UUID] = mapped_column(ForeignKey("accounts.id"), primary_key=True)
    domain: Mapped[str] = mapped_column(primary_key=True)
    token: Mapped[str]
    verified_at: Mapped[datetime | None]
    verified_by: Mapped[str | None]
    checked_at: Mapped[datetime | None]
    last_error: Mapped[str | None]
    created_at: Mapped[datetime]

    __table_args__ = (Index("ix_verified_domains_domain", "domain"),)
