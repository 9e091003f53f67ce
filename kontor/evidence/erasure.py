"""Erase personal text from the audit log, and move old rows to a sealed file; the chain still verifies."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from pydantic import JsonValue
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from kontor import audit
from kontor.audit import Actor
from kontor.evidence.chain import seal_all
from kontor.evidence.digests import RowContent, canonical, key_of
from kontor.evidence.verification import ARCHIVED, ERASED
from models.control import AuditEntry, AuditLink

CHUNK: Final = 500
ERASED_TEXT: Final = "erased"
FACT: Final = re.compile(
    r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|\d{4}-\d\d-\d\d(?:[T ][\d:.]+(?:Z|[+-]\d\d:?\d\d)?)?|-?\d+(?:\.\d+)?"
)
"""Texts that say nothing of a person: ids, instants, numbers."""

NAMES: Final = frozenset(
    {"table", "kind", "state", "plan", "programme", "product", "role", "scopes", "locale", "timezone", "status", "code"}
)
"""Fields whose texts are codes of Kontor's."""


def erase(session: Session, accounts: Sequence[UUID], now: datetime, wall_time: datetime) -> int:
    """Erase the texts of every row that names one of the accounts; return how many rows.

    What is left of each row stands, as a digest, in a row of its own, so that the chain still verifies.
    """
    key = key_of(session)
    if key is not None:
        seal_all(session, key, wall_time)
    erased = 0
    named = AuditEntry.subjects.overlap(list(accounts))
    while True:
        query = select(AuditEntry).where(named, AuditEntry.erased_at.is_(None), AuditEntry.action != ERASED)
        rows = list(session.scalars(query.order_by(AuditEntry.seq).limit(CHUNK)))
        if not rows:
            return erased
        left = [_remains(row) for row in rows]
        documents = [_replacement(row.seq, content, now) for row, content in zip(rows, left, strict=True)]
        session.execute(text("SELECT kontor_erase_audit(CAST(:rows AS jsonb))"), {"rows": canonical(documents)})
        digests = {str(row.seq): content.digest(None) for row, content in zip(rows, left, strict=True)}
        session.expire_all()
        audit.record(session, Actor("kontor"), ERASED, "", at=now, detail={"rows": digests}, aside=True)
        session.flush()
        erased += len(rows)


def _replacement(seq: int, left: RowContent, now: datetime) -> dict[str, object]:
    return {"seq": seq, "actor": left.actor, "target": left.target, "detail": left.detail, "erased_at": now}


def _remains(row: AuditEntry) -> RowContent:
    """Return what is left of a row: who and what by id, when, and figures."""
    detail = _without_text(row.detail)
    assert isinstance(detail, dict)
    target = row.target if "@" not in row.target else ERASED_TEXT
    actor = row.actor if "@" not in row.actor or row.actor.startswith("operator:") else ERASED_TEXT
    return RowContent(row.at, actor, row.action, target, None, None, detail, tuple(row.subjects))


def _without_text(value: JsonValue, name: str = "") -> JsonValue:
    match value:
        case dict():
            return {key: _without_text(inner, key) for key, inner in value.items()}
        case list():
            return [_without_text(inner, name) for inner in value]
        case str():
            return value if name in NAMES or FACT.fullmatch(value) else ERASED_TEXT
        case _:
            return value


@dataclass(frozen=True, slots=True)
class Archive:
    """The entries up to an instant: how many, the last one's number and hash."""

    rows: int
    last_number: int
    hash: str


def archivable(session: Session, before: datetime) -> Archive | None:
    """Return what was sealed before an instant; None if nothing was."""
    last = session.scalar(select(func.max(AuditLink.number)).where(AuditLink.sealed_at < before))
    if last is None:
        return None
    link = session.get_one(AuditLink, last)
    rows = session.scalar(select(func.count()).select_from(AuditLink).where(AuditLink.number <= last)) or 0
    return Archive(rows, last, link.hash)


def archive_lines(session: Session, key: bytes, archive: Archive) -> Iterator[str]:
    """Yield the archive's rows as JSON lines, then a line that seals them: the chain's hash and a keyed hash of all."""
    seal = hmac.new(key, b"archive", hashlib.sha256)
    query = (
        select(AuditLink, AuditEntry)
        .outerjoin(AuditEntry, AuditEntry.seq == AuditLink.seq)
        .where(AuditLink.number <= archive.last_number)
        .order_by(AuditLink.number)
        .execution_options(yield_per=CHUNK)
    )
    for link, row in session.execute(query):
        line = canonical(_document(link, row)) + "\n"
        seal.update(line.encode())
        yield line
    yield json.dumps({"last_number": archive.last_number, "hash": archive.hash, "seal": seal.hexdigest()}) + "\n"


def _document(link: AuditLink, row: AuditEntry | None) -> dict[str, object]:
    document: dict[str, object] = {"number": link.number, "seq": link.seq, "digest": link.digest, "hash": link.hash}
    if row is not None:
        names = ("at", "actor", "action", "target", "reason", "origin", "detail", "subjects", "salt", "erased_at")
        document |= {name: getattr(row, name) for name in names}
    return document


def cut(session: Session, archive: Archive, actor: Actor, now: datetime) -> None:
    """Delete the archived rows and record where the chain begins now."""
    session.execute(text("SELECT kontor_cut_audit(:last)"), {"last": archive.last_number})
    session.expunge_all()
    detail = {"rows": archive.rows, "last_number": archive.last_number, "hash": archive.hash}
    audit.record(session, actor, ARCHIVED, "", at=now, detail=detail)
    session.flush()
