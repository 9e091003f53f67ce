"""Payments in the console: files with rows in doubt, payments that name no reseller, account books."""

import csv
import io
import re
from collections.abc import Callable
from decimal import Decimal
from uuid import UUID

import pytest
from sqlalchemy import text

from kontor.http.bodies import FORM_LIMIT
from kontor.http.context import Deps
from tests.support.api import ResellerAccounts
from tests.support.console import ConsoleClient

As = Callable[[str], ConsoleClient]
HEADER = "paid_at;amount;reference;kind;currency;reseller\n"
ROWS = (
    HEADER + "2026-01-05T10:00:00Z;100.00;A;payment;EUR;R-1\n"
    "2026-01-06T10:00:00Z;20.00;B;refund;EUR;R-1\n"
    "2026-01-05T10:00:00Z;100.00;A;payment;EUR;R-1\n"
    "2026-01-07T10:00:00Z;7.00;C;payment;EUR;\n"
    "2099-01-07T10:00:00Z;7.00;D;payment;EUR;R-1\n"
)
UPLOAD = re.compile(r"/console/payments/import/([0-9a-f-]{36})")
PAYMENT = re.compile(r"/console/payments/unmatched/([0-9a-f-]{36})/assign")
STATED = text(
    "SELECT count(*), coalesce(sum(signed), 0) FROM payments WHERE reseller_id = (SELECT id FROM accounts"
    " WHERE external_id = 'R-1')"
)


@pytest.fixture
def reseller(deps: Deps, make_accounts: Callable[..., ResellerAccounts]) -> UUID:
    """A reseller with the external_id R-1."""
    made: UUID = make_accounts("learning").reseller
    with deps.sessions() as session:
        session.execute(text("UPDATE accounts SET external_id = 'R-1' WHERE id = :id"), {"id": made})
        session.commit()
    return made


def send(person: ConsoleClient, content: str | bytes, **fields: str) -> str:
    """Send a file; returns the path of its preview."""
    csrf = person.fields("/console/payments/import")["csrf"]
    answer = person.http.post(
        "/console/payments/import",
        data={"csrf": csrf, "programme": "learning", "name": "bank.csv", **fields},
        files={"file": ("x", content)},
    )
    assert answer.status_code == 303, answer.text
    return str(answer.headers["location"])


def posted(deps: Deps) -> tuple[int, Decimal]:
    """How many payments the reseller has, and their sum."""
    with deps.sessions() as session:
        count, total = session.execute(STATED).one()
    return count, total


def test_file_is_imported_when_its_doubtful_rows_are_accepted_or_left_out(
    signed_in: As, deps: Deps, reseller: UUID
) -> None:
    person = signed_in("operator")
    path = send(person, ROWS)
    shown = person.get(path).text
    for why in ("equal rows", "the row names no reseller", "future"):
        assert why in shown
    assert "Import 4 payment" not in shown
    refused = person.post(path, {"act": "import", "line-4": "accept"})
    assert "in doubt" in refused.text
    assert posted(deps) == (0, Decimal(0))
    looked = person.post(
        path, {"act": "preview", "line-2": "accept", "line-4": "accept", "line-5": "accept", "line-6": "skip"}
    )
    fields = dict(re.findall(r'name="(accepted|left_out)" value="([0-9,]*)"', looked.text))
    assert fields == {"accepted": "2,4,5", "left_out": "6"}
    assert posted(deps) == (0, Decimal(0)), "a preview enters nothing"
    done = person.post(path, {"act": "import", **fields})
    assert "3 payment(s) imported" in done.text
    assert posted(deps) == (3, Decimal(180))
    assert person.http.get(path).status_code == 404, "an imported file is kept no more"
    assert "imported" in person.post(send(person, ROWS), {"act": "import", **fields}).text
    assert posted(deps) == (3, Decimal(180)), "the same file again"


