"""One import from file to ledger: its rows are read once, staged in chunks, and entered in one transaction."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from itertools import islice
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from kontor.context import Context
from kontor.payments import import_commit
from kontor.payments.import_commit import CHUNK, LISTED, ImportResult, StartedImport
from kontor.payments.import_encoding import digest_of
from kontor.payments.import_parse import PaymentFile
from kontor.payments.import_rows import Doubt, ParsedRow, RowReader
from kontor.payments.import_target import ImportTarget

VERSION: Final = 2
"""Of what is made of a file: rows staged by another version are not continued."""
Sessions = Callable[[], AbstractContextManager[Session]]


@dataclass(frozen=True, slots=True)
class ImportChoices:
    """What the person who imports has decided: lines to accept although they are in doubt, lines to leave out."""

    accepted: frozenset[int] = frozenset()
    left_out: frozenset[int] = frozenset()
    match: str | None = None
    mapping: str = ""

    def text(self, target: ImportTarget) -> str:
        """Return the choices as a text that is the same for the same choices."""
        lists = (sorted(self.accepted), sorted(self.left_out))
        return json.dumps([VERSION, target.code, self.match, self.mapping, *lists])


@dataclass(slots=True)
class Tally:
    """What was seen while the rows were read; lists hold the first of a kind."""

    rows: int = 0
    skipped_rows: int = 0
    doubtful_rows: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    skipped: list[int] = field(default_factory=list)
    doubtful: list[Doubt] = field(default_factory=list)

    def skip(self, line: int, why: str) -> None:
        """Count a row that is no payment."""
        self.skipped_rows += 1
        self.reasons[why] += 1
        if len(self.skipped) < LISTED:
            self.skipped.append(line)

    def doubt(self, line: int, why: str) -> None:
        """Count a row that is in doubt."""
        self.doubtful_rows += 1
        if len(self.doubtful) < LISTED:
            self.doubtful.append(Doubt(line, (line,), why))


@dataclass(frozen=True, slots=True)
class ImportSummary:
    """What became of a file. `lines`: the first lines of rows that were there before, skipped or kept unmatched."""

    file: str
    layout: str
    encoding: str
    programme: str
    reseller_id: UUID | None
    rows: int
    resumed_from: int = 0
    imported: int = 0
    would_import: int = 0
    already_there: int = 0
    unmatched: int = 0
    skipped: int = 0
    lines: dict[str, list[int]] = field(default_factory=dict)
    skipped_why: dict[str, int] = field(default_factory=dict)
    doubtful_rows: int = 0
    doubtful: tuple[Doubt, ...] = ()


@dataclass(frozen=True, slots=True)
class Import:
    """A file with its target, its choices and its transactions."""

    ctx: Context
    sessions: Sessions
    file: PaymentFile
    target: ImportTarget
    choices: ImportChoices

    def run(self, at: Callable[[int], None] | None = None) -> ImportSummary:
        """Import all rows or none; calls `at` with lines on the way. Started again, it continues."""
        digest = digest_of(self.file.path, self.choices.text(self.target))
        with self.sessions() as session:
            begun = import_commit.start(self.ctx, session, self.target, digest)
        tally = Tally()
        self.stage_file(begun, tally, at)
        result = self.finish(begun, tally)
        return self.summary(begun, tally, result)

    def stage_file(self, begun: StartedImport, tally: Tally, at: Callable[[int], None] | None) -> None:
        """Read all rows; stage those that are not staged yet."""
        rows, staged = self.rows(tally, at), begun.staged
        if begun.finished:
            for _ in rows:
                continue
            return
        for chunk in chunks(islice(rows, staged, None), CHUNK):
            with self.sessions() as session:
                import_commit.stage_rows(session, begun.id, staged, chunk)
            staged += len(chunk)

    def rows(self, tally: Tally, at: Callable[[int], None] | None) -> Iterator[ParsedRow]:
        """Yield the rows to take; count the others."""
        choices = self.choices
        reader = RowReader(
            self.file.layout,
            self.target.programme,
            self.ctx.now,
            self.file.shape.order,
            self.target.reseller,
            choices.accepted,
            choices.left_out,
        )
        for reading in self.file.readings(reader, at):
            tally.rows += 1
            if reading.row is not None:
                yield reading.row
            elif reading.skipped is not None:
                tally.skip(reading.line, reading.skipped)
            else:
                tally.doubt(reading.line, reading.doubt or "")

    def finish(self, begun: StartedImport, tally: Tally) -> ImportResult:
        """Enter the rows, unless one is in doubt: then nothing stays."""
        with self.sessions() as session:
            if not tally.doubtful_rows:
                return import_commit.commit_rows(self.ctx, session, self.target, begun.id, self.file.path.name)
            result = import_commit.doubts_among_rows(session, begun.id)
            import_commit.discard(session, begun.id)
            return result

    def summary(self, begun: StartedImport, tally: Tally, result: ImportResult) -> ImportSummary:
        """Return what became of the file."""
        doubtful = sorted((*tally.doubtful, *result.doubtful), key=lambda doubt: doubt.line)[:LISTED]
        lines = {"already_there": result.repeated, "unmatched": result.unmatched[:LISTED]}
        listed: dict[str, Sequence[int]] = {**lines, "skipped": tally.skipped}
        return ImportSummary(
            file=str(self.file.path),
            layout=self.file.layout.name,
            encoding=self.file.shape.codec,
            programme=self.target.code,
            reseller_id=self.target.reseller_id,
            rows=tally.rows,
            resumed_from=0 if begun.finished else begun.staged,
            imported=result.imported,
            already_there=result.already_there,
            unmatched=len(result.unmatched),
            skipped=tally.skipped_rows,
            lines={name: list(numbers) for name, numbers in listed.items()},
            skipped_why=dict(tally.reasons),
            doubtful_rows=tally.doubtful_rows + result.doubtful_rows,
            doubtful=tuple(doubtful),
        )


def chunks(rows: Iterator[ParsedRow], size: int) -> Iterator[list[ParsedRow]]:
    """Split rows into lists of at most `size`."""
    while chunk := list(islice(rows, size)):
        yield chunk
