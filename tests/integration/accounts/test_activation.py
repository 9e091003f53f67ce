"""An activation link works once, for 72 hours, for the address it was mailed to."""

from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from kontor.accounts import activation, clients
from kontor.accounts import service as accounts
from kontor.adapters.fakes import ManualClock
from kontor.context import Context
from kontor.kernel.errors import Conflict, Gone, NotFound
from kontor.kernel.tokens import Tokens
from models.accounts import Account
from models.mails import Mail


def token_of(session: Session, tokens: Tokens, position: int = -1) -> str:
    """The token in the activation mail at that position."""
    query = select(Mail).where(Mail.template == "activation").order_by(Mail.id)
    mail = session.scalars(query).all()[position]
    links = activation.MAIL_RULES["activation"].links
    assert links is not None
    return links(session, tokens, mail)["activation"].removeprefix("/activate/")


def test_showing_the_link_changes_nothing_and_using_it_activates(
    office: Context, session: Session, tokens: Tokens, client: Account
) -> None:
    token = token_of(session, tokens)
    assert not activation.peek(office, session, tokens, token).done
    assert client.activated_at is None
    assert activation.activate(office, session, tokens, token).done
    assert client.activated_at == office.now


def test_link_works_once_and_then_shows_the_result(
    office: Context, session: Session, tokens: Tokens, client: Account, clock: ManualClock
) -> None:
    token = token_of(session, tokens)
    activation.activate(office, session, tokens, token)
    clock.advance(timedelta(days=10))
    with pytest.raises(Conflict):
        activation.activate(office, session, tokens, token)
    assert activation.peek(office, session, tokens, token).done


def test_link_is_valid_for_72_hours(
    office: Context, session: Session, tokens: Tokens, client: Account, clock: ManualClock
) -> None:
    token = token_of(session, tokens)
    clock.advance(timedelta(hours=72) - timedelta(seconds=1))
    activation.peek(office, session, tokens, token)
    clock.advance(timedelta(seconds=1))
    for use in (activation.peek, activation.activate):
        with pytest.raises(Gone):
            use(office, session, tokens, token)
    assert client.activated_at is None


def test_link_can_be_sent_again_and_the_new_one_works(
    office: Context, session: Session, tokens: Tokens, client: Account, clock: ManualClock
) -> None:
    clock.advance(timedelta(hours=80))
    activation.resend_link(office, session, client.id)
    activation.activate(office, session, tokens, token_of(session, tokens))
    with pytest.raises(Conflict) as refused:
        activation.resend_link(office, session, client.id)
    assert refused.value.code == "already_activated"


def test_link_to_the_old_address_is_invalid_when_the_address_changed(
    office: Context, session: Session, tokens: Tokens, client: Account
) -> None:
    token = token_of(session, tokens)
    accounts.change(office, session, client.id, {"admin_email": "neu@weser.example"})
    with pytest.raises(Gone) as refused:
        activation.activate(office, session, tokens, token)
    assert refused.value.code == "address_changed"
    activation.activate(office, session, tokens, token_of(session, tokens))


def test_forged_link_is_not_found(office: Context, session: Session, tokens: Tokens, client: Account) -> None:
    token = token_of(session, tokens)
    foreign = activation.make_token(Tokens("another secret"), client.id, 1, office.now + timedelta(hours=1))
    for forged in ("", "x", token[:-2], token + "x", token.replace(".", "", 1), foreign, "é", "a" * 9_999):
        with pytest.raises(NotFound):
            activation.activate(office, session, tokens, forged)
    assert client.activated_at is None


def test_token_of_another_purpose_is_not_found(
    office: Context, session: Session, tokens: Tokens, client: Account
) -> None:
    carried = {"account": client.id.hex, "version": 1}
    other = tokens.make("offer-decision", carried, office.now + timedelta(hours=1))
    with pytest.raises(NotFound):
        activation.peek(office, session, tokens, other)


def test_link_stays_valid_when_the_client_is_disconnected(
    office: Context, session: Session, tokens: Tokens, reseller: Account, client: Account
) -> None:
    token = token_of(session, tokens)
    clients.disconnect(office, session, reseller.id, client.id)
    assert activation.activate(office, session, tokens, token).done
