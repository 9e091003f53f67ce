"""Settings, for admins: sections of a programme's file as lists and forms, whose plan is shown before it applies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final
from urllib.parse import unquote, urlencode

from kontor.http.problems import status_of
from kontor.kernel.errors import Conflict, KontorError, NotFound
from kontor.programme import rollout, versions
from kontor.programme.console import counted, number_from
from kontor.programme.entry_forms import (
    EntryForm,
    FileBasis,
    basis_of,
    can_add,
    form_of,
    merged,
    opened_from,
    typed_form,
)
from kontor.programme.file_fields import PlacedErrors, placed
from kontor.programme.file_sections import FileSection
from kontor.programme.files import InvalidProgrammeFile
from kontor.programme.rollout import ApplyOptions, Rollout
from kontor.programme.section_rows import columns_of, entry_segment, rows_of
from kontor.programme.text_diff import diff_lines
from kontor.programme.text_edits import UneditableText
from kontor.ui import formatting, texts
from kontor.ui.console_request import REASON_LIMIT, ConsoleRequest, ConsoleResponse, Redirect, TemplateResponse

NAV: Final = "people"
BASE_PATH: Final = "/console/programmes"
UNEDITABLE: Final = (
    "The file is written in a way that this form cannot change without touching other lines. Change it in the file."
)
UNCHANGED: Final = "Nothing is changed."
SAME: Final = "The file would mean the same as now: there is nothing to apply."
REMOVED: Final = "Somebody removed this entry meanwhile. What you entered is below; sent again, it is added again."
OWN_FIELDS: Final = frozenset({"csrf", "approve", "reason", "edit"})


@dataclass(frozen=True, slots=True)
class Draft:
    """What a form has come to: errors beside its fields and above them, or the plan of the file's next text."""

    form: EntryForm
    errors: Mapping[str, str] = field(default_factory=dict)
    problems: Sequence[str] = ()
    meanwhile: Sequence[str] = ()
    planned: Rollout | None = None
    difference: Sequence[str] = ()
    status: int = 200