def test_unreadable_or_large_file_and_a_path_as_mapping_are_refused(signed_in: As, deps: Deps, reseller: UUID) -> None:
    person = signed_in("operator")
    csrf = person.fields("/console/payments/import")["csrf"]
    base = {"csrf": csrf, "programme": "learning"}

    def code(content: bytes, **fields: str) -> int:
        files = {"file": ("bank.csv", content)}
        return person.http.post("/console/payments/import", data={**base, **fields}, files=files).status_code

    assert code(b"no;payments\n1;2\n") == 422
    assert code(ROWS.encode(), mapping="/etc/passwd") == 422
    assert code(ROWS.encode(), reseller="nobody") == 422
    assert code(ROWS.encode(), match="(") == 422
    assert code(b"x" * (FORM_LIMIT + 1)) == 413
    with deps.sessions() as session:
        assert session.scalar(text("SELECT count(*) FROM payment_uploads")) == 0


def test_payment_without_a_reseller_is_assigned_by_name_or_dismissed_with_a_reason(
    signed_in: As, deps: Deps, reseller: UUID
) -> None:
    person = signed_in("operator")
    rows = HEADER + "".join(f"2026-01-0{day}T10:00:00Z;{day}.00;U{day};payment;EUR;\n" for day in (5, 6))
    path = send(person, rows)
    person.post(path, {"act": "import", "accepted": "2,3"})
    last, first = PAYMENT.findall(person.get("/console/payments/unmatched").text)
    assign, dismiss = f"/console/payments/unmatched/{first}/assign", f"/console/payments/unmatched/{last}/dismiss"
    assert person.post(assign, {"reseller": "nobody"}).status_code == 422
    assert person.post(assign, {"reseller": "r-1"}).status_code == 303
    assert person.post(assign, {"reseller": "R-1"}).status_code == 409
    assert person.post(dismiss, {"reason": " "}).status_code == 422
    assert person.post(dismiss, {"reason": "a private transfer"}).status_code == 303
    assert PAYMENT.findall(person.get("/console/payments/unmatched").text) == []
    assert "a private transfer" in person.get("/console/payments/unmatched?dismissed=1").text
    assert posted(deps) == (1, Decimal(5))
    with deps.sessions() as session:
        reasons = session.scalars(text("SELECT reason FROM audit_log WHERE action LIKE '%payment.dismiss%'")).all()
    assert set(reasons) == {"a private transfer"}
    again = person.post(f"/console/payments/unmatched/{last}/assign", {"reseller": str(reseller)})
    assert again.status_code == 303, "assigning takes the dismissal back"
    assert posted(deps) == (2, Decimal(11))


def test_viewer_neither_imports_nor_assigns(signed_in: As, reseller: UUID) -> None:
    person = signed_in("viewer")
    assert person.http.get("/console/payments/import").status_code == 403
    assert person.http.get("/console/payments/unmatched").status_code == 200
    assert "/console/payments/import" not in person.get("/console/payments/unmatched").text
    path = f"/console/payments/unmatched/{reseller}/dismiss"
    assert person.post(path, {"reason": "mine"}).status_code == 403


def test_account_book_shows_balances_by_days_and_as_csv(signed_in: As, deps: Deps, reseller: UUID) -> None:
    person = signed_in("operator")
    rows = "".join(f"2026-01-{day}T10:00:00Z;10.00;=U{day};payment;EUR;R-1\n" for day in (10, 11, 12))
    person.post(send(person, HEADER + rows), {"act": "import"})
    path = f"/console/resellers/{reseller}/account-book"
    shown = person.get(f"{path}?from=2026-01-11&to=2026-01-11").text
    assert ("20.00" in shown, "30.00" in shown, "=U11" in shown, "=U12" in shown) == (True, False, True, False)
    assert person.http.get(f"{path}?from=yesterday").status_code == 422
    exported = person.get(f"{path}.csv?from=2026-01-11").text
    lines = list(csv.DictReader(io.StringIO(exported.removeprefix("\ufeff"))))
    assert [(line["day"], line["amount"], line["balance"], line["ref"]) for line in lines] == [
        ("2026-01-11", "10.00", "20.00", "'=U11"),
        ("2026-01-12", "10.00", "30.00", "'=U12"),
    ]
