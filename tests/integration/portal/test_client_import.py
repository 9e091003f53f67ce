"""Many new clients from a file: the preview of each row, and files that are refused."""

import csv
import io
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import text

from kontor.adapters.fakes import ManualClock
from tests.support.api import Api, ResellerAccounts
from tests.support.client_import import (
    HEAD,
    ROW,
    names_of,
    preview,
    seller_text,
    sent,
)
from tests.support.portal import PASSWORD, PortalClient, error_of, set_password


@pytest.fixture
def seller(elbe: ResellerAccounts, visitor: PortalClient) -> PortalClient:
    """The reseller, signed in, who reads English."""
    assert visitor.sign_in("elbe").headers["location"] == "/partner"
    visitor.get("/partner?lang=en")
    return visitor


def test_each_row_is_judged_before_anything_is_created(seller: PortalClient, api: Api, elbe: ResellerAccounts) -> None:
    api.ok(f"PATCH /v1/accounts/{elbe.client}", {"external_id": "C-1"}, key=api.key(reseller_id=elbe.reseller))
    rows = HEAD + (
        "Rose,rose@example.com,fr,Europe/Paris,C-2\n"
        "Nelke,nobody,fr,Europe/Paris,\n"
        "ELBE CLIENT,e@example.com,,,\n"
        "R0SE,other@example.com,,,\n"
        "Lilie,l@example.com,french please,,\n"
        "Iris,i@example.com,,Mars/Olympus,\n"
        "Dahlie,d@example.com,,,C-1\n"
        "Tulpe,t@example.com,,,C-2\n"
        ",n@example.com,,,\n"
        "Aster,a@example.com,,,\n"
    )
    shown = preview(seller, rows)
    assert dict(ROW.findall(shown.text)) == {
        "2": "creatable", "11": "creatable", **dict.fromkeys(map(str, range(3, 11)), "refused"),
    }  # fmt: skip
    why = {number: seller_text(shown, number) for number in (3, 4, 5, 6, 7, 8, 9, 10)}
    assert "Please enter a valid email address." in why[3]
    assert "This name is taken, or looks like one that is taken." in why[4]
    assert "is in row 2 already" in why[5]
    assert "Please enter a language such as de or fr." in why[6]
    assert "Please enter a time zone such as Europe/Berlin." in why[7]
    assert "Another client has this external ID." in why[8]
    assert "This external ID is in row 2 already." in why[9]
    assert "Please enter 1 to 100 characters" in why[10]
    assert "Create 2 clients" in shown.text
    assert names_of(api, elbe.reseller) == ["elbe client"], "a preview creates nothing"
    with api.deps.sessions() as session:
        assert session.scalar(text("SELECT count(*) FROM jobs WHERE task = 'clients.import'")) == 0


def test_file_is_read_as_spreadsheets_write_it_and_its_rows_stay_in_the_form(seller: PortalClient) -> None:
    content = "name;admin_email\r\nBäckerei Groß;b@example.com\r\nKaputt;x\r\n".encode("cp1252")
    shown = sent(seller, {"rows": "typed before"}, content)
    assert dict(ROW.findall(shown.text)) == {"2": "creatable", "3": "refused"}
    area = shown.text.split('<textarea id="rows"')[1].split("</textarea>")[0]
    assert "Bäckerei Groß;b@example.com" in area
    workbook = sent(seller, {"rows": "typed before"}, b"PK\x03\x04 and so on")
    assert (workbook.status_code, "workbook" in error_of(workbook, "rows")) == (422, True)
    assert "typed before</textarea>" in workbook.text
    many = sent(seller, {"rows": HEAD + "a,a@example.com,,,\n" * 501})
    assert (many.status_code, "500 rows" in error_of(many, "rows"), "a,a@example.com" in many.text) == (422, True, True)
    empty = sent(seller, {"rows": ""})
    assert (empty.status_code, error_of(empty, "rows") != "") == (422, True)


def test_refused_rows_of_a_preview_are_downloaded_without_formulas(seller: PortalClient) -> None:
    rows = HEAD + "=cmd(),nobody,,,\nRose,rose@example.com,,,\n"
    answer = sent(seller, {"rows": rows, "download": "1"})
    assert answer.headers["content-disposition"] == 'attachment; filename="clients-refused.csv"'
    (refused,) = csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig")))
    assert (refused["name"], refused["why"]) == ("'=cmd()", "Please enter a valid email address.")


def test_exported_list_is_understood_and_its_clients_are_taken_names(seller: PortalClient) -> None:
    exported = seller.get("/partner/clients.csv").content
    shown = sent(seller, {"rows": ""}, exported)
    assert dict(ROW.findall(shown.text)) == {"2": "refused"}
    assert "plan_name" in shown.text


def test_reseller_without_a_confirmed_address_imports_nothing(
    api: Api, elbe: ResellerAccounts, visitor: PortalClient, clock: ManualClock
) -> None:
    api.ok(
        f"PATCH /v1/accounts/{elbe.client}",
        {"admin_email": "boss@weser.example"},
        key=api.key(reseller_id=elbe.reseller),
    )
    api.ok(f"POST /v1/accounts/{elbe.client}/become-reseller")
    clock.advance(timedelta(hours=1))
    set_password(api, UUID(str(elbe.client)), PASSWORD)
    visitor.sign_in("elbe client")
    rows = HEAD + "Rose,rose@example.com,,,\n"
    for more in ({}, {"confirm": "1", "numbers": "2", "reference": str(UUID(int=7))}):
        refused = sent(visitor, {"rows": rows, **more})
        assert (refused.status_code, 'class="notice bad"' in refused.text) == (409, True)
        assert "Rose,rose@example.com" in refused.text
