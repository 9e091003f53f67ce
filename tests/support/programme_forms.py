"""Forms of the programme file in the console: fill one in, apply it, read what was written."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from datetime import datetime
from difflib import unified_diff

import httpx
from sqlalchemy import select

from kontor.http.context import Deps
from kontor.programme import files
from models.programmes import ProgrammeVersion
from tests.support.console import ConsoleClient
from tests.support.html_forms import form_to
from tests.support.wiring import EXAMPLES

ROOT = "/console/programmes"
ERROR = re.compile(r'<p class="error" id="error-([\w.-]+)" role="alert">([^<]+)</p>')


def apply_file(deps: Deps, code: str, text: str = "", effective: datetime | None = None) -> str:
    """Apply a text as a programme, or an example; returns the text."""
    source = text or (EXAMPLES / f"{code}.yaml").read_text(encoding="utf-8")
    with deps.sessions() as session:
        files.apply(session, code, source, now=deps.clock.now(), actor="test", effective=effective)
        session.commit()
    return source


def newest(deps: Deps, code: str) -> str:
    """The text that was applied last."""
    with deps.sessions() as session:
        query = select(ProgrammeVersion.source).where(ProgrammeVersion.programme == code)
        return session.scalars(query.order_by(ProgrammeVersion.number.desc())).first() or ""


def difference(before: str, after: str) -> list[str]:
    """The lines that differ, with their mark."""
    lines = unified_diff(before.splitlines(), after.splitlines(), n=0, lineterm="")
    return [line for line in list(lines)[2:] if not line.startswith("@")]


def fill(person: ConsoleClient, path: str, typed: Mapping[str, str], page: str | None = None) -> httpx.Response:
    """Type into a form and send it, as it is shown or on a page."""
    action = path.partition("?")[0]
    values = form_to(page or person.get(path).text, action).values
    return person.http.post(action, data={**values, **typed})


def apply(person: ConsoleClient, path: str, typed: Mapping[str, str], reason: str = "asked by sales") -> httpx.Response:
    """Fill in a form, read its plan, and apply it with a reason."""
    planned = fill(person, path, typed)
    assert planned.status_code == 200, planned.text
    assert "Nothing is applied yet" in planned.text
    return fill(person, path, {"reason": reason}, planned.text)


def errors(answer: httpx.Response) -> dict[str, str]:
    """The errors beside fields, by field."""
    return {name: html.unescape(text) for name, text in ERROR.findall(answer.text)}
