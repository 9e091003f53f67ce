"""Programme files are applied completely, once, with a plan of the changes."""

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from kontor.accounts.service import NewAccount, create
from kontor.context import Context
from kontor.kernel.errors import Conflict, Invalid
from kontor.programme import files
from kontor.programme import service as programme
from kontor.programme.files import ApplyPlan, InvalidProgrammeFile
from kontor.programme.service import Programmes
from models.control import AuditEntry
from workers.migrations import ROOT

BOOKING = (ROOT / "examples" / "programmes" / "booking.yaml").read_text()


def apply(office: Context, session: Session, text: str, *, dry_run: bool = False) -> ApplyPlan:
    return files.apply(session, "booking", text, now=office.now, actor="somebody", dry_run=dry_run)


def test_applying_a_file_twice_changes_nothing(office: Context, session: Session) -> None:
    again = apply(office, session, BOOKING)
    assert not again.applied
    assert again.changes == ()
    assert again.version == programme.get(session, "booking").version == 1


def test_comment_is_not_a_change(office: Context, session: Session) -> None:
    assert apply(office, session, BOOKING + "\n# one more comment\n").changes == ()


def test_dry_run_shows_the_change_and_does_not_apply_it(office: Context, session: Session) -> None:
    changed = BOOKING.replace("appointments: 50\n", "appointments: 60\n")
    plan = apply(office, session, changed, dry_run=True)
    assert [str(change) for change in plan.changes] == ["~ plans.free.limits.appointments: 50 -> 60"]
    assert Programmes().current(session, "booking").free_plan.limits == {"appointments": 50}


def test_change_is_applied_audited_and_seen_by_cached_programmes(office: Context, session: Session) -> None:
    cached = Programmes()
    assert cached.current(session, "booking").free_plan.limits == {"appointments": 50}
    plan = apply(office, session, BOOKING.replace("appointments: 50\n", "appointments: 60\n"))
    assert (plan.applied, plan.version) == (True, 2)
    assert cached.current(session, "booking").free_plan.limits == {"appointments": 60}
    entry = session.scalars(
        select(AuditEntry).where(AuditEntry.target == "booking").order_by(AuditEntry.seq.desc())
    ).first()
    assert entry is not None
    assert (entry.actor, entry.action) == ("somebody", "programme.apply")


def test_invalid_file_is_refused_with_every_error_and_its_line(office: Context, session: Session) -> None:
    bad = BOOKING.replace("currency: EUR", "currency: EUX").replace("locale: fr ", "locale: fx ")
    with pytest.raises(InvalidProgrammeFile) as refused:
        apply(office, session, bad)
    lines = BOOKING.splitlines()
    expected = {number for number, line in enumerate(lines, 1) if line.startswith(("currency:", "locale: fr"))}
    assert {problem.line for problem in refused.value.problems} >= expected
    assert programme.get(session, "booking").version == 1


def test_plan_in_use_cannot_be_removed(office: Context, session: Session) -> None:
    create(office, session, NewAccount("booking", "Salon", "salon@example.test"))
    renamed = BOOKING.replace("  free:\n    name: Free", "  gratis:\n    name: Free")
    with pytest.raises(Conflict) as refused:
        apply(office, session, renamed)
    assert refused.value.data["plans"] == ["free"]


@pytest.mark.parametrize("code", ["", "Booking", "a/b", "-x", "x" * 65, "a\n"])
def test_programme_code_must_be_a_file_stem(office: Context, session: Session, code: str) -> None:
    with pytest.raises(Invalid):
        files.apply(session, code, BOOKING, now=office.now, actor="somebody")


def test_unknown_programme_is_refused_with_a_code(office: Context, session: Session) -> None:
    with pytest.raises(Invalid) as refused:
        office.programmes.current(session, "nothing")
    assert refused.value.code == "unknown_programme"
