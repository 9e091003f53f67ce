"""Lines and records of a text file, each with its first line's number; an error stays in its own line. No database."""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, TextIO

LONGEST_LINE: Final = 1 << 16
LONGEST_RECORD: Final = 200
"""Lines of one record; a longer one has a quote that nobody closed."""


@dataclass(frozen=True, slots=True)
class Record:
    """The cells of one record, by the number of its first line; `error` instead of cells when it is malformed."""

    line: int
    cells: tuple[str, ...]
    error: str | None = None


class OverlongRecord(ValueError):
    """A record goes on for more lines than any real one."""


@dataclass(slots=True)
class Lines:
    """The lines of a text, numbered from 1; one that is overlong comes cut, with `cut` set."""

    source: TextIO
    number: int = 0
    cut: bool = False
    again: deque[str] = field(default_factory=deque)

    def next_line(self) -> str | None:
        """Return the next line with its end; None at the end of the text."""
        self.cut = False
        line = self.again.popleft() if self.again else self.source.readline(LONGEST_LINE)
        if not line:
            return None
        self.number += 1
        if len(line) >= LONGEST_LINE and line[-1] not in "\r\n":
            self.cut = True
            while (rest := self.source.readline(LONGEST_LINE)) and rest[-1] not in "\r\n":
                continue
        return line

    def give_back(self, lines: list[str]) -> None:
        """Take lines back, to be read again."""
        self.again.extendleft(reversed(lines))
        self.number -= len(lines)


@dataclass(slots=True)
class Records:
    """The records of the lines that follow, parsed as CSV."""

    lines: Lines
    delimiter: str
    taken: list[str] = field(default_factory=list)
    size: int = 0

    def __iter__(self) -> Iterator[Record]:
        """Yield each record. A malformed one is a record with an error, and the line after it begins the next."""
        reader = csv.reader(self.feed(), delimiter=self.delimiter, strict=True)
        while True:
            self.taken, self.size, line = [], 0, self.lines.number + 1
            try:
                cells = next(reader)
            except StopIteration:
                if not self.taken:
                    return
                continue
            except (csv.Error, OverlongRecord) as error:
                yield Record(line, (), self.explain(error))
                self.lines.give_back(self.taken[1:])
                reader = csv.reader(self.feed(), delimiter=self.delimiter, strict=True)
                continue
            yield Record(line, tuple(cells))

    def feed(self) -> Iterator[str]:
        """Yield lines to the parser, which asks for more than one only inside quotes."""
        while (line := self.lines.next_line()) is not None:
            self.taken.append(line)
            self.size += len(line)
            if self.lines.cut or len(self.taken) > LONGEST_RECORD or self.size > 2 * LONGEST_LINE:
                raise OverlongRecord
            yield line

    def explain(self, error: Exception) -> str:
        """Return what is wrong with the record that was begun."""
        if len(self.taken) == 1 and self.lines.cut:
            return f"the line is longer than {LONGEST_LINE} characters"
        if isinstance(error, OverlongRecord) or "unexpected end of data" in str(error):
            return "a quote is not closed"
        return f"invalid CSV: {error}"
