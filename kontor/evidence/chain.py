"""The chain over the audit log: one sealer takes committed rows in the order of their numbers; no writer waits."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from sqlalchemy import ColumnElement, insert, select
from sqlalchemy.orm import Session

from kontor.evidence.digests import RowContent, head_signature, link, signature
from models.control import AuditEntry, AuditHead, AuditLink

BATCH: Final = 1_000
LONGEST_TRANSACTION: Final = timedelta(hours=1)


class BrokenHead(Exception):
    """The head of the chain is not as Kontor left it: nothing is sealed on top of it."""


@dataclass(frozen=True, slots=True)
class Head:
    """The last entry of the chain."""

    number: int
    seq: int
    hash: str


def seal(session: Session, key: bytes, wall_time: datetime, *, thorough: bool = False) -> int:
    """Seal at most 1,000 committed rows in the caller's transaction; return how many. Raises BrokenHead.

    Rows that Kontor did not sign are left out. `thorough` also looks for rows that committed more than an hour after
    they got their number, and waits for another sealer, which the scheduler does not.
    """
    head = session.scalars(select(AuditHead).with_for_update(skip_locked=not thorough)).one_or_none()
    if head is None:
        return 0
    require_intact(head, key)
    waiting = _waiting(session, wall_time, thorough=thorough)
    rows = [row for row in waiting if is_signed(row, key) or _is_adopted(row, head, wall_time)]
    number, previous = head.number, head.hash
    links = []
    for row in rows:
        number += 1
        digest = RowContent.of(row).digest(row.salt)
        previous = link(key, number, row.seq, digest, previous)
        links.append({"number": number, "seq": row.seq, "digest": digest, "hash": previous})
    adopted = head.adopting_until is not None and wall_time >= head.adopting_until and not rows
    if rows:
        session.execute(insert(AuditLink), links)
        head.number, head.seq, head.hash = number, rows[-1].seq, previous
    if adopted:
        head.adopting_until = None
    if rows or adopted or head.signature is None:
        head.signature = _signature_of(head, key)
    session.flush()
    return len(rows)


def seal_all(session: Session, key: bytes, wall_time: datetime) -> int:
    """Seal every committed row in the caller's transaction; return how many. Raises BrokenHead.

    The caller goes on with the rows that its session holds: none of them is detached.
    """
    sealed = 0
    while fresh := seal(session, key, wall_time, thorough=True):
        sealed += fresh
    return sealed


def has_waiting(session: Session, wall_time: datetime) -> bool:
    """Return whether rows may wait to be sealed, without a lock."""
    adopting = session.scalar(select(AuditHead.adopting_until))
    return adopting is not None or bool(_waiting(session, wall_time, thorough=False, limit=1))


def take_daily_head(session: Session, today: date) -> Head | None:
    """Return the head once a day, for the log; None when it was logged today or there is none."""
    head = session.scalars(select(AuditHead).with_for_update(skip_locked=True)).one_or_none()
    if head is None or head.logged_on == today or not head.number:
        return None
    head.logged_on = today
    return Head(head.number, head.seq, head.hash)


def require_intact(head: AuditHead, key: bytes) -> None:
    """Raise BrokenHead unless Kontor signed the head, or it is of before the first sealing."""
    unsealed = head.signature is None and head.number == 0
    if not unsealed and head.signature != _signature_of(head, key):
        raise BrokenHead(f"the head of the audit chain, entry {head.number}, was changed or belongs to another key")


def _signature_of(head: AuditHead, key: bytes) -> str:
    adopting = "" if head.adopting_until is None else str(int(head.adopting_until.timestamp()))
    return head_signature(key, head.number, head.seq, f"{head.hash}{adopting}", head.adopted_to)


def unsealed() -> ColumnElement[bool]:
    """Return the condition of rows that no entry of the chain covers."""
    return ~select(AuditLink.seq).where(AuditLink.seq == AuditEntry.seq).exists()


def _waiting(session: Session, wall_time: datetime, *, thorough: bool, limit: int = BATCH) -> list[AuditEntry]:
    query = select(AuditEntry).where(unsealed()).order_by(AuditEntry.seq).limit(limit)
    if not thorough:
        settled = select(AuditLink.seq).where(AuditLink.sealed_at < wall_time - LONGEST_TRANSACTION)
        settled = settled.order_by(AuditLink.sealed_at.desc(), AuditLink.seq.desc()).limit(1)
        query = query.where(AuditEntry.seq > (session.scalar(settled) or 0))
    return list(session.scalars(query.execution_options(populate_existing=True)))


def is_signed(row: AuditEntry, key: bytes) -> bool:
    """Return whether Kontor wrote the row as it is."""
    return row.signature is not None and row.signature == signature(key, RowContent.of(row).digest(row.salt))


def _is_adopted(row: AuditEntry, head: AuditHead, wall_time: datetime) -> bool:
    """Return whether a row without a signature is of before the chain, or of the release before during its update."""
    if row.signature is not None or head.adopting_until is None:
        return False
    return row.seq <= head.adopted_to or wall_time < head.adopting_until
