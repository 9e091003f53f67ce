"""Mails to strangers: beyond a reseller's allowance they wait, nothing is refused, and they leave when it grows."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from kontor.accounts import activation, clients, reseller_status
from kontor.accounts import service as accounts
from kontor.accounts.clients import NewClient
from kontor.accounts.service import NewAccount
from kontor.adapters.fakes import ManualClock
from kontor.alerts import incidents
from kontor.audit import Actor
from kontor.context import Context
from kontor.kernel.limits import STRANGERS, STRANGERS_FIRST_WEEK, Limit
from kontor.kernel.states import AlertKind
from kontor.kernel.tokens import Tokens
from kontor.limits import service as limits
from kontor.mails import strangers
from kontor.mails.held import release
from kontor.mails.resend import RULES
from models.accounts import Account
from models.mails import Mail

Payloads = Callable[[], list[dict[str, object]]]


def lower(office: Context, session: Session, limit: Limit, value: int) -> None:
    limits.set_limit(session, limit.name, value, Actor("test"), office.now)


def made(office: Context, session: Session, reseller: Account, *numbers: int) -> list[Account]:
    return [
        clients.create(office, session, reseller.id, NewClient(f"Client {number}", f"c{number}@weser.example"))
        for number in numbers
    ]


def states(session: Session) -> list[str]:
    session.expire_all()
    return list(session.scalars(select(Mail.state).where(Mail.template == "activation").order_by(Mail.id)))


def released(office: Context, session: Session) -> dict[str, int]:
    return release(session, office.jobs, RULES, office.programmes)


def test_mail_beyond_the_first_weeks_allowance_is_held_and_the_client_is_made(
    office: Context, session: Session, reseller: Account, payloads: Payloads
) -> None:
    lower(office, session, STRANGERS_FIRST_WEEK, 2)
    new = made(office, session, reseller, 1, 2, 3)
    assert states(session) == ["queued", "queued", "held_limit"]
    fates = [strangers.fate_of(session, account.id).value for account in new]
    assert fates == ["sent", "sent", "held"]
    held = session.scalars(select(Mail).where(Mail.state == "held_limit")).one()
    assert "mails_to_strangers_first_week" in (held.reason or "")
    assert {"mail_id": str(held.id)} not in payloads()
    assert strangers.fate_of_next(session, reseller.id, "new@weser.example", office.now).value == "held"


def test_held_mail_leaves_with_a_fresh_link_when_the_allowance_grows(
    office: Context, session: Session, reseller: Account, clock: ManualClock, payloads: Payloads
) -> None:
    lower(office, session, STRANGERS_FIRST_WEEK, 1)
    lower(office, session, STRANGERS, 1)
    made(office, session, reseller, 1, 2, 3)
    assert released(office, session) == {"released": 0, "waiting": 2}
    clock.advance(timedelta(days=7))
    assert released(office, session) == {"released": 1, "waiting": 1}
    assert states(session) == ["queued", "queued", "held_limit"]
    second = session.scalars(select(Mail).where(Mail.template == "activation").order_by(Mail.id)).all()[1]
    assert {"mail_id": str(second.id)} in payloads()
    assert second.refs["expires_at"] == (office.now + activation.ACTIVATION_LIFETIME).isoformat()
    assert released(office, session) == {"released": 0, "waiting": 1}
    clock.advance(timedelta(days=1))
    assert released(office, session) == {"released": 1, "waiting": 0}


def test_held_mail_leaves_when_an_operator_raises_the_limit(
    office: Context, session: Session, reseller: Account
) -> None:
    lower(office, session, STRANGERS_FIRST_WEEK, 1)
    made(office, session, reseller, 1, 2)
    limits.set_limit(session, STRANGERS_FIRST_WEEK.name, 5, Actor("test"), office.now, reseller.id)
    assert released(office, session) == {"released": 1, "waiting": 0}


def test_mail_to_an_address_that_confirmed_is_not_counted(
    office: Context, session: Session, reseller: Account, tokens: Tokens
) -> None:
    lower(office, session, STRANGERS_FIRST_WEEK, 1)
    (client,) = made(office, session, reseller, 1)
    token = activation.make_token(tokens, client.id, client.email_version, office.now + timedelta(hours=1))
    activation.activate(office, session, tokens, token)
    again = clients.create(office, session, reseller.id, NewClient("Again", "C1@weser.example"))
    assert strangers.fate_of(session, again.id).value == "sent"
    assert strangers.fate_of(session, made(office, session, reseller, 2)[0].id).value == "held"


def test_answer_is_the_same_when_the_address_confirmed_at_another_reseller(
    office: Context, session: Session, reseller: Account, tokens: Tokens
) -> None:
    lower(office, session, STRANGERS_FIRST_WEEK, 1)
    other = accounts.create(office, session, NewAccount("learning", "Other", "chef@other.example"))
    other = reseller_status.become_reseller(office, session, other.id).account
    (client,) = made(office, session, other, 7)
    token = activation.make_token(tokens, client.id, client.email_version, office.now + timedelta(hours=1))
    activation.activate(office, session, tokens, token)
    made(office, session, reseller, 1)
    fates = [
        strangers.fate_of(session, clients.create(office, session, reseller.id, NewClient(name, address)).id)
        for name, address in (("Known", "c7@weser.example"), ("Unknown", "c8@weser.example"))
    ]
    assert [fate.value for fate in fates] == ["held", "held"]


def test_mail_to_the_resellers_own_first_address_is_not_counted(
    office: Context, session: Session, reseller: Account
) -> None:
    lower(office, session, STRANGERS_FIRST_WEEK, 0)
    own = clients.create(office, session, reseller.id, NewClient("Own", reseller.admin_email))
    assert strangers.fate_of(session, own.id).value == "sent"


def test_operators_are_alerted_with_the_resellers_name_while_mails_are_held(
    office: Context, session: Session, reseller: Account
) -> None:
    lower(office, session, STRANGERS_FIRST_WEEK, 0)
    made(office, session, reseller, 1, 2)
    current = incidents.current(session, office.jobs.catalogue, office.now)
    held = [each for each in current if each.kind is AlertKind.HELD_MAILS]
    assert [(each.name, each.count) for each in held] == [("Elbe Schulung", 2)]


@pytest.mark.parametrize(("days", "name"), [(0, "mails_to_strangers_first_week"), (7, "mails_to_strangers")])
def test_allowance_is_that_of_the_first_week_until_it_is_over(
    office: Context, reseller: Account, days: int, name: str
) -> None:
    assert strangers.limit_of(reseller, office.now + timedelta(days=days)).name == name
