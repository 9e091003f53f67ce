"""Concurrent reports and trials from separate processes and threads."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from uuid import UUID

import pytest

from kontor.kernel.errors import Conflict
from tests.support.trials import TrialScenario
from tests.support.usage_race import report_concurrently


@pytest.mark.timeout(180)
def test_concurrent_reports_across_a_limit_send_one_mail_per_threshold(world: TrialScenario, database_url: str) -> None:
    assert report_concurrently(database_url, world.client, processes=8, each=10) == [0] * 8
    world.work()

    assert world.shown().usage["appointments"].value == 85
    assert world.mails("quota") == ["quota-warning", "quota-reached", "quota-exceeded"]
    assert [event["value"] for event in world.events("quota.exceeded")] == [51]


def test_only_one_of_several_concurrent_starts_begins_a_trial(world: TrialScenario) -> None:
    twins = [world.client, world.another("Figaro Two", "ann@figaro.example")]
    start = Barrier(6)

    def begin(account_id: UUID) -> str:
        start.wait(10)
        try:
            world.start(account_id)
        except Conflict as refused:
            return refused.code
        return "started"

    with ThreadPoolExecutor(6) as pool:
        outcomes = sorted(pool.map(begin, twins * 3))

    assert outcomes == ["started", *["trial_used"] * 5]
    assert len(world.events("trial.started")) == 1
