"""One entry of a programme file as a form: the version that it starts from, what was typed, the file's next text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Final

from sqlalchemy.orm import Session

from kontor.kernel.errors import NotFound
from kontor.programme import file_fields, versions
from kontor.programme.file_fields import FileField, FileFieldKind, Values
from kontor.programme.file_sections import FileSection
from kontor.programme.model import Programme, TurnoverDiscount
from kontor.programme.reader import FieldReader
from kontor.programme.service import Programmes
from kontor.programme.text_edits import Edit, Remove, edited
from kontor.programme.versions import VersionEntry
from kontor.programme.yaml_nodes import Node, ProgrammeError, Scalar, parse_yaml
from kontor.programme.yaml_spans import Path

CODE: Final = FileField("code", "Code", FileFieldKind.CODE, required=True, hint="It stays what it is from then on.")
METRIC: Final = FileField("metric", "Another metric", FileFieldKind.CODE, hint="Code of one that no plan limits yet.")
LIMIT: Final = FileField("limit", "Its limit", FileFieldKind.NUMBER, hint="A whole number, or unlimited.")
TAKEN: Final = "The file has an entry of this name already: open it from the list to change it."
EFFECTIVE: Final = "effective"


@dataclass(frozen=True, slots=True)
class FileBasis:
    """The version whose text a form changes: the one in force, or one that begins later (`later`)."""

    code: str
    version: VersionEntry
    later: bool
    text: str
    root: Node
    programme: Programme
    waiting: Sequence[VersionEntry]
    state: str

    @property
    def effective(self) -> datetime | None:
        """When the next version begins: at once, or when the one that it is made from does."""
        return self.version.effective_at if self.later else None

    def edits_of_start(self) -> list[Edit]:
        """Return the edit without which the next version could not begin at once: `effective` is over."""
        keys = FieldReader(self.root, "", []).entries()
        return [Remove((EFFECTIVE,))] if not self.later and EFFECTIVE in keys else []


def basis_of(programmes: Programmes, session: Session, code: str, number: int | None, now: datetime) -> FileBasis:
    """Return what a form of a programme starts from: the version in force, unless `number` is one that begins later.

    Raises NotFound.
    """
    listed = versions.entries(session, code)
    versions.require_any(code, listed)
    waiting = versions.waiting(listed, now)
    chosen = next((each for each in waiting if each.number == number), None)
    version = chosen or versions.entry_at(listed, now)
    text = versions.source_of(session, code, version.number)
    return FileBasis(
        code,
        version,
        chosen is not None,
        text,
        parse_yaml(text),
        programmes.of_digest(session, code, version.digest),
        waiting,
        versions.state_of(listed, now),
    )


def opened_from(basis: FileBasis, programmes: Programmes, session: Session, number: int) -> FileBasis:
    """Return what a form started from that was opened at another version. Raises NotFound."""
    version = versions.entry(session, basis.code, number)
    text = versions.source_of(session, basis.code, number)
    programme = programmes.of_digest(session, basis.code, version.digest)
    return replace(basis, version=version, text=text, root=parse_yaml(text), programme=programme)


@dataclass(frozen=True, slots=True)
class EntryForm:
    """The form of an entry; `entry` is None for one to add. `typed`: by field, what the file says at first.

    `notes`: beside a field, what the file says since somebody else changed it.
    """

    section: FileSection
    basis: FileBasis
    entry: str | None
    fields: Sequence[FileField]
    before: Values
    typed: Values
    notes: Mapping[str, str]

    @property
    def shown(self) -> Sequence[FileField]:
        """The fields that people see; a choice offers what the file says, too."""
        more = (METRIC, LIMIT) if self.section.slug == "plans" else ()
        code = (CODE,) if self.entry is None and not self.section.is_list else ()
        return (*code, *file_fields.with_own_values(self.fields, self.typed), *more)

    @property
    def missing(self) -> list[str]:
        """The names of the fields that are required and empty."""
        return [each.name for each in self.shown if each.required and not self.typed.get(each.name)]

    def path(self) -> tuple[Path, str]:
        """Return where the entry stands, or will, and the same as errors name it."""
        if self.entry is not None:
            return self.section.path_of(self.basis.root, self.entry)
        if not self.section.is_list:
            return self.section.path_of(self.basis.root, self.typed["code"])
        position = _position(self.basis.programme, self.typed["from"])
        return (*self.section.path, position), f"{self.section.place}[{position}]"

    def problems(self) -> dict[str, str]:
        """Return what no file is needed to refuse, by field."""
        wrong: list[ProgrammeError] = []
        if metric := self.typed.get(METRIC.name):
            FieldReader(Scalar(0, 0, metric, "str"), METRIC.name, wrong).code()
            if not self.typed.get(LIMIT.name):
                wrong.append(ProgrammeError(0, 0, LIMIT.name, "The metric requires a limit, or unlimited."))
        if self.entry is None and self.typed.get("code") in self.section.entries(self.basis.root):
            wrong.append(ProgrammeError(0, 0, "code", TAKEN))
        return {each.path: each.message for each in wrong}

    def next_text(self) -> str:
        """Return the file with what was typed. Raises UneditableText."""
        typed, fields = dict(self.typed), list(self.fields)
        if metric := typed.get(METRIC.name):
            fields.append(replace(LIMIT, name=f"limits.{metric}"))
            typed[f"limits.{metric}"] = typed[LIMIT.name]
        path, _ = self.path()
        edits = file_fields.changes(path, fields, self.before, typed, present=self.entry is not None)
        return self._with(edits)

    def text_without(self) -> str:
        """Return the file without the entry. Raises UneditableText."""
        return self._with([Remove(self.path()[0])])

    def _with(self, edits: Sequence[Edit]) -> str:
        if not edits:
            return self.basis.text
        return edited(self.basis.text, [*self.basis.edits_of_start(), *edits])


def form_of(section: FileSection, basis: FileBasis, entry: str | None) -> EntryForm:
    """Return the form of an entry as the file says it; empty for None. Raises NotFound."""
    fields = section.fields(basis.programme)
    entries = section.entries(basis.root)
    if entry is not None and entry not in entries:
        raise NotFound
    before = file_fields.written(entries[entry] if entry is not None else None, fields)
    return EntryForm(section, basis, entry, fields, before, before, {})


def typed_form(form: EntryForm, posted: Mapping[str, str]) -> EntryForm:
    """Return a form with what was typed into it."""
    return replace(form, typed={each.name: each.typed(posted) for each in form.shown})


def merged(form: EntryForm, started: EntryForm | None) -> EntryForm:
    """Return a form that was typed for another text, for the one of now: what was not touched follows the file.

    Where both differ from the text that it `started` from, what was typed stays, with a note.
    """
    if started is None:
        return form
    typed, notes = dict(form.typed), dict[str, str]()
    for name, now in form.before.items():
        first = started.before.get(name, "")
        if typed.get(name, "") == first:
            typed[name] = now
        elif now not in (first, typed.get(name, "")):
            notes[name] = f"In the file now: {now or 'nothing'}."
    return replace(form, typed=typed, notes=notes)


def can_add(section: FileSection, programme: Programme) -> bool:
    """Whether the programme has a place for another entry: tiers belong to a turnover discount."""
    return not section.is_list or isinstance(programme.discount, TurnoverDiscount)


def _position(programme: Programme, start: str) -> int:
    """Return the place of a new tier among those that ascend; the last one for what is no number."""
    tiers = programme.discount.tiers if isinstance(programme.discount, TurnoverDiscount) else ()
    try:
        amount = Decimal(start)
    except InvalidOperation:
        return len(tiers)
    return sum(tier.start <= amount for tier in tiers) if amount.is_finite() else len(tiers)
