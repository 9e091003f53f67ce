"""The plan of a file says what it would do; one that touches much needs approval (programme.md 9.2)."""

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import delete, select, text, update
from sqlalchemy.orm import Session

from kontor.accounts import clients, reseller_status
from kontor.accounts.clients import NewClient
from kontor.accounts.service import NewAccount, create
from kontor.adapters.fakes import ManualClock
from kontor.context import Context
from kontor.fees import plans
from kontor.fees.assignments import Assignments
from kontor.kernel.errors import Conflict
from kontor.kernel.money import Money
from kontor.kernel.states import ReportKind
from kontor.programme import announcements, rollout
from kontor.programme.model import Programme
from kontor.programme.parse import parse
from kontor.programme.payloads import ProgrammesAnnounce, ProgrammesBegin
from kontor.programme.rollout import ApplyOptions, Rollout
from kontor.usage import quotas
from kontor.usage import service as usage
from kontor.usage.service import NewUsageReport
from models.accounts import Account
from models.jobs import Job
from models.mails import Mail
from models.usage import QuotaNotice
from tests.support.fees import HOUSE
from tests.support.wiring import EXAMPLES

BOOKING = (EXAMPLES / "booking.yaml").read_text()
TYPO = BOOKING.replace("appointments: 50\n", "appointments: 5\n")
DEARER = HOUSE.replace('fee: "3.33"', 'fee: "10.00"')
DRY = ApplyOptions(dry_run=True)
PLAIN = ApplyOptions()
COPIES = text("""
INSERT INTO accounts (id, programme, name, name_key, admin_email, email_key, locale, timezone, kind, reseller_id,
    plan, created_at)
SELECT gen_random_uuid(), programme, name || n, name_key || n, admin_email || n, email_key || n, locale, timezone, kind,
    reseller_id, plan, created_at FROM accounts, generate_series(1, :copies) AS n WHERE id = :id
""")


@dataclass
class Field:
    """A reseller and its clients in one programme."""

    office: Context
    session: Session
    reseller: Account

    def client(self, name: str) -> Account:
        new = NewClient(name, f"{name.lower()}@client.example")
        return clients.create(self.office, self.session, self.reseller.id, new)

    def use(self, account: Account, amount: int) -> None:
        report = NewUsageReport("appointments", ReportKind.VALUE, amount, self.office.now)
        quotas.receive_report(self.office, self.session, account.id, report)

    def apply(self, source: str, options: ApplyOptions = PLAIN) -> Rollout:
        code = self.reseller.programme
        return rollout.apply_file(self.office, self.session, code, source, actor="somebody", options=options)

    def fill(self, account: Account, copies: int) -> None:
        """Add accounts like one, so that the guard-rail holds."""
        self.session.execute(COPIES, {"id": account.id, "copies": copies})

    def payloads(self, task: str) -> list[dict[str, object]]:
        return [dict(job.payload) for job in self.session.scalars(select(Job).where(Job.task == task).order_by(Job.id))]


def field(office: Context, session: Session, code: str) -> Field:
    account = create(office, session, NewAccount(code, "Weser", "chef@weser.example"))
    reseller = reseller_status.become_reseller(office, session, account.id).account
    return Field(office, session, reseller)


def with_calls(office: Context, session: Session) -> Field:
    rollout.apply_file(office, session, "house", HOUSE, actor="somebody")
    return field(office, session, "house")


def test_typo_in_a_limit_says_how_many_it_would_restrict_and_mail(office: Context, session: Session) -> None:
    salons = field(office, session, "booking")
    for number in range(4):
        salons.use(salons.client(f"C{number}"), 10 * number)
    planned = salons.apply(TYPO, DRY)

    counts = planned.consequences
    assert (counts.over_limit, counts.read_only, counts.mails) == (3, 3, {"quota-exceeded": 3})
    assert not planned.needs_approval
    assert salons.apply(BOOKING, DRY).consequences.mails == {}


def test_file_that_touches_many_is_applied_with_the_hash_of_its_plan_alone(office: Context, session: Session) -> None:
    salons = field(office, session, "booking")
    first = salons.client("First")
    salons.fill(first, 98)
    for account in session.scalars(select(Account).where(Account.reseller_id == salons.reseller.id).limit(31)).all():
        salons.use(account, 10)
    with pytest.raises(Conflict) as refused:
        salons.apply(TYPO)
    assert refused.value.code == "approval_required"
    stale = str(refused.value.data["hash"])
    assert stale == salons.apply(TYPO, DRY).hash
    assert f"--approve {stale}" in str(refused.value)

    more = session.scalars(select(Account).where(Account.reseller_id == salons.reseller.id).offset(40).limit(1)).one()
    salons.use(more, 10)
    with pytest.raises(Conflict) as refused:
        salons.apply(TYPO, ApplyOptions(approve=stale))
    assert refused.value.code == "approval_required"
    fresh = str(refused.value.data["hash"])
    assert fresh != stale
    assert salons.apply(TYPO, ApplyOptions(approve=fresh)).plan.applied
    assert salons.payloads("programmes.begin") == [{"programme": "booking", "number": 2, "follows": 1}]


