"""Many new clients at once, from a file or pasted rows: a preview of each row, then a job that makes them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final
from uuid import UUID

from kontor.accounts import client_file, client_import, client_import_run
from kontor.accounts.client_file import ClientFile, FileFault, UnreadableFile
from kontor.accounts.client_import import JudgedRow, RowFault
from kontor.accounts.client_import_run import ImportState
from kontor.accounts.payloads import METADATA, FileRow
from kontor.kernel.errors import Conflict
from kontor.kernel.ids import new_id
from kontor.kernel.paging import CSV_MEDIA
from kontor.mailer.formatting import language_of
from kontor.ui.pages import N, in_language
from kontor.ui.portal_errors import CODES, FIELDS, NOT_POSSIBLE, NOTICES, refused
from kontor.ui.portal_request import PortalCount, PortalFile, PortalPage, PortalRequest, PortalResponse, SeeOther

IMPORT: Final = N("Create many clients")
RUN: Final = N("New clients from a file")
PATH: Final = "/partner/clients/import"
FILE_FAULTS: Final[Mapping[FileFault, str]] = {
    FileFault.EMPTY: N("Please choose a file or paste rows."),
    FileFault.TOO_LARGE: N("This is larger than 512 KB. Please split it into several files."),
    FileFault.WORKBOOK: N("This is a workbook. Please save it as CSV in your spreadsheet program first."),
    FileFault.ENCODING: N("The characters of this file cannot be read. Please save it as CSV in UTF-8."),
    FileFault.COLUMNS: N("The first line has to name the columns; name and admin_email are required."),
    FileFault.COLUMN_TWICE: N("The first line names a column twice. Please leave one of them out."),
    FileFault.NO_ROWS: N("There is no row below the names of the columns."),
    FileFault.TOO_MANY_ROWS: N("A file may have up to 500 rows. Please split it into several files."),
    FileFault.DAMAGED: N("This is not CSV. Please save it as CSV in your spreadsheet program."),
}
INVALID_FIELDS: Final[Mapping[str, str]] = {
    **{name: FIELDS[name] for name in ("name", "admin_email", "timezone")},
    "locale": N("Please enter a language such as de or fr."),
    "external_id": N("An external ID may have up to 200 characters."),
    METADATA.removesuffix("."): N("Metadata: at most 50 columns; a name up to 40 characters, a value up to 500."),
}
ROW_FAULTS: Final[Mapping[str, str]] = {
    client_import.NAME_TAKEN: CODES["name_taken"][1],
    client_import.NAME_TWICE: N("This name, or one that looks like it, is in row %(row)s already."),
    client_import.ID_TAKEN: N("Another client has this external ID."),
    client_import.ID_TWICE: N("This external ID is in row %(row)s already."),
    client_import.TOO_MANY: N("Over the limit of %(allowed)s new clients in an hour. Please try again later."),
}
SAMPLE: Final = (
    "name,admin_email,locale,timezone,external_id\n"
    "Salon Rose,rose@example.com,fr,Europe/Paris,C-1001\n"
    "Studio Nord,info@example.org,de,Europe/Berlin,C-1002\n"
)


@dataclass(frozen=True, slots=True)
class Reason:
    """A text with its placeholders filled in when it is shown."""

    text: str
    values: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class ImportPreview:
    """What a file would do. `reference`: by which it is done once."""

    rows: Sequence[JudgedRow]
    unread: Sequence[str]
    reference: UUID

    @property
    def creatable(self) -> list[JudgedRow]:
        """The rows that would be clients."""
        return [each for each in self.rows if not each.faults]

    @property
    def refused(self) -> list[tuple[JudgedRow, list[Reason]]]:
        """The rows that would be refused, and why."""
        return [(each, reasons(each.faults)) for each in self.rows if each.faults]

    @property
    def held(self) -> int:
        """How many emails would wait."""
        return sum(each.held for each in self.rows)

    @property
    def numbers(self) -> str:
        """The numbers of the rows that would be clients, as the form brings them back."""
        return " ".join(str(each.row.number) for each in self.creatable)


def reasons(faults: Iterable[RowFault]) -> list[Reason]:
    """Return why a row is refused, a text for each."""
    return [_reason(fault) for fault in faults]


def _reason(fault: RowFault) -> Reason:
    if fault.code == client_import.INVALID:
        return Reason(INVALID_FIELDS.get(fault.field, NOT_POSSIBLE), {})
    text = ROW_FAULTS.get(fault.code) or NOTICES.get(fault.code, NOT_POSSIBLE)
    return Reason(text, {"row": fault.row, "allowed": fault.allowed})


def show_import(request: PortalRequest) -> PortalResponse:
    """Show the form with the columns and a sample."""
    return _form()


def download_sample(request: PortalRequest) -> PortalResponse:
    """Download the sample."""
    return PortalFile("clients-sample.csv", CSV_MEDIA, iter([SAMPLE.encode()]))


def take_file(request: PortalRequest) -> PortalResponse:
    """Show what each row would make, or with `download` those refused; with `confirm` make them, once for the form."""
    form = request.incoming.form
    text = form.get("rows", "")
    try:
        text = _text(request)
        file = client_file.read(text)
    except UnreadableFile as error:
        return replace(_form(text), status=422, errors={"rows": FILE_FAULTS[error.fault]})
    try:
        with request.session.begin_nested():
            chosen, reference = _chosen(file, form.get("numbers", "")), _uuid(form.get("reference", ""))
            if form.get("confirm") == "1" and chosen and reference is not None:
                return SeeOther(f"{PATH}/{_begin(request, chosen, reference)}")
            owner = request.person.account
            judged = client_import.judge(request.context, request.session, owner.id, file.rows)
    except Conflict as error:
        return refused(request, _form(text), error)
    if form.get("download") == "1":
        return _refused_file(request, [(each.row, each.faults) for each in judged if each.faults])
    return _form(text, ImportPreview(judged, file.unread, new_id()))


def show_run(request: PortalRequest) -> PortalResponse:
    """Show how far an import is, what was made and what was refused. Raises NotFound."""
    run = _run(request)
    values = {
        "run": run,
        "created": run.created,
        "refused": [(row, reasons(made.faults)) for row, made in run.refused],
        "reached": len(run.made),
        "live_count": _progress(run),
    }
    live = f"{PATH}/{run.id}/progress.json" if run.state is ImportState.RUNNING else None
    return PortalPage("client_import_run.html", RUN, values, page="partner.clients.import.show", live=live)


def count_progress(request: PortalRequest) -> PortalResponse:
    """Return how far an import is. Raises NotFound."""
    return PortalCount(_progress(_run(request)))


def download_run(request: PortalRequest) -> PortalResponse:
    """Download the rows that an import refused, each with the reason. Raises NotFound."""
    return _refused_file(request, [(row, made.faults) for row, made in _run(request).refused])


def _progress(run: client_import_run.ImportRun) -> int:
    """Return a number that changes with every chunk, and at the end."""
    return len(run.made) + (run.state is not ImportState.RUNNING)


def _run(request: PortalRequest) -> client_import_run.ImportRun:
    owner, job = request.person.account, request.incoming.uuid("import_id")
    return client_import_run.import_run(request.session, owner.id, job)


def _begin(request: PortalRequest, rows: Sequence[FileRow], reference: UUID) -> UUID:
    owner, actor = request.person.account, request.actor()
    return client_import.enqueue(request.context, request.session, owner, rows, reference, actor)


def _text(request: PortalRequest) -> str:
    """Return the rows: those of the file, else those that were pasted. Raises UnreadableFile."""
    content = request.incoming.files.get("file", b"")
    if content:
        return client_file.text_of(content, language_of(request.locale))
    return request.incoming.form.get("rows", "")


def _chosen(file: ClientFile, numbers: str) -> list[FileRow]:
    """Return the rows whose numbers the form brings back."""
    wanted_numbers = {int(each) for each in numbers.split() if each.isascii() and each.isdigit() and len(each) < 7}
    return [row for row in file.rows if row.number in wanted_numbers]


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _form(text: str = "", preview: ImportPreview | None = None) -> PortalPage:
    values = {"rows": text, "preview": preview, "sample": SAMPLE, "most": client_file.MOST_ROWS}
    return PortalPage("client_import.html", IMPORT, values, page="partner.clients.import")


def _refused_file(request: PortalRequest, rows: Sequence[tuple[FileRow, Sequence[RowFault]]]) -> PortalFile:
    """Return rows as a file in the reader's language."""

    def listed() -> Iterator[tuple[FileRow, str]]:
        for row, faults in rows:
            texts = (in_language(request.locale, each.text) % each.values for each in reasons(faults))
            yield row, " ".join(texts)

    return PortalFile("clients-refused.csv", CSV_MEDIA, iter([client_file.written(listed())]))
