"""Posted statements read again: the figures of the mail and of the API, whatever happened to the charges since."""

import csv
import io
from datetime import date
from decimal import Decimal
from uuid import UUID

import pytest

from kontor.fees import posted_statements
from kontor.fees.catalogue import ResellerCatalogue
from kontor.fees.posted_statements import PostedStatement
from kontor.kernel.errors import NotFound
from kontor.kernel.serialization import escape_cell
from kontor.mailer.formatting import language_of
from models.accounts import Account
from models.mails import Mail
from tests.support.fees import FeeScenario

PARIS = "Europe/Paris"


def months(world: FeeScenario, reseller: str) -> list[date]:
    """The months of a reseller's statements, page by page."""
    listed, cursor = list[date](), None
    while True:
        with world.api.deps.sessions() as session:
            page = posted_statements.page(session, UUID(reseller), cursor, 1)
        listed += [row.month for row in page.items]
        cursor = page.next
        if cursor is None:
            return listed


def read(world: FeeScenario, reseller: str, month: date) -> tuple[PostedStatement, list[dict[str, str]]]:
    """A statement, and its lines as the file has them."""
    deps = world.api.deps
    with deps.sessions() as session:
        owner = session.get_one(Account, reseller)
        statement = posted_statements.get(session, owner.id, month, "EUR")
        names = ResellerCatalogue.of(deps.context(deps.jobs), session, owner)
    text = "".join(posted_statements.csv_lines(deps.sessions, statement.scope, names, language_of(owner.locale)))
    return statement, list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"))))


def agree(world: FeeScenario, mail: Mail) -> None:
    """Assert that a statement has the figures and the lines of its mail."""
    statement, lines = read(world, str(mail.account_id), date.fromisoformat(mail.facts["month"]))
    totals = statement.totals
    assert totals is not None
    shown = {name: getattr(totals, name) for name in ("fees", "discounts", "credits", "total")}
    assert {name: value and value.to_document() for name, value in shown.items()} == {
        name: mail.facts[name] for name in shown
    }
    mailed = [
        (
            line["kind"], escape_cell(line["account"]), line["item"], line["period_start"], line["period_end"],
            *(line[name]["amount"] for name in ("fee", "discount", "total")),
        )
        for line in mail.facts["charges"]
    ]  # fmt: skip
    read_again = [
        tuple(
            line[name] for name in ("kind", "client", "item", "period_start", "period_end", "fee", "discount", "total")
        )
        for line in lines
    ]
    assert sorted(read_again) == sorted(mailed)
    assert statement.lines == len(mailed)


@pytest.fixture
def salon(world: FeeScenario) -> str:
    """A reseller of `booking` with charges, an upgrade with its credit, and voids of both, up to April."""
    reseller = world.reseller("booking", "Weser")
    clients = [world.client(reseller, name) for name in ("Rose", "=Bleu")]
    world.go("2026-01-15", PARIS)
    for client in clients:
        world.take(client, "basic")
    world.go("2026-01-20", PARIS)
    world.take(clients[0], "premium")
    world.go("2026-02-03", PARIS)
    upgraded = next(row for row in world.charges(f"resellers/{reseller}") if row["kind"] == "credit")["credits"]
    world.void(upgraded)
    world.go("2026-03-20", PARIS)
    world.void(world.charges(f"resellers/{reseller}", "from=2026-02-01&to=2026-02-28")[0]["id"])
    world.go("2026-04-02", PARIS)
    return reseller


def test_statements_have_the_figures_and_lines_of_their_mails(world: FeeScenario, salon: str) -> None:
    mails = world.mails("statement")
    kinds = {line["kind"] for mail in mails for line in mail.facts["charges"]}
    assert kinds == {"charge", "credit", "void", "credit_void"}
    for mail in mails:
        agree(world, mail)

    assert months(world, salon) == [date(2026, 3, 1), date(2026, 2, 1), date(2026, 1, 1)]


def test_statements_add_up_to_the_charges_of_the_api(world: FeeScenario, salon: str) -> None:
    total = sum(
        Decimal(line["total"]) for month in months(world, salon) for line in read(world, salon, month)[1]
    )  # fmt: skip
    owed = sum(
        Decimal(row["total"]["amount"]) * (-1 if row["kind"] == "credit" else 1)
        for row in world.charges(f"resellers/{salon}", "to=2026-03-31")
        if not row["void"]
    )
    assert total == owed
    january, _ = read(world, salon, date(2026, 1, 1))
    charged = [row for row in world.charges(f"resellers/{salon}", "to=2026-01-31") if row["kind"] != "credit"]
    assert january.totals is not None
    for name in ("fee", "discount"):
        amount = getattr(january.totals, f"{name}s").amount
        assert amount == sum(Decimal(row[name]["amount"]) for row in charged)


def test_no_text_of_the_file_is_a_formula(world: FeeScenario, salon: str) -> None:
    _, lines = read(world, salon, date(2026, 1, 1))
    assert {line["client"] for line in lines} == {"Rose", "'=Bleu"}
    assert all(Decimal(line["total"]) for line in lines)


def test_statements_stay_what_they_were_when_their_reseller_is_merged_into_another(
    world: FeeScenario, salon: str
) -> None:
    other = world.reseller("booking", "Elbe")
    world.take(world.client(other, "Tilleul"), "basic")
    world.go("2026-05-02", PARIS)
    world.take(world.client(salon, "Figaro"), "basic")
    world.api.ok(f"POST /v1/resellers/{salon}/merge", {"into": other}, key=world.key)
    world.go("2026-06-02", PARIS)

    mails = world.mails("statement")
    assert [mail.facts["month"] for mail in mails if str(mail.account_id) == other] != []
    may = next(mail for mail in mails if mail.facts["month"] == "2026-05-01")
    assert {line["account"] for line in may.facts["charges"]} >= {"Figaro", "Tilleul"}
    for mail in mails:
        agree(world, mail)


def test_month_without_a_statement_and_anothers_are_not_there(world: FeeScenario, salon: str) -> None:
    other = world.reseller("booking", "Elbe")
    for reseller, month in ((salon, date(2026, 4, 1)), (other, date(2026, 1, 1))):
        with pytest.raises(NotFound):
            read(world, reseller, month)