@pytest.mark.parametrize(("copies", "touched", "needed"), [(98, 30, False), (98, 31, True), (97, 31, False)])
def test_guard_rail_holds_from_a_hundred_accounts_and_above_thirty_per_cent(
    office: Context, session: Session, copies: int, touched: int, needed: bool
) -> None:
    salons = field(office, session, "booking")
    salons.fill(salons.client("First"), copies)
    for account in session.scalars(
        select(Account).where(Account.reseller_id == salons.reseller.id).limit(touched)
    ).all():
        salons.use(account, 10)
    assert salons.apply(TYPO, DRY).needs_approval is needed


def test_prices_are_counted_per_period_before_and_after(office: Context, session: Session) -> None:
    salons = field(office, session, "booking")
    client = salons.client("C1")
    plans.take_plan(office, session, client.id, "basic")
    dearer = BOOKING.replace('price: "19.00"', 'price: "25.00"').replace("percent: 20", "percent: 50")
    counts = salons.apply(dearer, DRY).consequences
    assert (str(counts.charges.now.amount), str(counts.charges.then.amount)) == ("15.20", "12.50")
    assert counts.mails == {"price-change": 1}
    assert (counts.assignments, counts.tiers_moved) == (0, 0)


def test_dearer_product_is_announced_and_its_loss_is_noted_once_per_reseller(office: Context, session: Session) -> None:
    calls = with_calls(office, session)
    for name, retail in (("C1", None), ("C2", "8.00"), ("C3", "12.00")):
        fee = None if retail is None else Money(Decimal(retail), "EUR")
        Assignments.of(office, session, calls.client(name).id).assign("line", fee)
    planned = calls.apply(DEARER)
    assert planned.consequences.mails == {"margin-note": 1, "price-change": 1}
    assert planned.consequences.assignments == 3
    [payload] = calls.payloads("programmes.announce")
    assert announcements.announce(office, session, ProgrammesAnnounce.model_validate(payload)) == 2

    mails = {mail.template: mail.facts for mail in session.scalars(select(Mail)).all()}
    assert mails["price-change"] == {
        "begins": "2026-03-02",
        "prices": [
            {
                "item": "Line",
                "monthly": True,
                "before": {"amount": "3.33", "currency": "EUR"},
                "after": {"amount": "10.00", "currency": "EUR"},
            }
        ],
    }
    note = mails["margin-note"]
    assert (note["account"], note["retail_fee"]["amount"], note["wholesale_fee"]["amount"], note["more"]) == (
        "C2",
        "8.00",
        "10.00",
        1,
    )


def test_mail_about_a_price_that_was_taken_back_is_not_sent(office: Context, session: Session) -> None:
    calls = with_calls(office, session)
    calls.apply(DEARER)
    calls.apply(HOUSE)
    first, _ = calls.payloads("programmes.announce")
    assert announcements.announce(office, session, ProgrammesAnnounce.model_validate(first)) == 0


def test_price_of_a_version_that_waits_is_announced_when_another_begins_before_it(
    office: Context, session: Session
) -> None:
    calls = with_calls(office, session)
    calls.apply(DEARER, ApplyOptions(effective=office.now + timedelta(days=10)))
    calls.apply(HOUSE.replace('name: "100"', 'name: "Bronze"'))
    [dearer] = calls.payloads("programmes.announce")
    assert announcements.announce(office, session, ProgrammesAnnounce.model_validate(dearer)) > 0
    calls.apply(HOUSE, ApplyOptions(effective=office.now + timedelta(days=10)))
    assert announcements.announce(office, session, ProgrammesAnnounce.model_validate(dearer)) == 0, "taken back"


def test_resellers_hear_that_an_announced_price_was_taken_back(office: Context, session: Session) -> None:
    calls = with_calls(office, session)
    later = ApplyOptions(effective=office.now + timedelta(days=10))
    calls.apply(DEARER, later)
    [dearer] = calls.payloads("programmes.announce")
    announcements.announce(office, session, ProgrammesAnnounce.model_validate(dearer))
    calls.apply(HOUSE, later)
    _, taken_back = calls.payloads("programmes.announce")
    assert announcements.announce(office, session, ProgrammesAnnounce.model_validate(taken_back)) > 0
    mails = session.scalars(select(Mail).where(Mail.template == "price-change").order_by(Mail.id)).all()
    assert [[price["after"]["amount"] for price in mail.facts["prices"]] for mail in mails] == [["10.00"], ["3.33"]]


