"""Keys that expire are announced once for each notice; the last use is written at most once a minute."""

from datetime import datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from kontor.adapters.fakes import ManualClock
from kontor.adapters.secrets import Argon2Passwords
from kontor.http.key_use import KeyUse
from kontor.kernel.database import psycopg_connection
from kontor.kernel.ids import new_id
from kontor.operators import keys, service
from kontor.operators.notifications import due_notice, notify_expiring
from models.accounts import Account
from models.keys import ApiKey
from models.mails import Mail, MailRecipient
from tests.support.wiring import apply_example, silent_jobs
from workers.doctor import check_keys

DAY = timedelta(days=1)


class SplitClock(ManualClock):
    """A test clock ten years ahead of real time."""

    def now(self) -> datetime:
        return super().now() + 3_650 * DAY


@pytest.fixture
def clock() -> ManualClock:
    return SplitClock()


def add_account(session: Session, clock: ManualClock) -> UUID:
    apply_example(session, "learning", clock)
    account = Account(
        id=new_id(), programme="learning", name="Elbe", name_key="elbe", admin_email="ops@elbe.example",
        email_key="ops@elbe.example", locale="de", timezone="Europe/Berlin", created_at=clock.now(),
    )  # fmt: skip
    session.add(account)
    session.flush()
    return account.id


def mailed(session: Session) -> list[tuple[str, str, int]]:
    query = select(MailRecipient.address, Mail.facts).join(Mail, Mail.id == MailRecipient.mail_id)
    rows = session.execute(query.where(Mail.template == "key-expiring").order_by(Mail.id)).all()
    return [(address, facts["key"], facts["days"]) for address, facts in rows]


def make(
    session: Session, clock: ManualClock, name: str, left: timedelta | None, account_id: UUID | None = None
) -> UUID:
    ends = None if left is None else clock.wall_time() + left
    return keys.create(session, name, ["read"], clock.now(), account_id=account_id, expires_at=ends).id


@pytest.mark.parametrize(
    ("left", "notice"),
    [
        (31 * DAY, None),
        (30 * DAY, 30),
        (8 * DAY, 30),
        (7 * DAY, 7),
        (DAY, 1),
        (timedelta(seconds=1), 1),
        (0 * DAY, None),
    ],
)
def test_notice_is_due_when_thirty_seven_or_one_day_is_left(left: timedelta, notice: int | None) -> None:
    assert due_notice(left) == notice


def test_owners_are_told_once_thirty_seven_and_one_day_before(session: Session, clock: ManualClock) -> None:
    account_id, jobs = add_account(session, clock), silent_jobs(clock)
    for name, role in (("root", "admin"), ("other", "operator")):
        service.create(session, Argon2Passwords.cheap(), f"{name}@kontor.example", role, now=clock.now(), actor="test")
    make(session, clock, "theirs", 31 * DAY, account_id)
    make(session, clock, "ours", 31 * DAY)
    make(session, clock, "endless", None)
    revoked = make(session, clock, "revoked", 3 * DAY)
    keys.revoke(session, revoked, clock.now())
    session.flush()
    assert notify_expiring(session, jobs) == 0
    counts = []
    for days in (1, 1, 22, 6, 1):
        clock.advance(days * DAY)
        counts.append(notify_expiring(session, jobs))
        assert notify_expiring(session, jobs) == 0
    assert counts == [2, 0, 2, 2, 0]
    assert mailed(session) == [
        (address, name, days)
        for days in (30, 7, 1)
        for address, name in (("ops@elbe.example", "theirs"), ("root@kontor.example", "ours"))
    ]


def test_last_use_is_written_at_most_once_a_minute(session: Session, clock: ManualClock) -> None:
    key_id, use = make(session, clock, "busy", None), KeyUse()
    connection, first = psycopg_connection(session), clock.wall_time()

    def written_after(seconds: int) -> datetime | None:
        use.note(key_id, first + timedelta(seconds=seconds))
        use.flush(connection)
        return session.scalar(select(ApiKey.last_used_at).where(ApiKey.id == key_id))

    assert written_after(0) == first
    assert written_after(59) == first
    assert not use.due()
    assert written_after(60) == first + timedelta(seconds=60)


def test_doctor_names_the_keys_that_expire_within_thirty_days_of_real_time(
    session: Session, clock: ManualClock
) -> None:
    real_now = session.scalars(select(func.clock_timestamp())).one()
    for name, days in (("soon", 29), ("not yet", 31), ("gone", -1)):
        keys.create(session, name, ["read"], clock.now(), expires_at=real_now + days * DAY)
    named = [check.text.partition(" (")[0] for check in check_keys(psycopg_connection(session))]
    assert named == ["soon"]
