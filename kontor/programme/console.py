"""Settings, for admins: programmes, their versions, what differs, and a file planned and applied."""

from __future__ import annotations

from kontor.kernel.errors import FieldError, Invalid, KontorError
from kontor.programme import rollout, service, versions
from kontor.programme.diff import changes_between, to_document
from kontor.programme.files import InvalidProgrammeFile
from kontor.programme.rollout import ApplyOptions, Rollout
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
    source, approved = form.get("source", "").replace("\r\n", "\n"), form.get("approve", "")
    reason = form.get("reason", "").strip()[:REASON_LIMIT]
    options = ApplyOptions(dry_run=not approved, approve=approved or None, reason=reason or None)
    try:
        if approved and not reason:
            raise Invalid(message="Enter a reason; it is kept in the audit log.")
        with request.session.begin_nested():
            actor = request.actor(reason or None).name
            planned = rollout.apply_file(request.context, request.session, code, source, actor=actor, options=options)
    except InvalidProgrammeFile as error:
        return _page(request, source=source, problems=[str(each) for each in error.problems], status=422)
    except KontorError as error:
        return _page(request, source=source, problems=[error.message], status=422)
    return _page(request, source=source, planned=planned)


def _page(
    request: ConsoleRequest,
    source: str | None = None,
    planned: Rollout | None = None,
    problems: list[str] | None = None,
    status: int = 200,
) -> TemplateResponse:
    code = request.incoming.params["code"]
    listed = versions.entries(request.session, code)
    versions.require_any(code, listed)
    current = versions.entry_at(listed, request.now)
    number, against = _number(request, "version"), _number(request, "against")
    version = current if number is None else versions.entry(request.session, code, number)
    values = {
        "code": code,
        "versions": listed,
        "current": current,
        "shown": version,
        "against": against,
        "changes": None if against is None else _changes(request, code, against, version.digest),
        "source": versions.source_of(request.session, code, version.number) if source is None else source,
        "planned": planned,
        "problems": problems or [],
        "reason": request.incoming.form.get("reason", ""),
    }
    return TemplateResponse("programme.html", f"Programme {code}", values, NAV, status)


def _changes(request: ConsoleRequest, code: str, against: int, digest: str) -> list[str]:
    programmes, other = request.deps.programmes, versions.entry(request.session, code, against)
    before, after = (programmes.of_digest(request.session, code, each) for each in (other.digest, digest))
    return [str(change) for change in changes_between(to_document(before), to_document(after))]


def _number(request: ConsoleRequest, name: str) -> int | None:
    text = request.incoming.param(name)
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 9):
        message = f"{text} is not the number of a version."
        raise Invalid(message=message, errors=[FieldError(name, message)])
    return int(text)
