"""Every type of event: its schema, its example, who sees it; and the events of accounts, brands, money and licences."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any, Final

import jsonschema_rs
import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from devtools.reference import openapi_document
from kontor.accounts import brands, clients, suspension
from kontor.accounts import service as accounts
from kontor.accounts.suspension import Suspender
from kontor.audit import Actor
from kontor.context import Context
from kontor.http import visibility
from kontor.http.visibility import Viewer
from kontor.http.visible_fields import EVENTS as MARKS
from kontor.kernel.money import parse_money
from kontor.kernel.states import PaymentKind
from kontor.offers.decisions import DecidedBy, DecisionChoice, decide
from kontor.payments import service as payments
from kontor.payments.service import NewPayment
from kontor.webhooks.event_types import EVENTS
from models.accounts import Account, SuspensionAuthority
from models.webhooks import DomainEvent
from tests.support.offers import OfferScenario

WHOLESALE: Final = re.compile(
    r"wholesale|fee|discount|percent|tier|turnover|promo|margin|balance|cost|net|amount|total|price|terms|reference|order"
)
"""Names of fields that say what a reseller pays, or to whom (contract.md 7)."""

DOCUMENT: Final = openapi_document()
OPERATOR: Final = Suspender(Actor("operator:anna"))
ITS_RESELLER: Final = Suspender(Actor("key:1"), SuspensionAuthority.RESELLER)


REGISTRY: Final = jsonschema_rs.Registry([("urn:kontor", DOCUMENT)], draft=jsonschema_rs.Draft202012)


def validator(name: str) -> jsonschema_rs.Draft202012Validator:
    """The validator of a schema of the document."""
    root = {"$ref": f"urn:kontor#/components/schemas/{name}"}
    return jsonschema_rs.Draft202012Validator(root, registry=REGISTRY, validate_formats=True)


@pytest.mark.parametrize("event_type", EVENTS)
def test_event_type_has_a_schema_an_example_and_readers(event_type: str) -> None:
    operation = DOCUMENT["webhooks"][event_type]["post"]
    media = operation["requestBody"]["content"]["application/json"]
    name = media["schema"]["$ref"].rpartition("/")[2]
    example = media["example"]

    assert [error.message for error in validator(name).iter_errors(example)] == []
    assert example["type"] == event_type
    assert list(validator(name).iter_errors(example | {"type": "other.type"})) != []
    assert "operator" in operation["x-visible-to"]


@pytest.mark.parametrize("event_type", EVENTS)
def test_each_field_of_an_event_says_who_sees_it(event_type: str) -> None:
    fields = {info.alias or name: info for name, info in EVENTS[event_type].data.model_fields.items()}
    marked = visibility.readers_of(MARKS[event_type]).keys()

    assert marked <= fields.keys()
    assert {name for name, info in fields.items() if info.is_required()} <= marked


@pytest.mark.parametrize("event_type", EVENTS)
def test_client_never_gets_what_its_reseller_pays(event_type: str) -> None:
    full = {info.alias or name: f"value of {name}" for name, info in EVENTS[event_type].data.model_fields.items()}
    seen = visibility.event_data(event_type, full, Viewer.CLIENT)

    assert [name for name in seen if WHOLESALE.search(name)] == []
    if event_type.startswith(("charge.", "payment.", "order.", "discount.", "job.", "domain.")):
        assert seen == {}
        assert event_type not in (visibility.event_types(Viewer.CLIENT) or ())


def test_types_with_marks_equal_types_with_a_model() -> None:
    assert MARKS.keys() == EVENTS.keys() == DOCUMENT["webhooks"].keys()


def happened(session: Session, *types: str) -> list[tuple[str, dict[str, Any]]]:
    """The events of the types, oldest first."""
    query = select(DomainEvent).where(DomainEvent.type.in_(types)).order_by(DomainEvent.seq)
    return [(row.type, dict(row.data)) for row in session.scalars(query)]


def test_changed_fields_of_an_account_are_named_without_their_values(
    office: Context, session: Session, client: Account
) -> None:
    accounts.change(office, session, client.id, {"locale": "fr", "password": "a new long password", "timezone": None})
    accounts.change(office, session, client.id, {"locale": "fr"})

    [(_, data)] = happened(session, "account.updated")
    assert data == {"account_id": str(client.id), "name": client.name, "changed": ["password", "locale"]}


def test_suspension_of_a_reseller_is_an_event_of_each_account_that_changes(
    office: Context, session: Session, reseller: Account, client: Account
) -> None:
    suspension.suspend(office.jobs, session, reseller.id, OPERATOR, office.now, with_clients=True)
    suspension.suspend(office.jobs, session, client.id, OPERATOR, office.now)
    suspension.resume(office.jobs, session, reseller.id, OPERATOR, office.now, with_clients=True)
    suspension.resume(office.jobs, session, client.id, OPERATOR, office.now)

    seen = [
        (name.removeprefix("account."), data["name"], data["by"], data["through"])
        for name, data in happened(session, "account.suspended", "account.resumed")
    ]
    assert seen == [
        ("suspended", reseller.name, "operator", False),
        ("suspended", client.name, "operator", True),
        ("resumed", reseller.name, "operator", False),
        ("resumed", client.name, "operator", False),
    ]


def test_client_that_leaves_a_suspended_reseller_is_resumed_with_an_event(
    office: Context, session: Session, reseller: Account, client: Account
) -> None:
    suspension.suspend(office.jobs, session, reseller.id, OPERATOR, office.now, with_clients=True)
    clients.disconnect(office, session, reseller.id, client.id)

    [(_, data)] = happened(session, "account.resumed")
    assert (data["account_id"], data["through"]) == (str(client.id), True)


def test_client_suspended_by_its_reseller_names_it(office: Context, session: Session, client: Account) -> None:
    accounts.change(office, session, client.id, {"suspended": True}, ITS_RESELLER)

    [(name, data)] = happened(session, "account.suspended", "account.updated")
    assert (name, data["by"]) == ("account.suspended", "reseller")


def test_brand_is_changed_once_for_equal_settings(office: Context, session: Session, reseller: Account) -> None:
    settings = brands.validate_brand({"name": "Havel Akademie", "colours": {"primary": "#204060"}})
    for _ in range(2):
        brands.change(office, session, reseller, settings)

    [(_, data)] = happened(session, "brand.changed")
    assert data == {"account_id": str(reseller.id), "name": reseller.name, "changed": ["name", "colours"]}


def test_payment_is_recorded_and_a_chargeback_refunded_for_their_reseller(
    office: Context, session: Session, reseller: Account
) -> None:
    money = parse_money("100.00", office.programme_of(session, reseller).currency)
    for kind in (PaymentKind.PAYMENT, PaymentKind.CHARGEBACK):
        new = NewPayment(kind, money, office.now - timedelta(days=1), f"REF-{kind}")
        for _ in range(2):
            payments.post(office, session, reseller.id, new)

    [recorded, refunded] = happened(session, "payment.recorded", "payment.refunded")
    assert (recorded[0], refunded[0]) == ("payment.recorded", "payment.refunded")
    assert refunded[1]["kind"] == "chargeback"
    assert recorded[1]["amount"] == money.to_document()
    owners = select(DomainEvent.reseller_id).where(DomainEvent.type.like("payment.%"))
    assert set(session.scalars(owners)) == {reseller.id}


def test_event_is_undone_with_its_act(office: Context, session: Session, client: Account) -> None:
    nested = session.begin_nested()
    accounts.change(office, session, client.id, {"locale": "fr"})
    nested.rollback()

    assert happened(session, "account.updated") == []


def test_licences_that_end_are_announced_with_the_reminder(world: OfferScenario) -> None:
    lines = [{"product": "excel-basics", "count": 3, "mode": "absolute", "term": "P1Y"}]
    offer_id = world.delivered(lines)
    with world.transaction() as session:
        decide(world.ctx, session, offer_id, DecisionChoice.ACCEPT, DecidedBy("test"))
    world.work()
    world.pass_time(timedelta(days=351))

    with world.transaction() as session:
        [(_, data)] = happened(session, "licences.ending")
    assert data["account_id"] == str(world.client)
    assert data["licences"] == [{"product": "excel-basics", "count": 3, "expires_at": data["ends_at"]}]
