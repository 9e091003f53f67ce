"""Every code that the API may answer is listed with its cause and remedy."""

import ast
import re
from collections.abc import Iterator
from typing import Final

from devtools.reference import errors
from kontor.http.error_codes import CODES
from workers.migrations import ROOT

ERRORS: Final = {"Conflict", "Invalid", "Forbidden", "NotFound", "Unauthorized", "KontorError", "PydanticCustomError"}
ELSEWHERE: Final = {
    *("bad_tasks", "dns_unavailable", "identity_refused", "invalid_facts", "invalid_image", "mail_deferred"),
    *("mail_refused", "missing_links", "unknown_mail"),  # of files, images and mails
    *("csrf", "disabled", "last_admin", "no_role", "not_verified", "operator_exists", "password_change_required"),
    *(
        "line_changed",
        "not_agreed",
        "nothing_changes",
        "password_expired",
        "programme_changed",
        "request_over",
        "role",
        "second_factor_required",
        "template_changed",
        "unknown_worker",
        "unknown_token",
        "used",
    ),  # of pages
    *("expired", "invalid_state", "stopped"),  # of links and commands
}
"""Codes of other places than the API."""


def named() -> Iterator[str]:
    """Return the codes that the code names where it makes an error."""
    for path in [*(ROOT / "kontor").rglob("*.py"), *(ROOT / "tasks").rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.Call):
                continue
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            text = node.args[0] if node.args and (name in ERRORS or name == "__init__") else None
            if isinstance(text, ast.Constant) and isinstance(text.value, str):
                yield text.value


def test_each_code_of_the_api_is_listed() -> None:
    codes = {code for code in named() if re.fullmatch(r"[a-z]+(_[a-z]+)*", code)}

    assert len(codes) > 80
    assert codes - CODES.keys() - ELSEWHERE == set()
    assert ELSEWHERE & CODES.keys() == set()


def test_page_of_codes_is_current() -> None:
    page = ROOT / "docs" / "reference" / "errors.md"

    assert page.read_text() == errors(), "stale: run `python -m devtools.reference errors > docs/reference/errors.md`"
