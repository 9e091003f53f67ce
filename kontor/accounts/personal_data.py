"""Everything that the database has of one account, as one document (security.md 4)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Column, ColumnElement, Table, false, select
from sqlalchemy.orm import Session

from kontor.accounts import queries
from kontor.evidence.acts import MASK, SECRET
from kontor.kernel.errors import NotFound
from models.accounts import Account
from models.base import metadata
from models.control import AuditEntry
from models.mails import Mail, MailRecipient
from models.offers import Offer, OfferEventRow

DERIVED: Final = frozenset({"jobs", "jobs_archive", "idempotent_answers"})
"""Tables that hold copies for a while only (docs/reference/retention.md)."""


def personal_data(session: Session, account_id: UUID) -> dict[str, list[dict[str, object]]]:
    """Return the rows of each table that are about an account; secrets masked. Raises NotFound."""
    if queries.by_id(session, account_id) is None:
        raise NotFound(message="There is no such account.")
    return {table.name: rows for table in exported_tables() if (rows := list(_rows(session, table, account_id)))}


def exported_tables() -> Sequence[Table]:
    """Return the tables that are searched: all of the schema but the derived ones, whatever this process works with."""
    return [table for table in metadata().sorted_tables if table.name not in DERIVED]


def _rows(session: Session, table: Table, account_id: UUID) -> Iterator[dict[str, object]]:
    for row in session.execute(select(table).where(_is_of(table, account_id))).mappings():
        yield {name: _value(table.c[name], value) for name, value in row.items()}


def _is_of(table: Table, account_id: UUID) -> ColumnElement[bool]:
    """Return the condition of an account's rows; a reseller's own are those that name no account of a client."""
    if table.name == AuditEntry.__tablename__:
        return AuditEntry.subjects.contains([account_id])
    if table.name == MailRecipient.__tablename__:
        return table.c.mail_id.in_(select(Mail.id).where(Mail.account_id == account_id))
    if table.name == OfferEventRow.__tablename__:
        return table.c.offer_id.in_(select(Offer.id).where(Offer.account_id == account_id))
    if "holder" in table.c:
        return table.c.holder == f"account:{account_id}"
    for name in ("id" if table.name == Account.__tablename__ else "account_id", "reseller_id"):
        if name in table.c:
            return table.c[name] == account_id
    return false()


def _value(column: Column[Any], value: object) -> object:
    return MASK if value is not None and SECRET.search(column.name) and "digest" not in column.name else value
