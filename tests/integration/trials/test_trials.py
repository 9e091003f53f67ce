"""Trials from their start to their end (programme.md 4.2-4.4), over a real ledger."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from domain.errors import Conflict
from domain.mailing import MailDeferred
from models.accounts import Account
from services import accounts, clients, reselling
from services.accounts import NewAccount
from services.discounts.book import DiscountBook
from services.merging import merges as merging
from tests.support.trials import CHEF, EXAMPLE, TrialScenario

DAY = timedelta(days=1)
TICK = timedelta(microseconds=1)
PARIS = ZoneInfo("Europe/Paris")


def trial(world: TrialScenario) -> dict[str, Any]:
    found: dict[str, Any] = world.shown()["trial"]
    return found


def test_a_trial_lasts_seven_times_24_hours_without_a_limit(world: TrialScenario) -> None:
    started = world.clock.now()
    assert world.shown()["usage"] == {"appointments": {"value": 0, "limit": 50}}

    ends_at = world.start()

    assert ends_at == started + 7 * DAY
    shown = world.shown()
    assert shown["trial"] == {"state": "running", "ends_at": ends_at}
    assert (shown["plan"], shown["usage"]["appointments"]["limit"]) == ("free", None)


@pytest.mark.parametrize("start", [datetime(2026, 3, 22, 9, tzinfo=PARIS), datetime(2026, 10, 18, 9, tzinfo=PARIS)])
def test_a_change_of_the_clock_makes_it_no_shorter_and_no_longer(world: TrialScenario, start: datetime) -> None:
    world.set(start)
    ends_at = world.start()

    assert ends_at - start.astimezone(UTC) == timedelta(hours=7 * 24)
    assert ends_at.astimezone(PARIS).hour in {8, 10}
    world.set(ends_at - TICK)
    assert trial(world)["state"] == "running"
    world.set(ends_at)
    assert trial(world)["state"] == "expired"


def test_it_is_over_on_read_though_no_job_ran(world: TrialScenario) -> None:
    ends_at = world.start()
    world.report("value", 51)
    world.set(ends_at)

    shown = world.shown()
    assert shown["trial"]["state"] == "expired"
    assert shown["usage"] == {"appointments": {"value": 51, "limit": 50}}
    assert shown["read_only"] is True


def test_every_mail_of_a_trial_that_expires(world: TrialScenario) -> None:
    ends_at = world.start()
    for at in (ends_at - 3 * DAY - TICK, ends_at - 3 * DAY, ends_at - DAY, ends_at - TICK, ends_at, ends_at + DAY):
        world.go_to(at)

    assert world.mails("trial") == ["trial-started", "trial-reminder", "trial-reminder", "trial-ended"]
    days = [mail.facts["days"] for mail, _ in world.posted("trial-reminder")]
    assert days == [3, 1]
    (ended, whom), *_ = world.posted("trial-ended")
    assert (ended.facts["read_only"], whom, ended.reseller_id) == (
        False,
        [("to", "ann@figaro.example")],
        world.reseller,
    )
    assert all(mail.state == "sent" for mail, _ in world.posted("trial-reminder"))
    assert [one["outcome"] for one in world.events("trial.ended")] == ["expired"]
    assert [one["ends_at"] for one in world.events("trial.started")] == [ends_at.isoformat()]


def test_after_an_outage_one_late_reminder_is_sent(world: TrialScenario) -> None:
    ends_at = world.start()
    world.go_to(ends_at - timedelta(hours=5))
    world.work()

    assert [mail.facts["days"] for mail, _ in world.posted("trial-reminder")] == [1]


def test_after_an_outage_over_its_end_there_is_no_reminder_but_the_end(world: TrialScenario) -> None:
    ends_at = world.start()
    world.work()
    world.go_to(ends_at + 30 * DAY)

    assert world.mails("trial") == ["trial-started", "trial-ended"]
    assert trial(world) == {"state": "expired", "ends_at": ends_at}
    (ended, _), *_ = world.posted("trial-ended")
    assert datetime.fromisoformat(ended.facts["ended_at"]) == ends_at


def test_over_its_limit_the_account_is_read_only_and_gets_the_quota_mail(world: TrialScenario) -> None:
    ends_at = world.start()
    world.report("value", 51, at=world.clock.now())
    world.work()
    assert world.mails("quota") == []
    world.go_to(ends_at)

    assert world.mails("quota") == ["quota-exceeded"]
    (ended, _), *_ = world.posted("trial-ended")
    told = {name: ended.facts[name] for name in ("metric", "value", "limit", "read_only")}
    assert told == {"metric": "appointments", "value": 51, "limit": 50, "read_only": True}
    assert world.shown()["read_only"] is True


def test_a_paid_plan_ends_it_as_converted_at_that_moment_and_nobody_is_reminded(world: TrialScenario) -> None:
    ends_at = world.start()
    world.pass_time(DAY)
    assert world.take_plan("basic")
    moment = world.clock.now()

    world.go_to(ends_at + DAY)

    assert trial(world) == {"state": "converted", "ends_at": moment}
    assert world.mails("trial") == ["trial-started"]
    assert [one["outcome"] for one in world.events("trial.ended")] == ["converted"]


def test_a_reminder_that_was_posted_before_the_plan_was_taken_is_not_sent(world: TrialScenario) -> None:
    ends_at = world.start()
    world.work()
    world.transport.answers["ann@figaro.example"] = MailDeferred("not now")
    world.go_to(ends_at - DAY)
    world.take_plan("basic")
    world.transport.answers.clear()
    world.pass_time(timedelta(hours=2))

    (mail, _), *_ = world.posted("trial-reminder")
    assert (mail.state, mail.reason) == ("skipped", "a paid plan was taken")


def test_a_plan_bought_in_the_same_second_as_the_end(world: TrialScenario) -> None:
    other = world.another("Barbier", "bob@barbier.example")
    ends_at = world.start()
    world.start(other)
    world.work()

    world.set(ends_at - TICK)
    assert world.take_plan("basic") is True
    world.set(ends_at)
    assert world.take_plan("basic", other) is False
    world.work()

    assert trial(world)["state"] == "converted"
    assert world.shown(other)["trial"] == {"state": "expired", "ends_at": ends_at}
    assert [one["outcome"] for one in world.events("trial.ended")] == ["converted", "expired"]
    assert world.mails("trial-ended") == []


def test_there_is_no_trial_while_a_paid_plan_runs_and_no_second_one(world: TrialScenario) -> None:
    world.take_plan("basic")
    with pytest.raises(Conflict, match="paid plan") as refused:
        world.start()
    assert refused.value.code == "already_subscribed"
    world.take_plan("free")
    world.start()
    for wait in (timedelta(0), 8 * DAY, 400 * DAY):
        world.pass_time(wait)
        with pytest.raises(Conflict) as again:
            world.start()
        assert again.value.code == "trial_used"


def test_a_programme_without_a_trial_has_none(world: TrialScenario) -> None:
    head, _, tail = EXAMPLE.read_text().partition("trial:\n  days: 7\n  reminders: [3, 1]\n")
    world.apply(head + tail)
    with pytest.raises(Conflict) as refused:
        world.start()
    assert refused.value.code == "no_trial"


def test_a_deleted_account_ends_its_trial_and_a_new_one_of_that_admin_gets_none(world: TrialScenario) -> None:
    world.start()
    world.pass_time(DAY)
    world.delete()
    assert world.shown()["trial"] == {"state": "expired", "ends_at": world.clock.now()}
    assert [one["outcome"] for one in world.events("trial.ended")] == ["expired"]

    world.pass_time(60 * DAY)
    again = world.another("Figaro the Second", "ANN@figaro.example")
    with pytest.raises(Conflict) as refused:
        world.start(again)
    assert refused.value.code == "trial_used"
    assert world.mails("trial-ended") == []


def test_the_address_after_a_hand_over_counts_too(world: TrialScenario) -> None:
    world.start()
    with world.transaction() as session:
        accounts.change(world.book, session, world.client, {"admin_email": "new@figaro.example"})
    world.delete()
    for name, address in (("One", "ann@figaro.example"), ("Two", "new@figaro.example")):
        with pytest.raises(Conflict):
            world.start(world.another(name, address))


def test_the_resellers_own_address_counts_by_the_accounts_name(world: TrialScenario) -> None:
    first, second = world.another("Salon One", CHEF), world.another("Salon Two", CHEF)
    world.start(first)
    world.start(second)
    world.delete(first)
    with world.transaction() as session:
        session.get_one(Account, first).purged_at = world.clock.now()
    with pytest.raises(Conflict):
        world.start(world.another("SALON one", CHEF))


def test_disconnecting_gives_no_second_trial_and_lets_a_running_one_run(world: TrialScenario) -> None:
    ends_at = world.start()
    with world.transaction() as session:
        clients.disconnect(world.book, session, world.reseller, world.client)
    assert trial(world)["state"] == "running"
    with pytest.raises(Conflict):
        world.start()
    world.go_to(ends_at)
    (ended, _), *_ = world.posted("trial-ended")
    assert (trial(world)["state"], ended.reseller_id) == ("expired", None)
    with pytest.raises(Conflict):
        world.start()


def test_a_merge_gives_no_second_trial_either(world: TrialScenario) -> None:
    own = world.another("Own", CHEF)
    for account_id in (world.client, own):
        world.start(account_id)
    book = DiscountBook(world.book.jobs, world.book.programmes)
    with world.transaction() as session:
        owner = accounts.create(world.book, session, NewAccount("booking", "Beauty", "boss@beauty.example"))
        into = reselling.become_reseller(world.book, session, owner.id).account.id
    with world.transaction() as session:
        merging.merge(book, session, world.reseller, into)

    assert trial(world)["state"] == "running"
    for account_id in (world.client, own):
        with pytest.raises(Conflict):
            world.start(account_id)
    world.delete(own)
    again = world.another("Own again", CHEF, into)
    with pytest.raises(Conflict) as refused:
        world.start(again)
    assert refused.value.code == "trial_used"
