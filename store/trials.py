"""Queries on the record of identities that had a trial."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from models.trials import TrialClaim


def claim(session: Session, programme: str, identity: str, account_id: UUID, at: datetime) -> bool:
    """Record permanently that an identity had its trial; False if it already had one."""
    values = {"programme": programme, "identity": identity, "account_id": account_id, "at": at}
    statement = insert(TrialClaim).values(**values).on_conflict_do_nothing()
    return session.scalar(statement.returning(TrialClaim.identity)) is not None
