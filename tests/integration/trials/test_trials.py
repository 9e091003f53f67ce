"""Trials from start to end (programme.md 4.2-4.4), on a real ledger."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from kontor.accounts import clients, merge, reseller_status
from kontor.accounts import service as accounts
from kontor.accounts.schemas import TrialOut, UsageOut
from kontor.accounts.service import NewAccount
from kontor.context import Context
from kontor.kernel.errors import Conflict
from kontor.kernel.ports import MailDeferred
from kontor.kernel.states import TrialState
from models.accounts import Account
from tests.support.trials import CHEF, EXAMPLE, TrialScenario

DAY = timedelta(days=1)
TICK = timedelta(microseconds=1)
PARIS = ZoneInfo("Europe/Paris")


def trial(world: TrialScenario) -> TrialOut:
    return world.shown().trial


def test_trial_lasts_seven_times_24_hours_without_a_limit(world: TrialScenario) -> None:
    started = world.clock.now()
    assert world.shown().usage == {"appointments": UsageOut(value=0, limit=50)}

    ends_at = world.start()

    assert ends_at == started + 7 * DAY
    shown = world.shown()
    assert shown.trial == TrialOut(state=TrialState.RUNNING, ends_at=ends_at)
    assert (shown.plan, shown.usage["appointments"].limit) == ("free", None)


@pytest.mark.parametrize("start", [datetime(2026, 3, 22, 9, tzinfo=PARIS), datetime(2026, 10, 18, 9, tzinfo=PARIS)])
def test_trial_length_is_not_changed_by_a_clock_change(world: TrialScenario, start: datetime) -> None:
    world.set(start)
    ends_at = world.start()

    assert ends_at - start.astimezone(UTC) == timedelta(hours=7 * 24)
    assert ends_at.astimezone(PARIS).hour in {8, 10}
    world.set(ends_at - TICK)
    assert trial(world).state == "running"
    world.set(ends_at)
    assert trial(world).state == "expired"


def test_ended_trial_is_expired_on_read_before_the_job_ran(world: TrialScenario) -> None:
    ends_at = world.start()
    world.report("value", 51)
    world.set(ends_at)

    shown = world.shown()
    assert shown.trial.state == "expired"
    assert shown.usage == {"appointments": UsageOut(value=51, limit=50)}
    assert shown.read_only is True


def test_expiring_trial_sends_start_reminders_and_end(world: TrialScenario) -> None:
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
    assert [event["outcome"] for event in world.events("trial.ended")] == ["expired"]
    assert [event["ends_at"] for event in world.events("trial.started")] == [ends_at.isoformat()]


def test_one_reminder_is_sent_after_an_outage(world: TrialScenario) -> None:
    ends_at = world.start()
    world.go_to(ends_at - timedelta(hours=5))
    world.work()

    assert [mail.facts["days"] for mail, _ in world.posted("trial-reminder")] == [1]


def test_no_reminder_is_sent_when_an_outage_lasted_past_the_end(world: TrialScenario) -> None:
    ends_at = world.start()
    world.work()
    world.go_to(ends_at + 30 * DAY)

    assert world.mails("trial") == ["trial-started", "trial-ended"]
    assert trial(world) == TrialOut(state=TrialState.EXPIRED, ends_at=ends_at)
    (ended, _), *_ = world.posted("trial-ended")
    assert datetime.fromisoformat(ended.facts["ended_at"]) == ends_at


def test_account_over_its_limit_is_read_only_at_the_end_and_gets_the_quota_mail(world: TrialScenario) -> None:
    ends_at = world.start()
    world.report("value", 51, at=world.clock.now())
    world.work()
    assert world.mails("quota") == []
    world.go_to(ends_at)

    assert world.mails("quota") == ["quota-exceeded"]
    (ended, _), *_ = world.posted("trial-ended")
    facts = {name: ended.facts[name] for name in ("metric", "value", "limit", "read_only")}
    assert facts == {"metric": "appointments", "value": 51, "limit": 50, "read_only": True}
    assert world.shown().read_only is True


def test_paid_plan_converts_the_trial_at_once_and_stops_reminders(world: TrialScenario) -> None:
    ends_at = world.start()
    world.pass_time(DAY)
    assert world.take_plan("basic")
    moment = world.clock.now()

    world.go_to(ends_at + DAY)

    assert trial(world) == TrialOut(state=TrialState.CONVERTED, ends_at=moment)
    assert world.mails("trial") == ["trial-started"]
    assert [event["outcome"] for event in world.events("trial.ended")] == ["converted"]


def test_queued_reminder_is_not_sent_when_a_plan_was_taken(world: TrialScenario) -> None:
    ends_at = world.start()
    world.work()
    world.transport.answers["ann@figaro.example"] = MailDeferred("not now")
    world.go_to(ends_at - DAY)
    world.take_plan("basic")
    world.transport.answers.clear()
    world.pass_time(timedelta(hours=2))

    (mail, _), *_ = world.posted("trial-reminder")
    assert (mail.state, mail.reason) == ("skipped", "a paid plan was taken")


def test_plan_taken_at_the_end_converts_only_before_it(world: TrialScenario) -> None:
    other = world.another("Barbier", "bob@barbier.example")
    ends_at = world.start()
    world.start(other)
    world.work()

    world.set(ends_at - TICK)
    assert world.take_plan("basic") is True
    world.set(ends_at)
    assert world.take_plan("basic", other) is False
    world.work()

    assert trial(world).state == "converted"
    assert world.shown(other).trial == TrialOut(state=TrialState.EXPIRED, ends_at=ends_at)
    assert [event["outcome"] for event in world.events("trial.ended")] == ["converted", "expired"]
    assert world.mails("trial-ended") == []


def test_no_trial_starts_during_a_paid_plan_or_for_a_second_time(world: TrialScenario) -> None:
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


def test_programme_without_a_trial_refuses_one(world: TrialScenario) -> None:
    head, _, tail = EXAMPLE.read_text().partition("trial:\n  days: 7\n  reminders: [3, 1]\n")
    world.apply(head + tail)
    with pytest.raises(Conflict) as refused:
        world.start()
    assert refused.value.code == "no_trial"


def test_deletion_ends_the_trial_and_the_same_admin_gets_no_second_one(world: TrialScenario) -> None:
    world.start()
    world.pass_time(DAY)
    world.delete()
    assert world.shown().trial == TrialOut(state=TrialState.EXPIRED, ends_at=world.clock.now())
    assert [event["outcome"] for event in world.events("trial.ended")] == ["expired"]

    world.pass_time(60 * DAY)
    again = world.another("Figaro the Second", "ANN@figaro.example")
    with pytest.raises(Conflict) as refused:
        world.start(again)
    assert refused.value.code == "trial_used"
    assert world.mails("trial-ended") == []


def test_former_addresses_count_as_used_too(world: TrialScenario) -> None:
    world.start()
    with world.transaction() as session:
        accounts.change(world.ctx, session, world.client, {"admin_email": "new@figaro.example"})
    world.delete()
    for name, address in (("One", "ann@figaro.example"), ("Two", "new@figaro.example")):
        with pytest.raises(Conflict):
            world.start(world.another(name, address))


def test_trials_with_the_resellers_own_address_count_by_account_name(world: TrialScenario) -> None:
    first, second = world.another("Salon One", CHEF), world.another("Salon Two", CHEF)
    world.start(first)
    world.start(second)
    world.delete(first)
    with world.transaction() as session:
        session.get_one(Account, first).purged_at = world.clock.now()
    with pytest.raises(Conflict):
        world.start(world.another("SALON one", CHEF))


def test_disconnecting_keeps_the_running_trial_and_gives_no_second_one(world: TrialScenario) -> None:
    ends_at = world.start()
    with world.transaction() as session:
        clients.disconnect(world.ctx, session, world.reseller, world.client)
    assert trial(world).state == "running"
    with pytest.raises(Conflict):
        world.start()
    world.go_to(ends_at)
    (ended, _), *_ = world.posted("trial-ended")
    assert (trial(world).state, ended.reseller_id) == ("expired", None)
    with pytest.raises(Conflict):
        world.start()


def test_merge_gives_no_second_trial(world: TrialScenario) -> None:
    own = world.another("Own", CHEF)
    for account_id in (world.client, own):
        world.start(account_id)
    ctx = Context(world.ctx.jobs, world.ctx.programmes)
    with world.transaction() as session:
        owner = accounts.create(world.ctx, session, NewAccount("booking", "Beauty", "boss@beauty.example"))
        into = reseller_status.become_reseller(world.ctx, session, owner.id).account.id
    with world.transaction() as session:
        merge.merge(ctx, session, world.reseller, into)

    assert trial(world).state == "running"
    for account_id in (world.client, own):
        with pytest.raises(Conflict):
            world.start(account_id)
    world.delete(own)
    again = world.another("Own again", CHEF, into)
    with pytest.raises(Conflict) as refused:
        world.start(again)
    assert refused.value.code == "trial_used"


def test_reminders_and_end_come_in_time_when_their_timers_fire_40_days_early(world: TrialScenario) -> None:
    ends_at = world.start()
    world.work()
    assert world.promote_early(timedelta(days=40)) > 0
    world.work()
    assert world.mails("trial") == ["trial-started"]
    for at in (ends_at - 3 * DAY, ends_at - DAY, ends_at):
        world.go_to(at)
    assert world.mails("trial") == ["trial-started", "trial-reminder", "trial-reminder", "trial-ended"]
