"""Operators sign in with a one-time password, and their sessions end."""

from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from kontor.adapters.fakes import ManualClock
from kontor.adapters.secrets import Argon2Passwords
from kontor.http.browsers import Browser
from kontor.kernel.errors import Conflict, Forbidden, Invalid
from kontor.operators import service as operators
from kontor.operators import sessions, sign_in
from kontor.operators.service import NewOperator
from models.control import AuditEntry
from models.people import Operator, OperatorSession

BROWSER = Browser("192.0.2.1")


@pytest.fixture
def passwords() -> Argon2Passwords:
    """A cheap hasher."""
    return Argon2Passwords.cheap()


@pytest.fixture
def anna(session: Session, passwords: Argon2Passwords, clock: ManualClock) -> NewOperator:
    """An administrator with a one-time password."""
    return operators.create(session, passwords, "Anna@kontor.example", "admin", now=clock.now(), actor="cli")


def test_new_operator_signs_in_with_the_one_time_password(
    session: Session, passwords: Argon2Passwords, anna: NewOperator
) -> None:
    assert anna.operator.one_time
    assert anna.password not in repr(anna)
    assert anna.password not in anna.operator.password_hash
    operator = sign_in.verify_credentials(session, passwords, "ANNA@kontor.example", anna.password)
    assert operator is anna.operator
    entry = session.scalars(select(AuditEntry)).one()
    assert (entry.action, entry.target) == ("operator.create", "Anna@kontor.example")


@pytest.mark.parametrize(
    ("email", "password"),
    [("anna@kontor.example", "wrong"), ("bob@kontor.example", "x"), ("a\x00", ""), ("\ud800", "\ud800")],
)
def test_wrong_credentials_are_refused(
    session: Session, passwords: Argon2Passwords, anna: NewOperator, email: str, password: str
) -> None:
    assert sign_in.verify_credentials(session, passwords, email, password) is None


def test_disabled_operator_is_refused(
    session: Session, passwords: Argon2Passwords, anna: NewOperator, clock: ManualClock
) -> None:
    opened = sessions.sign_in(session, anna.operator, BROWSER, clock.now())
    anna.operator.disabled_at = clock.now()
    session.flush()
    assert sign_in.verify_credentials(session, passwords, anna.operator.email, anna.password) is None
    assert sessions.find_session(session, opened.secret, clock.now()) is None


def test_operator_address_is_unique_and_its_role_must_be_known(
    session: Session, passwords: Argon2Passwords, anna: NewOperator, clock: ManualClock
) -> None:
    with pytest.raises(Conflict):
        operators.create(session, passwords, "anna@KONTOR.example", "viewer", now=clock.now(), actor="cli")
    for email, role in (("nobody", "viewer"), ("bob@kontor.example", "king")):
        with pytest.raises(Invalid):
            operators.create(session, passwords, email, role, now=clock.now(), actor="cli")


def test_session_ends_after_twelve_hours_or_by_signing_out(
    session: Session, anna: NewOperator, clock: ManualClock
) -> None:
    opened = sessions.sign_in(session, anna.operator, BROWSER, clock.now())
    assert opened.secret not in {row.secret_hash for row in session.scalars(select(OperatorSession))}
    session_and_operator = sessions.find_session(session, opened.secret, clock.now())
    assert session_and_operator is not None
    assert session_and_operator[1] is anna.operator
    assert sessions.find_session(session, "guess", clock.now()) is None
    later = clock.advance(timedelta(hours=12))
    assert sessions.find_session(session, opened.secret, later) is None
    again = sessions.sign_in(session, anna.operator, BROWSER, later)
    sessions.sign_out(session, again.secret)
    assert sessions.find_session(session, again.secret, later) is None


def test_new_password_ends_every_session(
    session: Session, passwords: Argon2Passwords, anna: NewOperator, clock: ManualClock
) -> None:
    opened = sessions.sign_in(session, anna.operator, BROWSER, clock.now())
    with pytest.raises(Forbidden):
        sign_in.change_password(session, passwords, anna.operator, "wrong", "a new password", clock.now())
    with pytest.raises(Invalid):
        sign_in.change_password(session, passwords, anna.operator, anna.password, "short", clock.now())
    sign_in.change_password(session, passwords, anna.operator, anna.password, "a new password", clock.now())
    assert not session.get_one(Operator, anna.operator.id).one_time
    assert sessions.find_session(session, opened.secret, clock.now()) is None
    assert sign_in.verify_credentials(session, passwords, "anna@kontor.example", "a new password")
