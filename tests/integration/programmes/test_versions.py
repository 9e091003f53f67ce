"""Every applied file is a version; one may begin later, and is in force from then on."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from kontor.accounts.service import NewAccount, create
from kontor.adapters.fakes import ManualClock
from kontor.context import Context
from kontor.kernel.errors import Conflict, Invalid, NotFound
from kontor.programme import files, versions
from kontor.programme import service as programme
from kontor.programme.files import ApplyPlan, InvalidProgrammeFile
from kontor.programme.schemas import programme_out
from kontor.programme.service import Programmes
from models.programmes import ProgrammeVersion
from workers.migrations import ROOT

BOOKING = (ROOT / "examples" / "programmes" / "booking.yaml").read_text()
DEARER = BOOKING.replace('price: "19.00"', 'price: "25.00"')
WITHOUT_PREMIUM = BOOKING[: BOOKING.index("  premium:")] + BOOKING[BOOKING.index("\ntrial:") :]


def apply(office: Context, session: Session, text: str, effective: datetime | None = None) -> ApplyPlan:
    return files.apply(session, "booking", text, now=office.now, actor="somebody", effective=effective)


def basic_price(office: Context, session: Session) -> str:
    price = Programmes(office.jobs.clock).current(session, "booking").plans["basic"].price
    assert price is not None
    return str(price.amount)


def test_every_applied_file_is_listed_with_its_author_instant_and_hash(office: Context, session: Session) -> None:
    plan = apply(office, session, DEARER)
    listed = versions.entries(session, "booking")

    assert [(each.number, each.applied_by, each.effective_at) for each in listed] == [
        (2, "somebody", office.now),
        (1, "test", office.now),
    ]
    assert listed[0].digest == plan.hash == programme.get(session, "booking").digest
    kept = session.get_one(ProgrammeVersion, ("booking", 1))
    assert kept.source == BOOKING


def test_versions_are_shown_and_compared(office: Context, session: Session) -> None:
    apply(office, session, DEARER)
    shown = programme_out(session, Programmes(), "booking", office.now, 1, 2)
    assert shown.version == 1
    assert [change.text for change in shown.changes or []] == ["~ plans.basic.price: 25.00 -> 19.00"]
    with pytest.raises(NotFound) as refused:
        programme_out(session, Programmes(), "booking", office.now, 3)
    assert refused.value.code == "unknown_version"


def test_later_version_is_in_force_from_its_instant_even_if_no_job_ran(
    office: Context, session: Session, clock: ManualClock
) -> None:
    begins = office.now + timedelta(days=3)
    plan = apply(office, session, DEARER, begins)
    assert (plan.version, plan.later, basic_price(office, session)) == (2, True, "19.00")
    assert apply(office, session, DEARER, begins).changes == ()
    session.commit()

    clock.advance(timedelta(days=3) - timedelta(microseconds=1))
    assert basic_price(office, session) == "19.00"
    session.commit()
    clock.advance(timedelta(microseconds=1))
    assert basic_price(office, session) == "25.00"
    assert files.begin_due(session, "booking", office.now) is not None
    row = programme.get(session, "booking")
    assert (row.version, row.next_at) == (2, None)


def test_file_says_itself_when_it_begins(office: Context, session: Session) -> None:
    plan = apply(office, session, DEARER + "\neffective: 2026-04-01T00:00:00+02:00\n")
    assert plan.effective_at == datetime(2026, 3, 31, 22, tzinfo=UTC)
    assert basic_price(office, session) == "19.00"


@pytest.mark.parametrize("instant", ["2026-02-01T00:00:00Z", "2026-04-01T00:00:00", "soon"])
def test_file_that_begins_in_the_past_or_at_no_instant_is_refused_at_its_line(
    office: Context, session: Session, instant: str
) -> None:
    with pytest.raises(InvalidProgrammeFile) as refused:
        apply(office, session, f"{DEARER}\neffective: {instant}\n")
    assert [problem.line for problem in refused.value.problems] == [len(DEARER.splitlines()) + 2]


def test_option_in_the_past_is_refused(office: Context, session: Session) -> None:
    with pytest.raises(Invalid):
        apply(office, session, DEARER, office.now - timedelta(seconds=1))


def test_later_version_takes_nothing_away(office: Context, session: Session) -> None:
    with pytest.raises(InvalidProgrammeFile) as refused:
        apply(office, session, WITHOUT_PREMIUM, office.now + timedelta(days=3))
    assert "premium" in str(refused.value.problems[0])


def test_version_before_a_later_one_brings_nothing_that_the_later_one_lacks(office: Context, session: Session) -> None:
    apply(office, session, DEARER, office.now + timedelta(days=3))
    more = BOOKING.replace("  premium:\n", '  gold:\n    price: "99.00"\n  premium:\n')
    with pytest.raises(Conflict) as refused:
        apply(office, session, more)
    assert (refused.value.code, refused.value.data["version"]) == ("later_version", 2)


def test_version_of_the_release_before_is_kept_when_the_next_is_applied(office: Context, session: Session) -> None:
    session.delete(session.get_one(ProgrammeVersion, ("booking", 1)))
    session.flush()
    assert [each.number for each in versions.entries(session, "booking")] == [1]
    apply(office, session, DEARER)
    assert session.scalars(select(ProgrammeVersion.number).where(ProgrammeVersion.programme == "booking")).all() == [
        1,
        2,
    ]


def test_free_plan_gets_no_price_while_accounts_are_on_it(office: Context, session: Session) -> None:
    priced = BOOKING.replace("  free:\n", '  free:\n    price: "5"\n')
    priced = priced.replace("  premium:\n", "  zero: {name: Zero}\n  premium:\n")
    line = next(number for number, text in enumerate(priced.splitlines(), 1) if text == '    price: "5"')
    apply(office, session, priced)
    apply(office, session, BOOKING)
    create(office, session, NewAccount("booking", "Salon", "salon@example.test"))
    with pytest.raises(InvalidProgrammeFile) as refused:
        apply(office, session, priced)
    assert [(problem.line, problem.path) for problem in refused.value.problems] == [(line, "plans.free.price")]
