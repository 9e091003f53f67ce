"""The client list as a file: downloaded, opened and compared with the database."""

import csv
import io
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import openpyxl
import pytest

from kontor.kernel.states import TrialState
from kontor.programme import files
from models.accounts import Account
from tests.support.api import Api, ResellerAccounts
from workers.migrations import ROOT

NAMES = ["=1+1", "@SUM(A1)", "+49 40", "-2", "Ünal & Söhne", "東京", 'say "x"', "a;=1+1", "<b>", "＝1"]
HEADINGS = [
    "account",
    "admin_email",
    "plan",
    "plan_name",
    "trial_end",
    "usage_appointments",
    "limit_appointments",
    "open_offers",
    "recurring_fee",
    "currency",
    "created",
]


@pytest.fixture
def salon(api: Api) -> str:
    """A reseller of `booking` with one client for every unusual name."""
    with api.deps.sessions() as session:
        text = (ROOT / "examples" / "programmes" / "booking.yaml").read_text()
        files.apply(session, "booking", text, now=api.deps.clock.now(), actor="test")
        session.commit()
    key = api.key()
    new = {"programme": "booking", "name": "Salons", "admin_email": "chef@salons.example"}
    reseller: str = api.ok("POST /v1/accounts", new, key=key)["id"]
    api.ok(f"POST /v1/accounts/{reseller}/become-reseller", key=key)
    for name in NAMES:
        new_client = {"name": name, "admin_email": "=admin@client.example"}
        api.ok(f"POST /v1/resellers/{reseller}/clients", new_client, key=key)
    return reseller


def csv_rows(api: Api, reseller: object) -> list[list[str]]:
    answer = api.call(f"GET /v1/resellers/{reseller}/clients.csv")
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="clients.csv"'
    assert answer.content.startswith(b"\xef\xbb\xbf")
    return list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"), newline="")))


def excel_rows(api: Api, reseller: object) -> list[list[Any]]:
    answer = api.call(f"GET /v1/resellers/{reseller}/clients.xlsx")
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"].endswith("spreadsheetml.sheet")
    workbook = openpyxl.load_workbook(io.BytesIO(answer.content))
    for row in workbook.worksheets[0].iter_rows():
        assert all(cell.data_type != "f" for cell in row), row
    return [[cell.value for cell in row] for row in workbook.worksheets[0].iter_rows()]


def test_csv_equals_the_list_and_contains_no_formula(api: Api, salon: str) -> None:
    headings, *rows = csv_rows(api, salon)
    assert headings == HEADINGS
    listed = api.ok(f"GET /v1/resellers/{salon}/clients")["items"]
    assert [row[0].removeprefix("'") for row in rows] == NAMES == [client["name"] for client in listed]
    assert {row[0] for row in rows if row[0].startswith("'")} == {"'=1+1", "'@SUM(A1)", "'+49 40", "'-2", "'＝1"}
    assert {row[1] for row in rows} == {"'=admin@client.example"}
    assert rows[0][2:] == ["free", "Gratuit", "", "0", "50", "0", "0.00", "EUR", listed[0]["created_at"]]


def test_workbook_equals_the_list_with_names_unchanged(api: Api, salon: str) -> None:
    headings, *rows = excel_rows(api, salon)
    assert headings == HEADINGS
    assert [row[0] for row in rows] == NAMES
    created = datetime.fromisoformat(api.ok(f"GET /v1/resellers/{salon}/clients")["items"][0]["created_at"])
    rest = [None, 0, 50, 0, 0, "EUR", created.replace(tzinfo=None)]
    assert rows[0][1:] == ["=admin@client.example", "free", "Gratuit", *rest]


def test_running_trial_shows_its_end_and_no_limit(api: Api, salon: str) -> None:
    ends = datetime(2026, 3, 9, 12, tzinfo=UTC)
    with api.deps.sessions() as session:
        first = session.get_one(Account, api.ok(f"GET /v1/resellers/{salon}/clients")["items"][0]["id"])
        first.trial_state, first.trial_ends_at = TrialState.RUNNING.value, ends
        session.commit()
    assert csv_rows(api, salon)[1][4:7] == ["2026-03-09T12:00:00Z", "0", "unlimited"]
    assert excel_rows(api, salon)[1][4:7] == [ends.replace(tzinfo=None), 0, "unlimited"]
    with api.deps.sessions() as session:
        session.get_one(Account, first.id).trial_ends_at = api.deps.clock.now()
        session.commit()
    assert csv_rows(api, salon)[1][5:7] == ["0", "50"]


def test_open_offers_are_counted_without_expired_ones(
    api: Api, make_accounts: Callable[[str], ResellerAccounts], clock: Any
) -> None:
    mine = make_accounts("elbe")
    line = {"product": "excel-basics", "count": 5, "mode": "absolute", "term": "P1Y"}
    new = {"reseller_id": str(mine.reseller), "account_id": str(mine.client), "lines": [line]}
    for _ in range(2):
        api.ok("POST /v1/offers", new)
    column = csv_rows(api, mine.reseller)[0].index("open_offers")
    assert csv_rows(api, mine.reseller)[1][column] == "2"
    clock.advance(timedelta(days=31))
    assert csv_rows(api, mine.reseller)[1][column] == "0"


def test_account_that_is_not_a_reseller_has_no_list(api: Api, make_accounts: Callable[[str], ResellerAccounts]) -> None:
    mine = make_accounts("elbe")
    for ending in ("csv", "xlsx"):
        refused = api.call(f"GET /v1/resellers/{mine.client}/clients.{ending}")
        assert (refused.status_code, refused.json()["code"]) == (409, "not_a_reseller")
        own = api.key(account_id=mine.client)
        assert api.call(f"GET /v1/resellers/{mine.reseller}/clients.{ending}", key=own).status_code == 404


def test_deleted_client_is_not_in_the_file(api: Api, make_accounts: Callable[[str], ResellerAccounts]) -> None:
    mine = make_accounts("elbe")
    assert len(csv_rows(api, mine.reseller)) == 2
    api.ok(f"DELETE /v1/accounts/{mine.client}")
    assert len(csv_rows(api, mine.reseller)) == 1
