"""The lists of docs/reference/accounts.md equal the code."""

import re
from pathlib import Path

from kontor.accounts.brands import BRAND_SETTINGS
from kontor.accounts.service import ACCOUNT_CHECKS
from kontor.console.app import ENTRY_FORMS
from kontor.kernel.states import TrialState
from kontor.portal.app import ROUTES
from models.accounts import AccountKind, Party
from models.mails import MailState

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "reference" / "accounts.md").read_text(encoding="utf-8")


def first_cells(header: str) -> set[str]:
    """The words in backquotes in the first column of the table with that first header cell."""
    rows = PAGE.partition(f"\n| {header} |")[2].splitlines()[2:]
    cells: set[str] = set()
    for row in rows:
        if not row.startswith("|"):
            break
        cells |= set(re.findall(r"`([^`]+)`", row.split("|")[1]))
    return cells


def test_every_mail_state_is_documented() -> None:
    assert first_cells("state") == set(MailState)


def test_every_brand_setting_is_documented() -> None:
    assert first_cells("setting") == set(BRAND_SETTINGS)


def test_every_account_event_is_documented() -> None:
    sources = (ROOT / "kontor").rglob("*.py")
    written = {
        word
        for path in sources
        for word in re.findall(r'"(account\.(?!html|free_offers)[a-z_]+)"', path.read_text(encoding="utf-8"))
    }
    others = {route.name for route in ROUTES} | {form.code for form in ENTRY_FORMS}
    assert written
    assert first_cells("type") == written - others


def test_account_kinds_parties_trial_states_and_fields_are_documented() -> None:
    for word in (*AccountKind, *Party, *TrialState):
        assert f"`{word}`" in PAGE or f"`party: {word}`" in PAGE
    assert {"name", "locale", "timezone", "admin_email"} <= set(ACCOUNT_CHECKS)
