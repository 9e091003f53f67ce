"""Settings, for admins: programmes, their versions, what differs, and a whole file planned and applied."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from kontor.http.problems import status_of
from kontor.kernel.errors import FieldError, Invalid, KontorError
from kontor.programme import rollout, service, versions
from kontor.programme.diff import changes_between, to_document
from kontor.programme.file_sections import SECTIONS, FileSection
from kontor.programme.files import InvalidProgrammeFile
from kontor.programme.rollout import ApplyOptions, Rollout
from kontor.programme.text_diff import diff_lines
from kontor.programme.yaml_nodes import UnreadableDocument, parse_yaml
from kontor.ui import formatting, texts
from kontor.ui.console_request import REASON_LIMIT, ConsoleRequest, TemplateResponse

NAV = "people"


def show_programmes(request: ConsoleRequest) -> TemplateResponse:
    """Show the applied programmes."""
    return TemplateResponse(
        "programmes.html", "Programmes", {"programmes": service.list_programmes(request.session)}, NAV
    )


def show_programme(request: ConsoleRequest) -> TemplateResponse:
    """Show a programme's versions and the file in force or asked for; `against`: what differs. Raises NotFound."""
    return _page(request)


def submit_file(request: ConsoleRequest) -> TemplateResponse:
    """Plan a file, or apply one whose plan was shown, with a reason. Raises NotFound."""
    form, code = request.incoming.form, request.incoming.params["code"]
    service.get(request.session, code)
    source, reason = form.get("source", "").replace("\r\n", "\n"), form.get("reason", "").strip()[:REASON_LIMIT]
    approved = form.get("approve", "") if reason else ""
    options = ApplyOptions(
        dry_run=not approved, approve=approved or None, reason=reason or None, seen=form.get("seen", "")
    )
    try:
        with request.session.begin_nested():
            actor = request.actor(reason or None).name
            planned = rollout.apply_file(request.context, request.session, code, source, actor=actor, options=options)
    except InvalidProgrammeFile as error:
        return _page(request, source=source, problems=[str(each) for each in error.problems], status=422)
    except KontorError as error:
        changed = error.code == "programme_changed"
        status = status_of(error) if changed else 422
        return _page(request, source=source, problems=[error.message], changed=changed, status=status)
    missing = bool(form.get("approve")) and not reason
    errors = {"reason": texts.REASON_REQUIRED} if missing else {}
    return _page(request, source=source, planned=planned, errors=errors, status=422 if missing else 200)


def counted(text: str) -> list[tuple[FileSection, int]]:
    """Return the sections that have forms, with how many entries a file has in each; none of a text that is no file."""
    try:
        root = parse_yaml(text)
    except UnreadableDocument:
        return []
    return [(section, len(section.entries(root))) for section in SECTIONS]


def _page(
    request: ConsoleRequest,
    source: str | None = None,
    planned: Rollout | None = None,
    problems: Sequence[str] = (),
    errors: Mapping[str, str] = {},
    changed: bool = False,
    status: int = 200,
) -> TemplateResponse:
    code, form = request.incoming.params["code"], request.incoming.form
    listed = versions.entries(request.session, code)
    versions.require_any(code, listed)
    current = versions.entry_at(listed, request.now)
    number, against = number_from(request, "version"), number_from(request, "against")
    version = current if number is None else versions.entry(request.session, code, number)
    applied = versions.source_of(request.session, code, current.number)
    state = versions.state_of(listed, request.now)
    values = {
        "code": code,
        "versions": listed,
        "current": current,
        "shown": version,
        "against": against,
        "changes": None if against is None else _changes(request, code, against, version.digest),
        "source": versions.source_of(request.session, code, version.number) if source is None else source,
        "planned": planned,
        "problems": problems,
        "errors": errors,
        "reason": form.get("reason", ""),
        "base_path": f"/console/programmes/{formatting.segment(code)}",
        "sections": counted(applied),
        "seen": state,
        "difference": [] if source is None else diff_lines(applied.replace("\r\n", "\n"), source),
        "meanwhile": _meanwhile(request, code, applied) if changed else None,
    }
    return TemplateResponse("programme.html", f"Programme {code}", values, NAV, status)


def _meanwhile(request: ConsoleRequest, code: str, applied: str) -> Sequence[str]:
    """Return what others changed in the file in force since the form was opened."""
    number = number_from(request, "started", request.incoming.form)
    started = "" if number is None else versions.source_of(request.session, code, number)
    return diff_lines(started or applied, applied)


def _changes(request: ConsoleRequest, code: str, against: int, digest: str) -> list[str]:
    programmes, other = request.deps.programmes, versions.entry(request.session, code, against)
    before, after = (programmes.of_digest(request.session, code, each) for each in (other.digest, digest))
    return [str(change) for change in changes_between(to_document(before), to_document(after))]


def number_from(request: ConsoleRequest, name: str, form: Mapping[str, str] | None = None) -> int | None:
    """Return the number of a version that the address, or a form, names. Raises Invalid."""
    text = request.incoming.param(name) if form is None else form.get(name) or None
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 9):
        message = f"{text} is not the number of a version."
        raise Invalid(message=message, errors=[FieldError(name, message)])
    return int(text)