def test_later_version_begins_by_its_job_and_has_its_limits_judged(office: Context, session: Session) -> None:
    salons = field(office, session, "booking")
    begins = office.now + timedelta(days=1)
    salons.apply(TYPO, ApplyOptions(effective=begins))
    [payload] = salons.payloads("programmes.begin")
    assert session.scalars(select(Job.run_at).where(Job.task == "programmes.begin")).all() == [begins]
    begun = ProgrammesBegin.model_validate(payload)
    assert not rollout.begin(office, session, begun)
    office.jobs.clock.advance(timedelta(days=1))  # type: ignore[attr-defined]  # the tests' clock is a manual one
    assert rollout.begin(office, session, begun)
    assert salons.payloads("quotas.judge") == [{"programme": "booking", "number": 2, "follows": 1}]


def test_limit_is_judged_against_the_version_before_when_another_began_meanwhile(
    office: Context, session: Session
) -> None:
    salons, hour = field(office, session, "booking"), timedelta(hours=1)
    clock: ManualClock = office.jobs.clock  # type: ignore[assignment]  # the tests' clock is a manual one
    salons.apply(BOOKING.replace('price: "19.00"', 'price: "21.00"'), ApplyOptions(effective=office.now + 3 * hour))
    clock.advance(hour)
    salons.apply(TYPO)
    waiting, typo = (ProgrammesBegin.model_validate(each) for each in salons.payloads("programmes.begin"))
    assert rollout.begin(office, session, typo)
    assert len(salons.payloads("quotas.judge")) == 1
    session.execute(update(Job).where(Job.task == "quotas.judge").values(unique_key=None))
    clock.advance(2 * hour)
    assert rollout.begin(office, session, waiting), "the waiting file takes the typo back"
    assert len(salons.payloads("quotas.judge")) == 2


def test_limits_of_each_version_are_judged_after_an_outage_over_two(office: Context, session: Session) -> None:
    salons, hour = field(office, session, "booking"), timedelta(hours=1)
    clock: ManualClock = office.jobs.clock  # type: ignore[assignment]  # the tests' clock is a manual one
    clock.advance(hour)
    salons.apply(TYPO)
    clock.advance(hour)
    salons.apply(TYPO.replace('price: "19.00"', 'price: "21.00"'))
    typo, dearer = (ProgrammesBegin.model_validate(each) for each in salons.payloads("programmes.begin"))
    assert rollout.begin(office, session, typo)
    assert len(salons.payloads("quotas.judge")) == 1
    assert rollout.begin(office, session, dearer)
    assert len(salons.payloads("quotas.judge")) == 1, "it changed no limit"


def test_other_metrics_of_a_plan_are_not_judged_when_one_limit_changes(office: Context, session: Session) -> None:
    two = BOOKING.replace("appointments: 50\n", "appointments: 50\n      staff: 3\n")
    salons = field(office, session, "booking")
    salons.apply(two)
    changed = usage.changed_limits(parsed(two), parsed(two.replace("staff: 3", "staff: 2")))
    assert changed == {"free": {"staff"}}
    salon = salons.client("Figaro")
    salons.use(salon, 45)
    session.execute(delete(QuotaNotice))
    quotas.check_changed(session, office.jobs, office.programme(session, "booking"), [salon], changed, office.now)
    assert session.scalars(select(QuotaNotice.metric)).all() == []
    quotas.check_changed(
        session,
        office.jobs,
        office.programme(session, "booking"),
        [salon],
        {"free": frozenset({"appointments"})},
        office.now,
    )
    assert session.scalars(select(QuotaNotice.metric)).all() == ["appointments"]


def parsed(source: str) -> Programme:
    """The programme of a file."""
    programme = parse(source)
    assert isinstance(programme, Programme)
    return programme


def test_version_that_another_replaced_at_its_instant_never_begins(office: Context, session: Session) -> None:
    salons, begins = field(office, session, "booking"), office.now + timedelta(hours=1)
    salons.apply(TYPO, ApplyOptions(effective=begins))
    salons.apply(BOOKING.replace('price: "19.00"', 'price: "21.00"'), ApplyOptions(effective=begins))
    office.jobs.clock.advance(timedelta(hours=1))  # type: ignore[attr-defined]  # the tests' clock is a manual one
    typo, dearer = (ProgrammesBegin.model_validate(each) for each in salons.payloads("programmes.begin"))
    assert not rollout.begin(office, session, typo)
    assert rollout.begin(office, session, dearer)
    assert salons.payloads("quotas.judge") == []


def test_renamed_tier_moves_and_mails_nobody(office: Context, session: Session) -> None:
    calls = with_calls(office, session)
    assert calls.apply(HOUSE.replace('name: "100"', 'name: "Bronze"'), DRY).consequences.tiers_moved == 0