@dataclass(frozen=True, slots=True)
class SectionPages:
    """The pages of a section: its list, and the forms by which an entry is added, changed and removed."""

    section: FileSection

    @property
    def paths(self) -> Mapping[str, str]:
        """The addresses of the list, of an entry to add, of one to change and to remove."""
        base, slug = f"{BASE_PATH}/{{code}}", self.section.slug
        return {
            "list": f"{base}/{slug}",
            "add": f"{base}/new/{slug}",
            "change": f"{base}/{slug}/{{entry}}",
            "remove": f"{base}/{slug}/{{entry}}/remove",
        }

    def show_list(self, request: ConsoleRequest) -> TemplateResponse:
        """Show the entries of the version in force, or of the one that `version` names. Raises NotFound, Invalid."""
        basis = _basis(request)
        root = f"{BASE_PATH}/{formatting.segment(basis.code)}/{self.section.slug}"
        rows = rows_of(request, self.section, basis, root, _version_query(basis))
        values = {
            **_shared(self.section, basis),
            "columns": columns_of(self.section, basis.programme),
            "rows": rows,
            "can_add": can_add(self.section, basis.programme),
            "applied": number_from(request, "applied"),
        }
        return TemplateResponse("programme_section.html", _title(self.section.title, basis), values, NAV)

    def show_add(self, request: ConsoleRequest) -> TemplateResponse:
        """Show an empty form. Raises NotFound where the programme has no place for an entry."""
        return _page(request, Draft(self._new(request)))

    def show_change(self, request: ConsoleRequest) -> TemplateResponse:
        """Show the form of an entry. Raises NotFound."""
        return _page(request, Draft(form_of(self.section, _basis(request), entry_from(request))))

    def show_remove(self, request: ConsoleRequest) -> TemplateResponse:
        """Show an entry before it is removed. Raises NotFound."""
        return _page(request, Draft(form_of(self.section, _basis(request), entry_from(request))), removing=True)

    def add(self, request: ConsoleRequest) -> ConsoleResponse:
        """Plan the file with a new entry, or apply it with a reason. Raises NotFound."""
        return self._submit(request, self._new(request), None)

    def change(self, request: ConsoleRequest) -> ConsoleResponse:
        """Plan the file with an entry changed, or apply it with a reason. Raises NotFound."""
        basis, entry = _basis(request), entry_from(request)
        try:
            form = form_of(self.section, basis, entry)
        except NotFound:
            if request.incoming.form.get("seen") == basis.state or not can_add(self.section, basis.programme):
                raise
            new = typed_form(form_of(self.section, basis, None), request.incoming.form)
            gone = replace(new, typed={**new.typed, "code": entry})
            return _page(request, Draft(gone, problems=[REMOVED], meanwhile=_meanwhile(request, basis), status=409))
        return self._submit(request, form, entry)

    def remove(self, request: ConsoleRequest) -> ConsoleResponse:
        """Plan the file without an entry, or apply it with a reason. Raises NotFound."""
        form = form_of(self.section, _basis(request), entry_from(request))
        if _is_stale(request, form.basis):
            return _page(request, _stale(request, form, _newest(form.basis)), removing=True)
        try:
            draft = _planned(request, form, form.text_without())
        except UneditableText:
            draft = Draft(form, problems=[UNEDITABLE], status=422)
        beside = [message for name, message in draft.errors.items() if name != "reason"]
        return _outcome(request, replace(draft, problems=[*beside, *draft.problems]), removing=True)

    def _new(self, request: ConsoleRequest) -> EntryForm:
        basis = _basis(request)
        if not can_add(self.section, basis.programme):
            raise NotFound
        return form_of(self.section, basis, None)

    def _submit(self, request: ConsoleRequest, form: EntryForm, entry: str | None) -> ConsoleResponse:
        posted = request.incoming.form
        typed = typed_form(form, posted)
        if _is_stale(request, form.basis):
            started = _started(request, self.section, form.basis, entry)
            return _page(request, _stale(request, merged(typed, started), _newest(form.basis)))
        errors = typed.problems() | dict.fromkeys(typed.missing, texts.FIELD_REQUIRED)
        if errors or posted.get("edit"):
            return _page(request, Draft(typed, errors, status=422 if errors else 200))
        try:
            return _outcome(request, _planned(request, typed, typed.next_text()))
        except UneditableText:
            return _page(request, Draft(typed, problems=[UNEDITABLE], status=422))


def entry_from(request: ConsoleRequest) -> str:
    """Return the entry that the address names; its slashes are escaped twice."""
    return unquote(request.incoming.params["entry"])


def _planned(request: ConsoleRequest, form: EntryForm, text: str) -> Draft:
    """Plan a text, and apply it when its plan was approved with a reason."""
    basis, posted = form.basis, request.incoming.form
    if text == basis.text:
        return Draft(form, problems=[UNCHANGED], status=422)
    reason = posted.get("reason", "").strip()[:REASON_LIMIT]
    approved = posted.get("approve", "") if reason else ""
    options = ApplyOptions(not approved, basis.effective, approved or None, reason or None, posted.get("seen", ""))
    try:
        with request.session.begin_nested():
            actor = request.actor(reason or None).name
            planned = rollout.apply_file(
                request.context, request.session, basis.code, text, actor=actor, options=options
            )
    except InvalidProgrammeFile as error:
        at_fields = _placed(form, error)
        return Draft(form, at_fields.beside, [str(each) for each in at_fields.elsewhere], status=422)
    except Conflict as error:
        if error.code == "programme_changed":
            return _stale(request, replace(form, basis=_basis(request)), error.message)
        return Draft(form, problems=[error.message], status=status_of(error))
    except KontorError as error:
        return Draft(form, problems=[error.message], status=status_of(error))
    if not planned.plan.changes:
        return Draft(form, problems=[SAME], status=422)
    wrong = {"reason": texts.REASON_REQUIRED} if posted.get("approve") and not reason else {}
    difference = diff_lines(basis.text, text)
    return Draft(form, wrong, planned=planned, difference=difference, status=422 if wrong else 200)


