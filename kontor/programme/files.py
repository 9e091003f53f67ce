"""Apply a programme file: show the changes first, then apply all or nothing."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256
from typing import Final

from sqlalchemy.orm import Session

from kontor import audit
from kontor.audit import Actor
from kontor.kernel import database
from kontor.kernel.errors import Conflict, FieldError, Invalid
from kontor.kernel.serialization import canonical_json
from kontor.programme import refusals, service, versions
from kontor.programme.diff import Document, ProgrammeChange, diff, to_document
from kontor.programme.model import Programme
from kontor.programme.parse import from_document, parse
from kontor.programme.product_owners import resolved, unknown_owners
from kontor.programme.reader import FieldReader
from kontor.programme.service import clear_digest_cache
from kontor.programme.versions import VersionEntry
from kontor.programme.yaml_nodes import ProgrammeError, parse_yaml
from models.programmes import ProgrammeRow, ProgrammeVersion

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
    """The changes of a file against the version that it follows.

    `version`: the number in force or waiting after applying; `applied`: False for a dry run or when nothing changes.
    """

    code: str
    version: int
    applied: bool
    changes: tuple[ProgrammeChange, ...]
    hash: str
    effective_at: datetime
    later: bool


@dataclass(frozen=True, slots=True)
class PreparedFile:
    """A valid file, locked and compared; `before` is the programme that it follows, None for a new one."""

    row: ProgrammeRow | None
    before: Programme | None
    programme: Programme
    plan: ApplyPlan


def apply(
    session: Session,
    code: str,
    text: str,
    *,
    now: datetime,
    actor: str,
    dry_run: bool = False,
    effective: datetime | None = None,
    reason: str | None = None,
) -> ApplyPlan:
    """Apply a file under a code, the stem of its name; applying it again changes nothing.

    `effective`: when it begins, by default what the file says, or now.
    Raises InvalidProgrammeFile, Invalid (the code, the instant), Conflict(`plan_in_use`, `product_in_use`,
    `currency_in_use`, `later_version`).
    """
    prepared = prepare(session, code, text, now=now, effective=effective)
    plan = prepared.plan
    if dry_run or (prepared.row is not None and not plan.changes):
        return plan
    return write(session, prepared, text, now=now, actor=actor, reason=reason)


def prepare(
    session: Session,
    code: str,
    text: str,
    *,
    now: datetime,
    effective: datetime | None = None,
    seen: str | None = None,
) -> PreparedFile:
    """Read, check and compare a file; locks the programme. The first version of a programme begins at once.

    `seen`: the state of the programme's versions that the file was made from. Raises what `apply` raises, and
    Conflict(`programme_changed`).
    """
    programme = resolved(session, code, parse_file(code, text))
    database.lock_names(session, f"programme:{code}")
    row = begin_due(session, code, now)
    listed = versions.entries(session, code)
    if seen is not None:
        versions.require_state(listed, now, seen)
    starts = effective or programme.effective
    begins = now if starts is None or row is None else max(starts, now)
    follows = versions.entry_at(listed, begins) if listed else None
    before = None if follows is None else _programme(session, code, follows.digest)
    if unknown := unknown_owners(session, code, text, programme, before):
        raise InvalidProgrammeFile(code, unknown)
    changes = tuple(diff(before, programme))
    if changes and starts is not None and starts < now:
        _refuse_past(code, text, effective)
    number = max((each.number for each in listed), default=0) + 1 if changes or follows is None else follows.number
    hash_ = digest_of(to_document(programme))
    plan = ApplyPlan(code, number, applied=False, changes=changes, hash=hash_, effective_at=begins, later=begins > now)
    if changes and before is not None:
        _require_allowed(session, text, plan, before, programme)
        _require_fitting(session, listed, plan, programme)
    return PreparedFile(row, before, programme, plan)


def _require_allowed(session: Session, text: str, plan: ApplyPlan, before: Programme, after: Programme) -> None:
    """Raise InvalidProgrammeFile or Conflict for what accounts or money forbid."""
    if plan.later:
        errors = refusals.removed_later(text, before, after)
    else:
        refusals.require_unused(session, plan.code, before, after)
        errors = refusals.free_plan_changed(session, plan.code, text, before, after)
    if errors:
        raise InvalidProgrammeFile(plan.code, errors)


def _require_fitting(session: Session, listed: Sequence[VersionEntry], plan: ApplyPlan, after: Programme) -> None:
    """Raise Conflict if a version that waits would take away what this one brings."""
    waiting = [each for each in listed if each.effective_at > plan.effective_at]
    if not waiting:
        return
    following = waiting[-1]
    gone = refusals.taken_away(after, _programme(session, plan.code, following.digest))
    if gone:
        begins = following.effective_at.isoformat()
        message = (
            f"Version {following.number}, which begins at {begins}, takes back: {'; '.join(gone)}. Apply it again."
        )
        raise Conflict("later_version", message, version=following.number)


def write(
    session: Session, prepared: PreparedFile, text: str, *, now: datetime, actor: str, reason: str | None = None
) -> ApplyPlan:
    """Write a prepared file as a version, and put it in force unless it begins later."""
    plan = replace(prepared.plan, applied=True)
    document = to_document(prepared.programme)
    facts = {"document": document, "source": text, "digest": plan.hash, "applied_at": now, "applied_by": actor}
    if prepared.row is None:
        session.add(ProgrammeRow(code=plan.code, version=plan.version, **facts))
        session.flush()
    else:
        _keep_present(session, prepared.row)
    session.add(
        ProgrammeVersion(
            programme=plan.code, number=plan.version, reason=reason, effective_at=plan.effective_at, **facts
        )
    )
    session.flush()
    begin_due(session, plan.code, now)
    summary = {
        "version": plan.version,
        "effective_at": plan.effective_at.isoformat(),
        "changes": [str(change) for change in plan.changes[:100]],
    }
    audit.record(session, Actor(actor, reason=reason), "programme.apply", plan.code, at=now, detail=summary)
    session.flush()
    clear_digest_cache(session)
    return plan


def begin_due(session: Session, code: str, now: datetime) -> ProgrammeRow | None:
    """Put the version in force whose time has come into the programme's row, locked; None: no such programme."""
    row = service.by_code(session, code, lock=True)
    if row is None:
        return None
    listed = versions.entries(session, code)
    waiting, last = [each for each in listed if each.effective_at > now], versions.entry_at(listed, now)
    if last.number != row.version:
        version = session.get_one(ProgrammeVersion, (code, last.number))
        row.document, row.source, row.digest = version.document, version.source, version.digest
        row.version, row.applied_at, row.applied_by = version.number, version.applied_at, version.applied_by
    row.next_at = waiting[-1].effective_at if waiting else None
    session.flush()
    clear_digest_cache(session)
    return row


def digest_of(document: Document) -> str:
    """Return the SHA-256 of a canonical document, in hex."""
    return sha256(canonical_json(document).encode()).hexdigest()


def _programme(session: Session, code: str, digest: str) -> Programme:
    return from_document(service.document_of(session, code, digest))


def _keep_present(session: Session, row: ProgrammeRow) -> None:
    """Keep the file in force as a version if the release before applied it."""
    if session.get(ProgrammeVersion, (row.code, row.version)) is None:
        session.add(
            ProgrammeVersion(
                programme=row.code,
                number=row.version,
                document=row.document,
                source=row.source,
                digest=row.digest,
                applied_at=row.applied_at,
                applied_by=row.applied_by,
                effective_at=row.applied_at,
            )
        )
        session.flush()


def _refuse_past(code: str, text: str, effective: datetime | None) -> None:
    """Raise for an instant that is over: a version never changes what was."""
    message = "this instant is over: a version begins now or later; leave it out to begin at once"
    if effective is not None:
        raise Invalid("invalid", f"effective: {message}.", errors=[FieldError("effective", message)])
    errors: list[ProgrammeError] = []
    FieldReader(parse_yaml(text), "", errors).child("effective").add_error(message)
    raise InvalidProgrammeFile(code, errors)


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
