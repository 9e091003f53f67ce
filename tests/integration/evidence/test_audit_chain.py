from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.orm import Session

from kontor import audit
from kontor.adapters.fakes import ManualClock
from kontor.audit import Actor
from kontor.evidence import chain, erasure
from kontor.evidence.chain import BrokenHead
from kontor.evidence.digests import lend_key
from kontor.evidence.verification import Verification, verify
from kontor.kernel.ids import new_id
from workers.sealing import EVERY_SECONDS, Sealer

KEY = b"the key of this test's chain"
NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
PAST_KONTOR = "SET LOCAL session_replication_role = replica"
INSERTED = "INSERT INTO audit_log (at, actor, action, target) VALUES (now(), 'operator:x@y.example', 'key.create', 'k')"
ACCOUNT = new_id()


@pytest.fixture
def log(engine: Engine, session: Session) -> Session:
    """A session on a log of five sealed rows; the second and third name an account."""
    lend_key(engine, lambda: KEY)
    for number in range(5):
        target = f"account:{ACCOUNT}" if number in {1, 2} else f"queue:q{number}"
        actor = Actor("operator:ada@kontor.example", "console 192.0.2.7", f"reason {number} of Max Private")
        audit.record(session, actor, "thing.done", target, at=NOW, detail={"name": "Max Private", "count": number})
        session.flush()
    assert chain.seal_all(session, KEY, NOW) == 5
    return session


def checked(session: Session) -> Verification:
    """The verification, as `kontor audit verify` makes it."""
    session.flush()
    session.expunge_all()
    return verify(session, KEY)


def kinds(session: Session) -> list[tuple[str, int]]:
    """What the verification names."""
    return [(finding.kind.value, finding.seq) for finding in checked(session).findings]


def test_log_is_intact_when_only_kontor_wrote_it(log: Session) -> None:
    result = checked(log)
    assert (result.intact, result.sealed, result.unsealed, result.number) == (True, 5, 0, 5)


@pytest.mark.parametrize(
    ("statement", "named"),
    [
        ("UPDATE audit_log SET reason = 'another' WHERE seq = 3", [("changed", 3)]),
        ("UPDATE audit_log SET at = at + interval '1 s' WHERE seq = 3", [("changed", 3)]),
        ("UPDATE audit_log SET origin = 'elsewhere', salt = NULL, erased_at = now() WHERE seq = 3", [("changed", 3)]),
        ("DELETE FROM audit_log WHERE seq = 3", [("deleted", 3)]),
        ("DELETE FROM audit_log WHERE seq = 5", [("deleted", 5)]),
        (INSERTED, [("inserted", 6)]),
        (f"{INSERTED}; UPDATE audit_log SET signature = repeat('0', 64) WHERE seq = 6", [("changed", 6)]),
        ("UPDATE audit_chain SET digest = repeat('0', 64) WHERE number = 3", [("chain", 3), ("changed", 3)]),
        ("DELETE FROM audit_log WHERE seq = 5; DELETE FROM audit_chain WHERE number = 5", [("head", 5)]),
        ("DELETE FROM audit_log WHERE seq = 2; DELETE FROM audit_chain WHERE number = 2", [("chain", 3)]),
    ],
)
def test_row_is_named_when_it_was_changed_deleted_or_inserted_past_kontor(
    log: Session, statement: str, named: list[tuple[str, int]]
) -> None:
    log.execute(text(PAST_KONTOR))
    for part in statement.split("; "):
        log.execute(text(part))
    log.expunge_all()
    chain.seal_all(log, KEY, NOW + timedelta(days=1))
    assert kinds(log) == named


@pytest.mark.parametrize(
    "statement", ["UPDATE audit_log SET reason = 'x'", "DELETE FROM audit_log", "DELETE FROM audit_chain"]
)
def test_database_refuses_changes_of_rows(log: Session, statement: str) -> None:
    with pytest.raises(ProgrammingError, match="neither changed nor deleted"):
        log.execute(text(statement))


def test_unsealed_tail_is_named_when_a_row_waits(log: Session) -> None:
    audit.record(log, Actor("key:1"), "thing.done", "x", at=NOW)
    result = checked(log)
    assert (result.intact, result.unsealed, result.unsealed_from) == (True, 1, 6)


def test_chain_verifies_without_the_text_when_an_account_was_erased(log: Session) -> None:
    assert erasure.erase(log, [ACCOUNT], NOW, NOW) == 2
    left = log.execute(text("SELECT actor, target, reason, origin, detail, salt FROM audit_log WHERE seq = 2")).one()
    assert left == (
        "operator:ada@kontor.example",
        f"account:{ACCOUNT}",
        None,
        None,
        {"name": "erased", "count": 1},
        None,
    )
    assert "Max Private" in str(log.execute(text("SELECT detail FROM audit_log WHERE seq = 1")).scalar())
    chain.seal_all(log, KEY, NOW)
    result = checked(log)
    assert (result.findings, result.erased, result.sealed) == ([], 2, 6)
    log.execute(text(PAST_KONTOR))
    log.execute(text("UPDATE audit_log SET target = 'account:another' WHERE seq = 2"))
    assert kinds(log) == [("changed", 2)]


def test_chain_begins_after_the_archive_when_old_rows_were_moved(log: Session) -> None:
    archive = erasure.archivable(log, datetime.now(UTC) + timedelta(days=1))
    assert archive is not None
    lines = list(erasure.archive_lines(log, KEY, archive))
    erasure.cut(log, archive, Actor("cli:ada"), NOW)
    chain.seal_all(log, KEY, NOW)
    assert len(lines) == 6
    assert "reason 4" in lines[4]
    result = checked(log)
    assert (result.findings, result.sealed, result.number) == ([], 1, 6)


def test_nothing_is_sealed_when_the_head_was_changed(log: Session) -> None:
    log.execute(text("UPDATE audit_head SET number = 4"))
    audit.record(log, Actor("key:1"), "thing.done", "x", at=NOW)
    with pytest.raises(BrokenHead):
        chain.seal_all(log, KEY, NOW)


def test_rows_of_before_the_chain_are_taken_in_once(engine: Engine, session: Session) -> None:
    lend_key(engine, lambda: KEY)
    session.execute(text(INSERTED))
    until = NOW + timedelta(hours=1)
    session.execute(text("UPDATE audit_head SET adopted_to = 1, adopting_until = :until"), {"until": until})
    assert chain.seal_all(session, KEY, NOW) == 1
    chain.seal_all(session, KEY, until)
    session.execute(text(INSERTED))
    chain.seal_all(session, KEY, until)
    assert kinds(session) == [("inserted", 2)]


def test_leading_scheduler_seals_every_few_seconds_and_logs_the_head_once_a_day(
    engine: Engine, session: Session, capsys: pytest.CaptureFixture[str]
) -> None:
    lend_key(engine, lambda: KEY)
    clock = ManualClock(NOW)
    sealer = Sealer(engine, clock)
    for _ in range(3):
        audit.record(session, Actor("key:1"), "thing.done", "x", at=NOW)
        session.commit()
        sealer.run_due()
        clock.advance(timedelta(seconds=EVERY_SECONDS))
    assert session.execute(text("SELECT count(*), max(number) FROM audit_chain")).one() == (3, 3)
    assert capsys.readouterr().out.count("audit.head") == 1
    clock.advance(timedelta(days=1))
    sealer.run_due()
    assert capsys.readouterr().out.count("audit.head") == 1
