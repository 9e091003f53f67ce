"""Quota mails: each threshold is mailed once, to the right recipients (programme.md 4.5-4.6)."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from kontor.kernel.ports import MailDeferred
from kontor.kernel.states import ReportKind
from kontor.usage import quotas
from kontor.usage.service import NewUsageReport
from models.accounts import Account
from models.mails import Suppression
from tests.support.trials import CHEF, EXAMPLE, TrialScenario

ANN = "ann@figaro.example"
PARIS = ZoneInfo("Europe/Paris")
APRIL = datetime(2026, 4, 1, tzinfo=PARIS).astimezone(UTC)
HOUR = timedelta(hours=1)
DEFER = MailDeferred("not now")


def test_each_threshold_has_its_own_mail(world: TrialScenario) -> None:
    for _ in range(52):
        world.report("delta", 1)
        world.work()

    facts_by_template = {mail.template: mail.facts for mail, _ in (m for t in TEMPLATES for m in world.posted(t))}
    values = {name: (facts["value"], facts["percent"], facts["read_only"]) for name, facts in facts_by_template.items()}
    assert values == {
        "quota-warning": (40, 80, False),
        "quota-reached": (50, 100, False),
        "quota-exceeded": (51, 102, True),
    }
    assert world.mails("quota") == list(TEMPLATES)
    assert facts_by_template["quota-exceeded"]["resets_on"] == "2026-04-01"
    assert [(event["value"], event["limit"]) for event in world.events("quota.exceeded")] == [(51, 50)]
    assert world.shown().read_only is True


TEMPLATES = ("quota-warning", "quota-reached", "quota-exceeded")


def test_limit_is_reached_by_the_50th_and_exceeded_by_the_51st(world: TrialScenario) -> None:
    world.report("value", 50)
    world.work()
    assert (world.mails("quota"), world.shown().read_only) == (["quota-reached"], False)
    world.report("delta", 1)
    world.work()
    assert (world.mails("quota"), world.shown().read_only) == (["quota-reached", "quota-exceeded"], True)


def test_jump_sends_only_the_highest_threshold_and_never_repeats_it(world: TrialScenario) -> None:
    for level in (51, 3, 45, 50, 60):
        world.report("value", level)
        world.work()
    assert world.mails("quota") == ["quota-exceeded"]
    assert len(world.events("quota.exceeded")) == 1


def test_mail_about_a_level_names_no_reset_date(world: TrialScenario) -> None:
    world.report("value", 51)
    world.work()
    (mail, _), *_ = world.posted("quota-exceeded")
    assert mail.facts["resets_on"] is None


def test_mail_goes_to_the_clients_admin_in_the_resellers_name_with_a_copy(world: TrialScenario) -> None:
    world.report("value", 51)
    world.work()
    ((mail, whom),) = world.posted("quota-exceeded")
    assert whom == [("to", ANN), ("cc", CHEF)]
    assert mail.from_address == "pas-repondre@booking.example"
    assert mail.reseller_id == world.reseller
    assert b"Salons" in world.transport.sent[-1].raw
    assert Counter(sent_mail.recipient for sent_mail in world.transport.sent)[CHEF] == 2


def test_equal_addresses_get_one_copy(world: TrialScenario) -> None:
    client = world.another("Own", CHEF.upper())
    world.report("value", 51, account_id=client)
    world.work()
    ((_, whom),) = world.posted("quota-exceeded")
    assert whom == [("to", CHEF)]


def test_reseller_gets_the_mail_with_a_note_when_the_admin_is_suppressed(world: TrialScenario) -> None:
    with world.transaction() as session:
        until = world.clock.now() + timedelta(days=1)
        session.add(Suppression(address_key=ANN, until=until, reason="refused at RCPT"))
    world.report("value", 45)
    world.work()
    ((mail, whom),) = world.posted("quota-warning")
    assert (whom, mail.state, mail.facts["undeliverable_to"]) == ([("to", CHEF)], "sent", ANN)

    world.pass_time(timedelta(days=1))
    world.report("value", 50)
    world.work()
    ((mail, whom),) = world.posted("quota-reached")
    assert (whom, mail.facts["undeliverable_to"]) == ([("to", ANN), ("cc", CHEF)], "")


def test_mail_to_a_regular_account_has_no_copy(world: TrialScenario) -> None:
    from kontor.accounts import clients

    with world.transaction() as session:
        clients.disconnect(world.ctx, session, world.reseller, world.client)
    world.report("value", 51)
    world.work()
    ((mail, whom),) = world.posted("quota-exceeded")
    assert (whom, mail.reseller_id) == ([("to", ANN)], None)


def test_carried_over_level_is_mailed_only_after_a_new_report(world: TrialScenario) -> None:
    world.report("value", 51)
    world.work()
    world.set(APRIL)
    world.work()
    assert world.mails("quota") == ["quota-exceeded"]
    assert world.shown().usage["appointments"].value == 51

    world.report("value", 52)
    world.work()
    assert world.mails("quota") == ["quota-exceeded"] * 2


def test_carried_over_level_is_not_mailed_after_a_report_of_another_metric(world: TrialScenario) -> None:
    world.apply(EXAMPLE.read_text().replace("appointments: 50\n", "appointments: 50\n      messages: 5\n"))
    world.report("value", 51)
    world.work()
    world.set(APRIL)

    with world.transaction() as session:
        report = NewUsageReport("messages", ReportKind.VALUE, 5, APRIL)
        quotas.receive_report(world.ctx, session, world.client, report)
    world.work()

    assert world.mails("quota") == ["quota-exceeded", "quota-reached"]


def test_late_report_of_a_past_month_is_not_mailed(world: TrialScenario) -> None:
    world.set(APRIL + HOUR)
    world.report("delta", 60, at=APRIL - HOUR)
    world.work()
    assert (world.mails("quota"), world.shown().usage["appointments"].value) == ([], 0)


def test_changed_limit_is_checked_at_once(world: TrialScenario) -> None:
    world.report("value", 39)
    source = EXAMPLE.read_text().replace("appointments: 50\n", "appointments: 38\n")
    world.apply(source)
    world.work()
    assert world.mails("quota") == ["quota-exceeded"]

    world.take_plan("basic")
    world.report("value", 900)
    with world.transaction() as session:
        account = session.get_one(Account, world.client, with_for_update=True)
        account.plan = "free"
        programme = world.ctx.programmes.current(session, "booking")
        quotas.check_thresholds(session, world.ctx.jobs, programme, account, world.clock.now())
    world.work()
    assert world.mails("quota") == ["quota-exceeded", "quota-warning"], "of 38 it was told, of 1,000 it was judged"


def test_carried_level_is_not_mailed_when_only_a_limit_of_another_plan_changes(world: TrialScenario) -> None:
    world.report("value", 45)
    world.work()
    assert world.mails("quota") == ["quota-warning"]
    world.set(APRIL + HOUR)
    assert world.shown().usage["appointments"].value == 45
    world.apply(EXAMPLE.read_text().replace("appointments: 1000\n", "appointments: 2000\n"))
    world.work()
    assert world.mails("quota") == ["quota-warning"]
    world.apply(EXAMPLE.read_text().replace("appointments: 50\n", "appointments: 46\n"))
    world.work()
    assert world.mails("quota") == ["quota-warning", "quota-warning"]


def test_all_accounts_of_a_programme_are_checked_in_chunks(
    world: TrialScenario, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tasks.usage.CHUNK", 2)
    for number in range(5):
        client = world.another(f"Salon {number}", f"admin@salon{number}.example")
        world.report("value", 45, account_id=client)
    world.work()
    world.apply(EXAMPLE.read_text().replace("appointments: 50\n", "appointments: 44\n"))
    world.work()
    assert Counter(world.mails("quota")) == {"quota-warning": 5, "quota-exceeded": 5}


def test_mail_that_no_longer_matches_the_plan_is_not_sent(world: TrialScenario) -> None:
    world.transport.answers[ANN] = DEFER
    world.report("value", 51)
    world.work()
    world.take_plan("basic")
    world.transport.answers.clear()
    world.pass_time(2 * HOUR)
    ((mail, _),) = world.posted("quota-exceeded")
    assert (mail.state, mail.reason) == ("skipped", "the account's plan was changed")


def test_copies_from_the_21st_of_an_hour_are_collected_in_one_digest(world: TrialScenario) -> None:
    clients = [world.another(f"Salon {number:02}", f"admin@salon{number}.example") for number in range(24)]
    for client in clients:
        world.report("value", 51, account_id=client)
    world.work()

    posted = world.posted("quota-exceeded")
    assert len(posted) == 24
    assert [len(whom) for _, whom in posted] == [2] * 20 + [1] * 4
    assert all(whom[0][0] == "to" for _, whom in posted)
    assert world.mails("quota-digest") == []

    hour = world.clock.now().replace(minute=0) + HOUR
    world.set(hour - timedelta(microseconds=1))
    world.work()
    assert world.mails("quota-digest") == []
    world.go_to(hour)
    ((digest, whom),) = world.posted("quota-digest")
    alone = {facts["account"] for facts in (mail.facts for mail, to in posted if len(to) == 1)}
    assert {line["account"] for line in digest.facts["notices"]} == alone
    assert (whom, digest.state) == ([("to", CHEF)], "sent")

    world.report("value", 51)
    world.work()
    assert world.posted("quota-exceeded")[-1][1] == [("to", ANN), ("cc", CHEF)]
    world.pass_time(2 * HOUR)
    assert len(world.posted("quota-digest")) == 1


def test_notice_too_late_for_its_hours_digest_is_in_the_next(world: TrialScenario) -> None:
    from kontor.usage import queries as usage_queries
    from kontor.usage.rules import CC_PER_HOUR, clock_hour

    this, following = clock_hour(world.clock.now())
    with world.transaction() as session:
        usage_queries.lock_hour(session, world.reseller, this)
        usage_queries.close_hour(session, world.reseller, this)
        usage_queries.lock_hour(session, world.reseller, following)
        for _ in range(CC_PER_HOUR):
            usage_queries.count_copy(session, world.reseller, following)
    world.report("value", 51)
    world.work()
    world.go_to(following)
    assert world.mails("quota-digest") == []
    world.go_to(following + HOUR)
    ((digest, _),) = world.posted("quota-digest")
    assert len(digest.facts["notices"]) == 1
