"""The audit log: its one writer and its queries."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from pydantic import JsonValue
from sqlalchemy import select
from sqlalchemy.orm import Session

from kontor.evidence import acts
from kontor.evidence.acts import clean
from kontor.evidence.digests import RowContent, key_of, signature
from kontor.kernel.paging import Page, page_of
from models.control import AuditEntry

UUIDS: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
MOST_SUBJECTS: Final = 200


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts, from where and why, as the audit log stores it."""

    name: str
    origin: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """Entry filter; None matches any. `actor` and `target` match a part of the text, `action` a prefix."""

    actor: str | None = None
    action: str | None = None
    target: str | None = None


def record(
    session: Session,
    actor: Actor,
    action: str,
    target: str,
    *,
    at: datetime,
    detail: Mapping[str, object] | None = None,
    aside: bool = False,
) -> None:
    """Write one entry in the caller's transaction; the only writer of the audit log.

    Origin and reason that the actor lacks are those of the act that the transaction belongs to, which needs no other
    entry then unless this one stands `aside`.
    """
    act = acts.current(session)
    origin, reason, accounts = actor.origin, actor.reason, set[UUID]()
    if act is not None:
        act.recorded += not aside
        origin, reason, accounts = origin or act.origin, reason or act.reason, act.subjects
    plain: dict[str, JsonValue] = json.loads(clean(json.dumps(dict(detail or {}), ensure_ascii=False, default=str)))
    content = RowContent(
        at=at,
        actor=clean(actor.name),
        action=action,
        target=clean(target),
        reason=None if reason is None else clean(reason),
        origin=None if origin is None else clean(origin),
        detail=plain,
        subjects=_subjects([*map(str, accounts), target, json.dumps(plain)]),
    )
    session.add(_signed(session, content))


def _signed(session: Session, content: RowContent) -> AuditEntry:
    """Return the row with a salt, and with the keyed hash that shows that Kontor wrote it."""
    salt, key = secrets.token_hex(16), key_of(session)
    return AuditEntry(
        at=content.at,
        actor=content.actor,
        action=content.action,
        target=content.target,
        reason=content.reason,
        origin=content.origin,
        detail=dict(content.detail),
        subjects=list(content.subjects),
        salt=salt,
        signature=None if key is None else signature(key, content.digest(salt)),
    )


def _subjects(texts: Iterable[str]) -> tuple[UUID, ...]:
    """Return the ids that texts name, each once."""
    ids = dict.fromkeys(match for text in texts for match in UUIDS.findall(text.lower()))
    return tuple(UUID(text) for text in list(ids)[:MOST_SUBJECTS])


def close(
    session: Session, action: str, target: str | None, *, at: datetime, detail: Mapping[str, object] | None = None
) -> None:
    """Write the entry of the watched act, unless what it did wrote its own.

    `target` None: the first row that it changed. The entry holds what was before and is after.
    """
    act = acts.current(session)
    assert act is not None, "nobody watches this transaction"
    session.flush()
    if act.recorded:
        return
    first = act.changes[0] if act.changes else None
    subject = target or ("" if first is None else f"{str(first['table']).removesuffix('s')}:{first.get('id', '')}")
    document = {**(detail or {}), **({"changed": act.changes} if act.changes else {})}
    record(session, Actor(act.actor), action, subject, at=at, detail=document)
    session.flush()


def page(session: Session, criteria: AuditFilter, cursor: str | None, limit: int) -> Page[AuditEntry]:
    """Return entries, newest first; the cursor is an entry's number. Raises Invalid."""
    query = select(AuditEntry)
    if criteria.actor is not None:
        query = query.where(AuditEntry.actor.icontains(criteria.actor, autoescape=True))
    if criteria.action is not None:
        query = query.where(AuditEntry.action.startswith(criteria.action, autoescape=True))
    if criteria.target is not None:
        query = query.where(AuditEntry.target.icontains(criteria.target, autoescape=True))
    return page_of(session, query, AuditEntry.seq, cursor, limit, parse=_number)


def _number(cursor: str) -> int:
    if not (cursor.isascii() and cursor.isdigit() and len(cursor) < 19):
        raise ValueError(cursor)
    return int(cursor)


def about(session: Session, target: str, limit: int, action: str | None = None) -> list[AuditEntry]:
    """Return the entries on one target, newest first; of one action, if given."""
    query = select(AuditEntry).where(AuditEntry.target == target).order_by(AuditEntry.seq.desc())
    if action is not None:
        query = query.where(AuditEntry.action == action)
    return list(session.scalars(query.limit(limit)))
