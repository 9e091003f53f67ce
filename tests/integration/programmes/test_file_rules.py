"""Main products and add-ons, limited terms, the provider's contact, and terms that changed (programme.md 9.5)."""

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from kontor.accounts import clients, reseller_status
from kontor.accounts.clients import NewClient
from kontor.accounts.service import NewAccount, create
from kontor.context import Context
from kontor.fees.assignments import Assignments
from kontor.kernel.errors import Conflict, Invalid
from kontor.mails.dispatch import provider_brand
from kontor.offers import templates
from kontor.programme import files
from kontor.programme.diff import to_document
from kontor.programme.files import InvalidProgrammeFile
from kontor.programme.model import Programme
from kontor.programme.parse import from_document, parse
from models.accounts import Account
from models.mails import Mail
from tests.support.fees import HOUSE, HOUSE_LINE

SERVICE = """    provisioning: {create: vps.create, terminate: vps.delete}
    config: {type: object, required: [region], properties: {region: {enum: [eu, us]}, cores: {maximum: 64}}}
    term: P1M
    renewal: auto
    grace: P3D
"""
LINE = HOUSE[HOUSE.index("  line:\n") : HOUSE.index("  handset:\n")]
SOURCE = (
    HOUSE.replace(LINE, LINE + "    kind: main\n")
    .replace('    price: "20.00"\n', '    price: "20.00"\n    terms: [P6M, P1Y]\n' + SERVICE)
    .replace("plans:\n", "contact: {sales: sales@house.example, support: help@house.example}\nplans:\n", 1)
    .replace('terms: {version: "1"}', 'terms: {version: "1", url: "https://house.example/terms"}')
    + LINE.replace("  line:", "  trunk:").replace("name: Line", "name: Trunk")
    + "    kind: main\n"
    + LINE.replace("  line:", "  voicemail:").replace("name: Line", "name: Voicemail")
    + "    requires_main: true\n"
)


@pytest.fixture
def seller(office: Context, session: Session) -> Account:
    files.apply(session, "house", SOURCE, now=office.now, actor="test")
    account = create(office, session, NewAccount("house", "Weser", "chef@weser.example"))
    return reseller_status.become_reseller(office, session, account.id, "1").account


def test_keys_survive_the_stored_document() -> None:
    programme = parse(SOURCE)
    assert isinstance(programme, Programme)
    assert from_document(to_document(programme)) == programme
    assert "kind" not in str(to_document(parse_valid(HOUSE))["products"])


def test_errors_of_a_schema_stand_at_its_line() -> None:
    errors = parse(SOURCE.replace("enum: [eu, us]", "enum: eu"))
    assert isinstance(errors, list)
    assert [(error.line, error.path) for error in errors] == [
        (SOURCE[: SOURCE.index("config:")].count("\n") + 1, "products.handset.config")
    ]


@pytest.mark.parametrize(("term", "multiple"), [("P1M", 1), ("P3M", 3), ("P1Y", 12), ("P13M", None), ("P30D", None)])
def test_term_of_an_order_is_a_whole_multiple(term: str, multiple: int | None) -> None:
    assert parse_valid(SOURCE).products["handset"].provisioning.multiple_of(term) == multiple


def parse_valid(source: str) -> Programme:
    programme = parse(source)
    assert isinstance(programme, Programme)
    return programme


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("terms: [P6M, P1Y]", "terms: [P6M, 2027-01-31]"),
        ("terms: [P6M, P1Y]", "terms: [P6M, P6M]"),
        ("terms: [P6M, P1Y]", "terms: []"),
        ("requires_main: true", "requires_main: true\n    kind: main"),
        ("sales: sales@house.example", "sales: nobody"),
        ("create: vps.create", "build: vps.create"),
        ("create: vps.create", "create: create"),
        ("enum: [eu, us]", "enum: eu"),
        ("maximum: 64", "maximum: 64.5"),
        ("    term: P1M\n", ""),
        ("term: P1M", "term: 2027-01-31"),
        ("renewal: auto", "renewal: sometimes"),
        ("grace: P3D", "grace: P30D"),
        ("grace: P3D", "grace: P1M"),
    ],
)
def test_bad_values_are_refused(old: str, new: str) -> None:
    assert isinstance(parse(SOURCE.replace(old, new, 1)), list)


def test_account_has_one_main_product_and_add_ons_that_require_it(
    office: Context, session: Session, seller: Account
) -> None:
    client = clients.create(office, session, seller.id, NewClient("C1", "c1@client.example"))

    def assign(product: str) -> str:
        try:
            Assignments.of(office, session, client.id).assign(product, None)
        except Conflict as refused:
            return refused.code
        return "assigned"

    assert [assign(product) for product in ("voicemail", "line", "line", "trunk", "voicemail")] == [
        "main_required",
        "assigned",
        "assigned",
        "has_main",
        "assigned",
    ]


@pytest.mark.parametrize(("term", "good"), [("P6M", True), ("P12M", True), ("P1M", False), ("2030-12-31", False)])
def test_template_offers_a_limited_product_for_its_terms_alone(
    office: Context, session: Session, seller: Account, term: str, good: bool
) -> None:
    lines = [{"product": "handset", "count": 1, "mode": "absolute", "term": term}]
    if good:
        assert templates.validate_lines(office, session, seller, lines)
        return
    with pytest.raises(Invalid) as refused:
        templates.validate_lines(office, session, seller, lines)
    assert [error.loc for error in refused.value.errors] == ["lines.0.term"]


def test_managing_reseller_is_named_by_its_external_id_and_kept_by_its_id(
    office: Context, session: Session, seller: Account
) -> None:
    seller.external_id = "R-7"
    session.flush()
    plan = files.apply(session, "house", SOURCE + HOUSE_LINE.format(reseller="R-7"), now=office.now, actor="test")
    assert plan.applied
    assert office.programme(session, "house").products["house-line"].reseller == str(seller.id)
    source = SOURCE + HOUSE_LINE.format(reseller=seller.name)
    with pytest.raises(InvalidProgrammeFile) as refused:
        files.apply(session, "house", source, now=office.now, actor="test")
    [problem] = refused.value.problems
    assert source.splitlines()[problem.line - 1] == f"    reseller: {seller.name}"


def test_terms_that_changed_since_they_were_read_are_not_accepted(office: Context, session: Session) -> None:
    files.apply(session, "house", SOURCE, now=office.now, actor="test")
    account = create(office, session, NewAccount("house", "Weser", "chef@weser.example"))
    with pytest.raises(Conflict) as refused:
        reseller_status.become_reseller(office, session, account.id, "0")
    assert (refused.value.code, refused.value.data["terms_version"]) == ("terms_changed", "1")


def test_new_reseller_is_told_the_contact_and_the_terms(office: Context, session: Session, seller: Account) -> None:
    facts = session.scalars(select(Mail).where(Mail.template == "welcome-reseller")).one().facts
    assert (facts["sales"], facts["terms_url"]) == ("sales@house.example", "https://house.example/terms")
    brand = provider_brand(office.programme(session, "house"), "https://kontor.example")
    assert (brand.support.email, brand.terms_url) == ("help@house.example", "https://house.example/terms")
