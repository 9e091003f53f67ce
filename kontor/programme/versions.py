"""The versions of a programme: which was in force at an instant, when a local day began, or when it ended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from hashlib import sha256
from typing import Final, NamedTuple

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from kontor.kernel.errors import Conflict, NotFound
from kontor.kernel.periods import ONE_DAY
from kontor.kernel.zones import day_start
from kontor.programme.model import Programme
from kontor.programme.service import Programmes
from models.programmes import ProgrammeRow, ProgrammeVersion

LIST: Final = text("""
SELECT number, digest, applied_at, applied_by, reason, effective_at FROM programme_versions WHERE programme = :code
UNION ALL
SELECT version, digest, applied_at, applied_by, NULL, applied_at FROM programmes AS p WHERE code = :code
    AND NOT EXISTS (SELECT FROM programme_versions AS v WHERE v.programme = p.code AND v.number = p.version)
ORDER BY effective_at DESC, number DESC
""")
"""A file that the release before applied has no version row yet."""


class VersionEntry(NamedTuple):
    """A version without its document; `digest` is the hash of the document."""

    number: int
    digest: str
    applied_at: datetime
    applied_by: str
    reason: str | None
    effective_at: datetime


@dataclass(frozen=True, slots=True)
class DatedProgramme:
    """A programme with the number of its version."""

    number: int
    programme: Programme


def entries(session: Session, code: str) -> list[VersionEntry]:
    """Return all versions, the one that begins last first."""
    return [VersionEntry(*row) for row in session.execute(LIST, {"code": code})]


def entry(session: Session, code: str, number: int) -> VersionEntry:
    """Return one version. Raises NotFound(`unknown_version`)."""
    match = next((each for each in entries(session, code) if each.number == number), None)
    if match is None:
        raise NotFound("unknown_version", f"The programme {code!r} has no version {number}.")
    return match


def require_any(code: str, listed: Sequence[VersionEntry]) -> None:
    """Raise NotFound(`unknown_programme`) when a programme has no version."""
    if not listed:
        raise NotFound("unknown_programme", f"There is no programme {code!r}.")


def source_of(session: Session, code: str, number: int) -> str:
    """Return the text of the file that was applied as a version."""
    kept = select(ProgrammeVersion.source).where(ProgrammeVersion.programme == code, ProgrammeVersion.number == number)
    present = select(ProgrammeRow.source).where(ProgrammeRow.code == code, ProgrammeRow.version == number)
    return session.scalar(kept) or session.scalar(present) or ""


def entry_at(versions: Sequence[VersionEntry], instant: datetime) -> VersionEntry:
    """Return the version in force at an instant; the first one for the time before it."""
    return next((each for each in versions if each.effective_at <= instant), versions[-1])


def waiting(listed: Sequence[VersionEntry], now: datetime) -> list[VersionEntry]:
    """Return the versions that begin later, the first to begin first; of one instant the one applied last."""
    begins = {each.effective_at: each for each in sorted(listed) if each.effective_at > now}
    return [begins[instant] for instant in sorted(begins)]


def state_of(listed: Sequence[VersionEntry], now: datetime) -> str:
    """Return a digest of the files that are in force and that wait: another one applied, or begun, changes it."""
    counted = (entry_at(listed, now), *waiting(listed, now))
    text = "\n".join(f"{each.number} {each.effective_at.isoformat()} {each.digest}" for each in counted)
    return sha256(text.encode()).hexdigest()


def require_state(listed: Sequence[VersionEntry], now: datetime, seen: str) -> None:
    """Raise Conflict(`programme_changed`) when another file was applied, or began, since a state was seen."""
    if seen != state_of(listed, now):
        newest = max(listed, key=lambda each: each.number)
        message = (
            f"The programme changed since this form was opened: version {newest.number}, applied by"
            f" {newest.applied_by}, is the newest."
        )
        raise Conflict("programme_changed", message, version=newest.number)


def replaced_by(listed: Sequence[VersionEntry], number: int, now: datetime) -> VersionEntry | None:
    """Return the version that one replaced as it began; None when it has not begun, or never does.

    Of versions that begin at the same instant only the one applied last begins.
    """
    version = next((each for each in listed if each.number == number), None)
    if version is None or version.effective_at > now:
        return None
    if any(each.effective_at == version.effective_at and each.number > number for each in listed):
        return None
    return next((each for each in listed if each.effective_at < version.effective_at), None)


def superseded(listed: Sequence[VersionEntry], version: VersionEntry, now: datetime) -> bool:
    """Whether a file that was applied afterwards took a version's place as it began, or has since.

    One that begins before it takes nothing from it: the version that waits begins all the same.
    """
    until = max(now, version.effective_at)
    following = (each for each in listed if each.number > version.number)
    return any(version.effective_at <= each.effective_at <= until for each in following)


def superseded_reason(session: Session, code: str, refs: Mapping[str, str], now: datetime) -> str | None:
    """Return why a mail about a version's prices need not be sent; `refs`: the mail's, with the `version`."""
    version = entry(session, code, int(refs["version"]))
    return "another version took its place" if superseded(entries(session, code), version, now) else None


@dataclass(slots=True)
class Versions:
    """All versions of a programme, listed on first use; those that are needed are read, each once per process."""

    programmes: Programmes
    session: Session
    code: str
    starts: dict[date, DatedProgramme] = field(default_factory=dict)
    _listed: Sequence[VersionEntry] = ()

    @property
    def listed(self) -> Sequence[VersionEntry]:
        """All versions, the one that begins last first."""
        self._listed = self._listed or entries(self.session, self.code)
        return self._listed

    def at(self, instant: datetime) -> DatedProgramme:
        """Return the version in force at an instant."""
        return self._dated(entry_at(self.listed, instant))

    def numbered(self, number: int) -> DatedProgramme:
        """Return a version by its number. Raises NotFound(`unknown_version`)."""
        return self._dated(entry(self.session, self.code, number))

    def at_start(self, day: date) -> DatedProgramme:
        """Return the version in force at 00:00 of a day that is local to it (programme.md 7.5)."""
        dated = self.starts.get(day)
        if dated is None:
            dated = self.starts[day] = self._dated(self._last_begun(day))
        return dated

    def at_end(self, day: date) -> DatedProgramme:
        """Return the version in force when a day that is local to it ends (programme.md 6.7)."""
        return self._dated(self._last_begun(day + ONE_DAY, included=False))

    def _last_begun(self, day: date, *, included: bool = True) -> VersionEntry:
        """Return the version that had begun when a day began; `included`: also one that begins at that instant."""
        return next((each for each in self.listed if self._begun(each, day, included=included)), self.listed[-1])

    def _begun(self, each: VersionEntry, day: date, *, included: bool) -> bool:
        midnight = datetime.combine(day, time.min, UTC)
        if abs(each.effective_at - midnight) > ONE_DAY:
            return each.effective_at < midnight
        begin = day_start(day, self._dated(each).programme.zone)
        return each.effective_at <= begin if included else each.effective_at < begin

    def _dated(self, each: VersionEntry) -> DatedProgramme:
        return DatedProgramme(each.number, self.programmes.of_digest(self.session, self.code, each.digest))
