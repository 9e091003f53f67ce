"""Verify the audit log against its chain: name each row that was changed, deleted or inserted past Kontor."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from kontor.evidence.chain import BrokenHead, is_signed, require_intact, unsealed
from kontor.evidence.digests import START, RowContent, link
from models.control import AuditEntry, AuditHead, AuditLink

ERASED: Final = "audit.erased"
ARCHIVED: Final = "audit.archived"
PAGE: Final = 2_000
MOST_FINDINGS: Final = 1_000


class Tampering(StrEnum):
    """What was done past Kontor; `chain` and `head`: to the chain itself."""

    CHANGED = "changed"
    DELETED = "deleted"
    INSERTED = "inserted"
    CHAIN = "chain"
    HEAD = "head"


@dataclass(frozen=True, slots=True)
class Finding:
    """One row, or entry of the chain, that is not as Kontor left it."""

    kind: Tampering
    seq: int
    text: str


@dataclass(slots=True)
class Verification:
    """The result. `unsealed`: rows that Kontor wrote and no entry covers yet; `number`, `hash`: the chain's head."""

    number: int = 0
    hash: str = START
    sealed: int = 0
    erased: int = 0
    unsealed: int = 0
    unsealed_from: int | None = None
    findings: list[Finding] = field(default_factory=list)

    @property
    def intact(self) -> bool:
        """Whether nothing was changed, deleted or inserted."""
        return not self.findings

    def add(self, kind: Tampering, seq: int, text: str) -> None:
        """Take a finding; those after the first 1,000 are left out."""
        if len(self.findings) < MOST_FINDINGS:
            self.findings.append(Finding(kind, seq, text))


def verify(session: Session, key: bytes) -> Verification:
    """Compare every row and entry; reads in the caller's transaction, which sees one state of both tables."""
    result = Verification()
    erasures = _erasures(session, key)
    previous = _beginning(session, key, result)
    for entry, row in _links(session):
        if entry.number != result.number + 1:
            result.add(Tampering.CHAIN, entry.seq, f"entries {result.number + 1} to {entry.number - 1} are missing")
        elif entry.hash != link(key, entry.number, entry.seq, entry.digest, previous):
            result.add(Tampering.CHAIN, entry.seq, f"entry {entry.number} of the chain was changed or inserted")
        _compare(result, entry, row, erasures)
        result.number, previous = entry.number, entry.hash
        result.sealed += 1
    result.hash = previous
    _check_head(session, key, result)
    _check_unsealed(session, key, result)
    return result


def _compare(result: Verification, entry: AuditLink, row: AuditEntry | None, erasures: Mapping[int, str]) -> None:
    if row is None:
        result.add(Tampering.DELETED, entry.seq, f"row {entry.seq} was deleted")
        return
    digest = RowContent.of(row).digest(row.salt)
    if row.erased_at is None and row.salt is not None:
        expected = entry.digest
    else:
        result.erased += row.erased_at is not None
        expected = erasures.get(entry.seq, entry.digest)
    if digest != expected:
        who = f"{row.actor} {row.action} {row.target}".strip()
        result.add(Tampering.CHANGED, entry.seq, f"row {entry.seq} was changed ({who})")


def _links(session: Session) -> Iterator[tuple[AuditLink, AuditEntry | None]]:
    """Yield the entries of the chain in order, each with its row."""
    reached = -1
    while True:
        query = (
            select(AuditLink, AuditEntry)
            .outerjoin(AuditEntry, AuditEntry.seq == AuditLink.seq)
            .where(AuditLink.number > reached)
            .order_by(AuditLink.number)
            .limit(PAGE)
        )
        page = [(entry, row) for entry, row in session.execute(query)]
        if not page:
            return
        yield from page
        reached = page[-1][0].number
        session.expunge_all()


def _beginning(session: Session, key: bytes, result: Verification) -> str:
    """Return the hash that the first entry follows: of the start, or of the last entry in the archive."""
    first = session.scalar(select(func.min(AuditLink.number)))
    for row in _trusted(session, key, ARCHIVED):
        if first is not None and row.detail.get("last_number") == first - 1:
            result.number = first - 1
            return str(row.detail.get("hash"))
    return START


def _erasures(session: Session, key: bytes) -> dict[int, str]:
    """Return the digests of erased rows, from the rows that record the erasures."""
    digests: dict[int, str] = {}
    for row in _trusted(session, key, ERASED):
        rows = row.detail.get("rows")
        if isinstance(rows, dict):
            digests.update((int(seq), str(digest)) for seq, digest in rows.items())
    return digests


def _trusted(session: Session, key: bytes, action: str) -> list[AuditEntry]:
    """Return the rows of an action that are sealed or signed as they are."""
    query = select(AuditEntry, AuditLink.digest).outerjoin(AuditLink, AuditLink.seq == AuditEntry.seq)
    rows = session.execute(query.where(AuditEntry.action == action))
    return [row for row, sealed in rows if sealed == RowContent.of(row).digest(row.salt) or is_signed(row, key)]


def _check_head(session: Session, key: bytes, result: Verification) -> None:
    head = session.scalars(select(AuditHead)).one_or_none()
    if head is None:
        result.add(Tampering.HEAD, 0, "the head of the chain is missing")
        return
    try:
        require_intact(head, key)
    except BrokenHead as error:
        result.add(Tampering.HEAD, head.seq, str(error))
    if (head.number, head.hash) != (result.number, result.hash) and head.number:
        text = f"the chain ends with entry {result.number}, its head says {head.number}"
        result.add(Tampering.HEAD, head.seq, text)


def _check_unsealed(session: Session, key: bytes, result: Verification) -> None:
    """Name rows that nobody signed; count the others."""
    for row in session.scalars(select(AuditEntry).where(unsealed()).order_by(AuditEntry.seq)):
        if is_signed(row, key):
            result.unsealed += 1
            result.unsealed_from = row.seq if result.unsealed_from is None else result.unsealed_from
        elif row.signature is None:
            who = f"{row.actor} {row.action} {row.target}".strip()
            result.add(Tampering.INSERTED, row.seq, f"row {row.seq} was inserted ({who})")
        else:
            result.add(Tampering.CHANGED, row.seq, f"row {row.seq} was changed before it was sealed")
