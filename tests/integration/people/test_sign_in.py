"""Failures of signing in are limited by account and network; others never lock out a device of one's own."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from kontor.adapters.fakes import ManualClock
from kontor.adapters.secrets import Argon2Passwords
from kontor.audit import Actor
from kontor.http.browsers import Browser
from kontor.http.sign_in_limits import SignInTimes
from kontor.kernel.errors import TooManyAttempts
from kontor.operators import service as operators
from kontor.operators import sessions, sign_in
from models.control import AuditEntry
from models.people import Operator, SignInFailure

PASSWORD = "a password for tests"
ANNA = "anna@kontor.example"
HOME, STRANGER = Browser("192.0.2.1"), Browser("198.51.100.7")
Attempt = Callable[[Browser, str], Operator | None]


@pytest.fixture
def passwords() -> Argon2Passwords:
    """A cheap hasher."""
    return Argon2Passwords.cheap()


@pytest.fixture
def anna(session: Session, passwords: Argon2Passwords, clock: ManualClock) -> Operator:
    """An admin with a password of her own."""
    made = operators.create(session, passwords, ANNA, "admin", now=clock.now(), actor="cli", password=PASSWORD)
    return made.operator


@pytest.fixture
def attempt(session: Session, passwords: Argon2Passwords, clock: ManualClock, anna: Operator) -> Attempt:
    """Try to sign in as Anna."""

    def sign(browser: Browser, password: str) -> Operator | None:
        times = SignInTimes(clock.now(), clock.wall_time())
        return sign_in.attempt(session, passwords, ANNA, password, browser, times)

    return sign


def fail(attempt: Attempt, browser: Browser, times: int) -> None:
    for _ in range(times):
        assert attempt(browser, "a guess") is None


def test_fifth_failure_locks_the_account_for_the_network_only(attempt: Attempt) -> None:
    fail(attempt, STRANGER, 5)
    for neighbour in (STRANGER, Browser("198.51.100.200"), Browser("::ffff:198.51.100.9")):
        with pytest.raises(TooManyAttempts) as locked:
            attempt(neighbour, PASSWORD)
        assert locked.value.retry_after == timedelta(minutes=15)
    assert attempt(HOME, PASSWORD)


def test_lock_ends_after_fifteen_minutes(attempt: Attempt, clock: ManualClock) -> None:
    fail(attempt, STRANGER, 5)
    clock.advance(timedelta(minutes=15))
    assert attempt(STRANGER, PASSWORD)


def test_fifty_failures_lock_the_network_for_every_account(
    session: Session, passwords: Argon2Passwords, attempt: Attempt, clock: ManualClock
) -> None:
    times = SignInTimes(clock.now(), clock.wall_time())
    for number in range(50):
        browser = Browser(f"2001:db8:5:{number}::1")
        assert sign_in.attempt(session, passwords, f"nobody{number}@kontor.example", "x", browser, times) is None
    with pytest.raises(TooManyAttempts) as locked:
        attempt(Browser("2001:db8:5:ffff::1"), PASSWORD)
    assert locked.value.retry_after == timedelta(hours=1)
    assert attempt(Browser("2001:db8:6::1"), PASSWORD)


def test_device_of_ones_own_is_not_locked_out_by_a_stranger_in_the_same_network(
    session: Session, attempt: Attempt, anna: Operator, clock: ManualClock
) -> None:
    opened = sessions.sign_in(session, anna, HOME, clock.wall_time())
    mine = Browser(HOME.origin, device=opened.device_secret)
    fail(attempt, HOME, 5)
    with pytest.raises(TooManyAttempts):
        attempt(HOME, PASSWORD)
    assert attempt(mine, PASSWORD) is anna
    fail(attempt, mine, 5)
    with pytest.raises(TooManyAttempts):
        attempt(mine, PASSWORD)


def test_device_counts_with_its_network_when_it_has_not_signed_in_for_thirty_days(
    session: Session, attempt: Attempt, anna: Operator, clock: ManualClock
) -> None:
    opened = sessions.sign_in(session, anna, HOME, clock.wall_time())
    mine = Browser(HOME.origin, device=opened.device_secret)
    clock.advance(timedelta(days=30))
    fail(attempt, HOME, 5)
    with pytest.raises(TooManyAttempts):
        attempt(mine, PASSWORD)


def test_device_of_one_person_is_a_strangers_for_another(
    session: Session, passwords: Argon2Passwords, attempt: Attempt, clock: ManualClock
) -> None:
    bob = operators.create(
        session, passwords, "bob@kontor.example", "viewer", now=clock.now(), actor="cli", password=PASSWORD
    ).operator
    opened = sessions.sign_in(session, bob, HOME, clock.wall_time())
    fail(attempt, HOME, 5)
    with pytest.raises(TooManyAttempts):
        attempt(Browser(HOME.origin, device=opened.device_secret), PASSWORD)


def test_deleting_the_audit_log_unlocks_nothing(session: Session, attempt: Attempt) -> None:
    fail(attempt, STRANGER, 5)
    session.execute(text("SET LOCAL session_replication_role = replica"))  # past the triggers of the log
    for entry in session.scalars(select(AuditEntry)):
        session.delete(entry)
    session.flush()
    with pytest.raises(TooManyAttempts):
        attempt(STRANGER, PASSWORD)


def test_failures_are_forgotten_when_no_limit_counts_them(
    session: Session, attempt: Attempt, clock: ManualClock
) -> None:
    fail(attempt, STRANGER, 3)
    clock.advance(timedelta(hours=2))
    fail(attempt, STRANGER, 1)
    assert session.scalar(select(func.count()).select_from(SignInFailure)) == 1


def test_session_list_shows_place_and_device_and_ends_one(session: Session, anna: Operator, clock: ManualClock) -> None:
    first = sessions.sign_in(session, anna, Browser("192.0.2.1", "Firefox/140.0"), clock.wall_time())
    clock.advance(timedelta(minutes=1))
    second = sessions.sign_in(session, anna, Browser("2001:db8::1"), clock.wall_time())
    listed = sessions.list_sessions(session, anna.id, clock.wall_time())
    assert [(row.origin, row.agent) for row in listed] == [("2001:db8::1", ""), ("192.0.2.1", "Firefox/140.0")]
    sessions.end_session(session, anna.id, first.session.id)
    assert sessions.find_session(session, first.secret, clock.wall_time()) is None
    assert sessions.find_session(session, second.secret, clock.wall_time())


def test_reset_password_forgets_devices_and_the_second_factor_on_request(
    session: Session, passwords: Argon2Passwords, anna: Operator, clock: ManualClock
) -> None:
    opened = sessions.sign_in(session, anna, HOME, clock.wall_time())
    actor = Actor("cli")
    operators.reset_password(session, passwords, anna.id, actor, clock.now(), factors=True)
    mine = Browser(HOME.origin, device=opened.device_secret)
    assert sessions.known_device(session, anna.id, mine, clock.wall_time()) is None
    assert (anna.one_time, anna.password_expires_at) == (True, clock.now() + timedelta(hours=24))
