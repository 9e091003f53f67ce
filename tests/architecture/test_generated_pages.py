"""The generated pages are those that the code gives."""

from datetime import timedelta

from devtools.client_code.__main__ import generated
from devtools.reference import COMMAND, MAILS, MAILS_COMMAND, REFERENCE, duration, entries, mails, reference, retries
from kontor.engine.retry import RetryPolicy
from tasks.catalogue import catalogue


def test_the_reference_of_tasks_is_up_to_date() -> None:
    assert REFERENCE.read_text() == reference(), f"stale: run `{COMMAND}`"


def test_the_list_of_mails_is_up_to_date() -> None:
    assert MAILS.read_text() == mails(), f"stale: run `{MAILS_COMMAND}`"


def test_the_code_of_the_clients_is_up_to_date() -> None:
    stale = [path.name for path, text in generated().items() if path.read_text() != text]
    assert stale == [], "run `python -m devtools.client_code`"


def test_the_reference_names_every_task_of_the_catalogue_once() -> None:
    assert sorted(entry.policy.name for entry in entries()) == sorted(task.policy.name for task in catalogue())


def test_a_retry_policy_shows_its_first_pauses_and_its_longest() -> None:
    policy = RetryPolicy(max_attempts=6, base=timedelta(seconds=5), cap=timedelta(minutes=1))

    assert retries(policy) == "6 attempts: 5 s after the first failure, then 10 s, 20 s, … 1 min"
    assert retries(RetryPolicy(max_attempts=5)) == "5 attempts: 2 s after the first failure, then 4 s, 8 s, 16 s"
    assert retries(RetryPolicy(max_attempts=3)) == "3 attempts: 2 s after the first failure, then 4 s"
    assert retries(RetryPolicy(max_attempts=2)) == "2 attempts: 2 s after the first failure"
    assert retries(RetryPolicy(max_attempts=1)) == "1 attempt"


def test_a_duration_is_shown_in_its_largest_whole_unit() -> None:
    assert [duration(timedelta(minutes=n)) for n in (0.5, 90, 120)] == ["30 s", "90 min", "2 h"]
