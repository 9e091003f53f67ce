"""An act: who acts, and what its transaction changes, gathered from the session for the audit row."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final, cast
from uuid import UUID

from sqlalchemy import event, inspect
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import ORMExecuteState, Session
from sqlalchemy.orm.base import PASSIVE_NO_INITIALIZE
from sqlalchemy.sql.dml import UpdateBase

ACT: Final = "kontor.act"
MASK: Final = "***"
SECRET: Final = re.compile(r"secret|password|hash|token|csrf|salt|signature|credential", re.IGNORECASE)
OMITTED: Final = frozenset({"name_key", "looks_key", "email_key", "seen_at", "updated_at"})
QUIET: Final = frozenset(
    {
        "audit_log", "audit_chain", "audit_head", "domain_events", "idempotent_answers", "job_attempts", "job_rollups",
        "jobs", "jobs_archive", "lanes", "mail_recipients", "mails", "offer_events", "reconciliation_gaps",
        "schedule_occurrences", "webhook_deliveries",
    }
)  # fmt: skip
"""Tables that are evidence themselves, or the engine's bookkeeping."""

WRITES: Final = re.compile(r"\s*(?:insert|update|delete|merge)\b", re.IGNORECASE)
Change = dict[str, Any]
"""A changed row: its id if known, and its columns before and after."""

MOST_CHANGES: Final = 50
LONGEST_TEXT: Final = 500


@dataclass(slots=True)
class Act:
    """One act. `changes`: rows changed, with what was before and is after; `recorded`: audit rows written for it."""

    actor: str
    origin: str | None = None
    reason: str | None = None
    changes: list[dict[str, Any]] = field(default_factory=list)
    subjects: set[UUID] = field(default_factory=set)
    wrote: bool = False
    recorded: int = 0

    def note(self, table: str, change: Change) -> None:
        """Take a changed row; one that changed before in this act stays one, with the first before and last after."""
        self.wrote = True
        same = (row for row in self.changes if (row["table"], row.get("id")) == (table, change.get("id")))
        earlier = next(same, None) if "id" in change else None
        if earlier is not None:
            if "before" in earlier:
                earlier["before"] = change.get("before", {}) | earlier["before"]
            earlier["after"] = earlier.get("after", {}) | change.get("after", {})
        elif len(self.changes) < MOST_CHANGES:
            self.changes.append({"table": table, **change})

    def mention(self, name: str, value: object) -> None:
        """Take an account that a changed row names."""
        if isinstance(value, UUID) and name in {"account_id", "reseller_id"}:
            self.subjects.add(value)


def current(session: Session) -> Act | None:
    """Return the act of the session's transaction, None if nobody watches it."""
    return cast("Act | None", session.info.get(ACT))


@contextmanager
def watched(session: Session, act: Act) -> Iterator[Act]:
    """Gather what the session changes during the block."""
    session.info[ACT] = act
    event.listen(session, "before_flush", _before_flush)
    event.listen(session, "do_orm_execute", _on_statement)
    try:
        yield act
    finally:
        event.remove(session, "before_flush", _before_flush)
        event.remove(session, "do_orm_execute", _on_statement)
        session.info.pop(ACT, None)


@contextmanager
def attempted(session: Session) -> Iterator[None]:
    """Write in a savepoint; what an error takes back, the watched act does not gather."""
    session.flush()
    act = current(session)
    changes = [] if act is None else [dict(change) for change in act.changes]
    before = None if act is None else (act.wrote, changes, set(act.subjects), act.recorded)
    written = False
    try:
        with session.begin_nested():
            yield
        written = True
    finally:
        if not written and act is not None and before is not None:
            act.wrote, act.changes, act.subjects, act.recorded = before


@contextmanager
def rolled_back(session: Session) -> Iterator[None]:
    """Take back what the block writes; the watched act does not gather it."""
    session.flush()
    act = session.info.pop(ACT, None)
    savepoint = session.begin_nested()
    try:
        yield
    finally:
        savepoint.rollback()
        session.expire_all()
        if act is not None:
            session.info[ACT] = act


def _before_flush(session: Session, *_: object) -> None:
    act = current(session)
    if act is None:
        return
    for row in session.new:
        _take(act, row, before=False, after=True)
    for row in session.dirty:
        if session.is_modified(row):
            _take(act, row, before=True, after=True)
    for row in session.deleted:
        _take(act, row, before=True, after=False)


def _take(act: Act, row: object, *, before: bool, after: bool) -> None:
    """Take one row; of a changed one only the columns that differ."""
    state = inspect(row)
    assert state is not None
    table: str = state.mapper.local_table.name
    if table in QUIET:
        return
    old: dict[str, object] = {}
    new: dict[str, object] = {}
    for attribute in state.mapper.column_attrs:
        name = attribute.key
        if name in OMITTED:
            continue
        history = state.get_history(name, PASSIVE_NO_INITIALIZE)
        act.mention(name, state.dict.get(name))
        if before and after and not history.has_changes():
            continue
        if before:
            value = history.deleted[0] if history.deleted else state.dict.get(name) if not after else None
            old[name] = shown(name, value)
        if after:
            new[name] = shown(name, state.dict.get(name))
    identity = state.dict.get("id")
    if table == "accounts" and isinstance(identity, UUID):
        act.subjects.add(identity)
    change: Change = {"id": shown("id", identity or _identity(state))}
    act.note(table, change | ({"before": old} if before else {}) | ({"after": new} if after else {}))


def _identity(state: Any) -> list[str]:
    return [str(state.dict.get(column.key)) for column in state.mapper.primary_key]


def _on_statement(state: ORMExecuteState) -> None:
    act = current(state.session)
    if act is None or state.is_select:
        return
    statement = state.statement
    if not isinstance(statement, UpdateBase):
        act.wrote = act.wrote or WRITES.match(str(statement)) is not None
        return
    table = getattr(statement.table, "name", "")
    if table in QUIET:
        return
    params = statement.compile(dialect=postgresql.dialect()).params  # type: ignore[no-untyped-call]  # SQLAlchemy's
    columns = {column.name for column in statement.table.c} - OMITTED
    values = {name: value for name, value in params.items() if name in columns and value is not None}
    for name, value in values.items():
        act.mention("account_id" if (table, name) == ("accounts", "id") else name, value)
    act.note(table, {"after": {name: shown(name, value) for name, value in values.items()}})


def shown(name: str, value: object) -> object:
    """Return a value as a row shows it: secrets masked, texts cut."""
    if value is None or isinstance(value, bool | int):
        return value
    if SECRET.search(name):
        return MASK
    match value:
        case Mapping():
            return {str(key): shown(str(key), inner) for key, inner in value.items()}
        case list() | tuple():
            return [shown(name, inner) for inner in value[:MOST_CHANGES]]
        case _:
            return clean(str(value))[:LONGEST_TEXT]


def clean(text: str) -> str:
    """Return text that PostgreSQL can hold."""
    return text.replace("\x00", "").encode("utf-8", "replace").decode()