def _outcome(request: ConsoleRequest, draft: Draft, *, removing: bool = False) -> ConsoleResponse:
    """Return the list after a file was applied; else the form, or the plan."""
    if draft.planned is not None and draft.planned.plan.applied:
        plan, section = draft.planned.plan, draft.form.section
        query = {"applied": plan.version} | ({"version": plan.version} if plan.later else {})
        return Redirect(f"{BASE_PATH}/{formatting.segment(plan.code)}/{section.slug}?{urlencode(query)}")
    return _page(request, draft, removing=removing)


def _placed(form: EntryForm, error: InvalidProgrammeFile) -> PlacedErrors:
    section, metric = form.section, f"limits.{form.typed.get('metric', '')}"
    names = [metric, *(each.name for each in form.shown)]
    result = placed(error.problems, section.place, form.path()[1], names, section.main)
    beside = {"limit" if name == metric else name: text for name, text in result.beside.items()}
    return replace(result, beside=beside)


def _is_stale(request: ConsoleRequest, basis: FileBasis) -> bool:
    return request.incoming.form.get("seen", "") != basis.state


def _newest(basis: FileBasis) -> str:
    return (
        f"The programme changed since you opened this form; version {basis.version.number}, applied by"
        f" {basis.version.applied_by}, is the file now. What you entered is kept: check it and go on."
    )


def _stale(request: ConsoleRequest, form: EntryForm, message: str) -> Draft:
    return Draft(form, problems=[message], meanwhile=_meanwhile(request, form.basis), status=409)


def _meanwhile(request: ConsoleRequest, basis: FileBasis) -> Sequence[str]:
    """Return what others changed in the file since the form was opened."""
    return diff_lines(_started_text(request, basis) or basis.text, basis.text)


def _started_text(request: ConsoleRequest, basis: FileBasis) -> str:
    number = number_from(request, "started", request.incoming.form)
    return "" if number is None else versions.source_of(request.session, basis.code, number)


def _started(request: ConsoleRequest, section: FileSection, basis: FileBasis, entry: str | None) -> EntryForm | None:
    """Return the form as it was opened; None if its version is not known."""
    number = number_from(request, "started", request.incoming.form)
    if number is None or not any(each.number == number for each in versions.entries(request.session, basis.code)):
        return None
    opened = opened_from(basis, request.deps.programmes, request.session, number)
    try:
        return form_of(section, opened, entry)
    except NotFound:
        return None


def _basis(request: ConsoleRequest) -> FileBasis:
    posted = request.incoming.form if request.incoming.method == "POST" else None
    number = number_from(request, "version", posted)
    return basis_of(request.deps.programmes, request.session, request.incoming.params["code"], number, request.now)


def _version_query(basis: FileBasis) -> str:
    return f"?version={basis.version.number}" if basis.later else ""


def _title(what: str, basis: FileBasis) -> str:
    return f"{what} of {basis.programme.name}"


def _shared(section: FileSection, basis: FileBasis) -> dict[str, object]:
    return {
        "code": basis.code,
        "section": section,
        "basis": basis,
        "query": _version_query(basis),
        "base_path": f"{BASE_PATH}/{formatting.segment(basis.code)}",
        "sections": counted(basis.text),
    }


def _page(request: ConsoleRequest, draft: Draft, *, removing: bool = False) -> TemplateResponse:
    form = draft.form
    section, basis, entry = form.section, form.basis, form.entry
    verb = "Remove" if removing else "Add" if entry is None else "Change"
    posted = request.incoming.form
    values = {
        **_shared(section, basis),
        "draft": draft,
        "form": form,
        "removing": removing,
        "planned": draft.planned,
        "entry": entry,
        "entry_segment": None if entry is None else entry_segment(entry),
        "kept": {name: text for name, text in posted.items() if name not in OWN_FIELDS},
        "reason": posted.get("reason", ""),
        "resellers": formatting.named(request, [form.typed.get("reseller", "")]),
    }
    title = f"{verb} {section.singular}" if entry is None else f"{verb} {section.singular} {entry}"
    return TemplateResponse("programme_entry.html", title, values, NAV, draft.status)
