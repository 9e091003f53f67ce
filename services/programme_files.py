"""Applying a programme file: a plan of changes first, then all of it or nothing."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any, Final

from sqlalchemy.orm import Session

from domain.canonical import canonical_json
from domain.errors import Conflict, FieldError, Invalid
from domain.programme import (
    Change,
    Programme,
    ProgrammeError,
    diff,
    from_document,
    parse,
    to_document,
)
from models.fees import FeeKind
from models.programmes import ProgrammeRow
from services.programmes import forget
from store import audit, locks
from store import programmes as rows
from store.fees import runs

CODE: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}", re.ASCII)


class BadFile(Invalid):
    """The file is refused whole (422 `bad_programme`); `problems` has every error at its line."""

    def __init__(self, code: str, problems: list[ProgrammeError]) -> None:
        errors = [FieldError(f"line {one.line}", str(one)) for one in problems]
        message = f"The programme {code!r} is refused: {len(problems)} error(s)."
        super().__init__("bad_programme", message, errors=errors)
        self.problems = tuple(problems)


@dataclass(frozen=True, slots=True)
class Plan:
    """What applying a file changes. `version` is the one it has afterwards; `applied` if it was."""

    code: str
    version: int
    changes: tuple[Change, ...]
    applied: bool

    def document(self) -> dict[str, Any]:
        """The JSON shape of a plan."""
        changes = [
            {"kind": one.kind.value, "path": one.path, "before": one.before, "after": one.after} for one in self.changes
        ]
        told = {"code": self.code, "version": self.version, "applied": self.applied}
        return {**told, "changes": changes}


def apply(session: Session, code: str, text: str, *, now: datetime, actor: str, dry_run: bool = False) -> Plan:
    """Apply a file under the code that is its stem; a second time nothing changes.

    Raises BadFile, Invalid (the code), Conflict(`plan_in_use`, `product_in_use`, `currency_in_use`).
    """
    programme = checked(code, text)
    locks.hold(session, f"programme:{code}")
    row = rows.by_code(session, code, lock=True)
    before = from_document(row.document) if row else None
    changes = tuple(diff(before, programme))
    _refuse_orphans(session, code, before, programme)
    version = row.version if row else 0
    if dry_run or (row is not None and not changes):
        return Plan(code, version + bool(changes), changes, applied=False)
    _write(session, row, programme, code, text, now, actor)
    summary = {"version": version + 1, "changes": [str(change) for change in changes[:100]]}
    audit.add(session, at=now, actor=actor, action="programme.apply", target=code, detail=summary)
    session.flush()
    forget(session)
    return Plan(code, version + 1, changes, applied=True)


def checked(code: str, text: str) -> Programme:
    """The programme of a file. Raises BadFile, Invalid."""
    if not CODE.fullmatch(code):
        message = "A programme's code is its file's stem: a-z, 0-9, - and _, 64 at most."
        raise Invalid("invalid", message, errors=[FieldError("code", message)])
    found = parse(text)
    if isinstance(found, Programme):
        return found
    raise BadFile(code, found)


def _refuse_orphans(session: Session, code: str, before: Programme | None, after: Programme) -> None:
    """Plans that accounts are on, or change to, products charged monthly, and the currency of the books stay."""
    if before is None:
        return
    if before.currency != after.currency and rows.has_books(session, code):
        message = f"The books are in {before.currency} and nothing is converted: keep the currency."
        raise Conflict("currency_in_use", message, currency=before.currency)
    gone = set(before.plans) - set(after.plans)
    used = {*rows.plans_in_use(session, code, gone), *runs.in_use(session, code, FeeKind.PLAN, gone)} if gone else set()
    if used:
        message = f"Accounts are on the plan(s) {', '.join(sorted(used))}: keep them in the file."
        raise Conflict("plan_in_use", message, plans=sorted(used))
    lost = _monthly(before) - _monthly(after)
    assigned = runs.in_use(session, code, FeeKind.PRODUCT, lost) if lost else []
    if assigned:
        message = f"Accounts have the product(s) {', '.join(assigned)} for a monthly fee: keep them in the file."
        raise Conflict("product_in_use", message, products=assigned)


def _monthly(programme: Programme) -> set[str]:
    return {product.code for product in programme.products.values() if product.recurring}


def _write(
    session: Session,
    row: ProgrammeRow | None,
    programme: Programme,
    code: str,
    text: str,
    now: datetime,
    actor: str,
) -> None:
    if row is None:
        row = ProgrammeRow(code=code, version=0)
        session.add(row)
    row.document = to_document(programme)
    row.digest = sha256(canonical_json(row.document).encode()).hexdigest()
    row.source, row.version = text, row.version + 1
    row.applied_at, row.applied_by = now, actor
