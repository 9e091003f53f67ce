"""Apply a programme file: show the changes first, then apply all or nothing."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Final

from sqlalchemy.orm import Session

from kontor import audit
from kontor.audit import Actor
from kontor.fees import queries as fees_queries
from kontor.kernel import database
from kontor.kernel.errors import Conflict, FieldError, Invalid
from kontor.kernel.serialization import canonical_json
from kontor.programme import (
    Programme,
    ProgrammeChange,
    ProgrammeError,
    diff,
    from_document,
    parse,
    service,
    to_document,
)
from kontor.programme.product_owners import unknown_owners
from kontor.programme.service import clear_digest_cache
from models.fees import FeeKind
from models.programmes import ProgrammeRow

CODE: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}", re.ASCII)


class InvalidProgrammeFile(Invalid):
    """The whole file is rejected (422 `bad_programme`); `problems` lists every error with its line."""

    def __init__(self, code: str, problems: list[ProgrammeError]) -> None:
        errors = [FieldError(f"line {problem.line}", str(problem)) for problem in problems]
        message = f"The programme {code!r} is rejected: {len(problems)} error(s)."
        super().__init__("bad_programme", message, errors=errors)
        self.problems = tuple(problems)


@dataclass(frozen=True, slots=True)
class ApplyPlan:
    """The changes of a file. `version`: after applying; `applied`: False for a dry run or when nothing changes."""

    code: str
    version: int
    applied: bool
    changes: tuple[ProgrammeChange, ...]


def apply(session: Session, code: str, text: str, *, now: datetime, actor: str, dry_run: bool = False) -> ApplyPlan:
    """Apply a file under a code, the stem of its name; applying it again changes nothing.

    Raises InvalidProgrammeFile, Invalid (the code), Conflict(`plan_in_use`, `product_in_use`, `currency_in_use`).
    """
    programme = parse_file(code, text)
    database.lock_names(session, f"programme:{code}")
    row = service.by_code(session, code, lock=True)
    before = from_document(row.document) if row else None
    if unknown := unknown_owners(session, code, text, programme, before):
        raise InvalidProgrammeFile(code, unknown)
    changes = tuple(diff(before, programme))
    _refuse_removals_in_use(session, code, before, programme)
    version = row.version if row else 0
    if dry_run or (row is not None and not changes):
        return ApplyPlan(code, version + bool(changes), applied=False, changes=changes)
    _write(session, row, programme, code, text, now, actor)
    summary = {"version": version + 1, "changes": [str(change) for change in changes[:100]]}
    audit.record(session, Actor(actor), "programme.apply", code, at=now, detail=summary)
    session.flush()
    clear_digest_cache(session)
    return ApplyPlan(code, version + 1, applied=True, changes=changes)


def parse_file(code: str, text: str) -> Programme:
    """Parse a file. Raises InvalidProgrammeFile, Invalid(the code)."""
    if not CODE.fullmatch(code):
        message = (
            "A programme's code is the name of its file without the ending: a-z, 0-9, - and _, at most 64 characters."
        )
        raise Invalid("invalid", message, errors=[FieldError("code", message)])
    result = parse(text)
    if isinstance(result, Programme):
        return result
    raise InvalidProgrammeFile(code, result)


def _refuse_removals_in_use(session: Session, code: str, before: Programme | None, after: Programme) -> None:
    """Refuse to remove plans and monthly products in use, or to change the currency once money was posted."""
    if before is None:
        return
    if before.currency != after.currency and service.has_postings(session, code):
        message = f"Amounts are recorded in {before.currency} and are not converted: keep the currency."
        raise Conflict("currency_in_use", message, currency=before.currency)
    removed_plans = set(before.plans) - set(after.plans)
    plans_in_use = (
        {
            *service.plans_in_use(session, code, removed_plans),
            *fees_queries.in_use(session, code, FeeKind.PLAN, removed_plans),
        }
        if removed_plans
        else set()
    )
    if plans_in_use:
        message = f"Accounts are on the plan(s) {', '.join(sorted(plans_in_use))}: keep them in the file."
        raise Conflict("plan_in_use", message, plans=sorted(plans_in_use))
    removed_products = _monthly(before) - _monthly(after)
    products_in_use = fees_queries.in_use(session, code, FeeKind.PRODUCT, removed_products) if removed_products else []
    if products_in_use:
        message = f"Accounts have the product(s) {', '.join(products_in_use)} for a monthly fee: keep them in the file."
        raise Conflict("product_in_use", message, products=products_in_use)


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
