import pytest

from kontor.console.engine_pages import describe_cron


@pytest.mark.parametrize(
    ("cron", "words"),
    [
        ("5 0 * * *", "at 00:05 every day"),
        ("0 6,18 * * *", "at 06:00 and 18:00 every day"),
        ("* * * * *", "every minute"),
        ("*/15 * * * *", "every 15 minutes"),
        ("0 * * * *", "at minute 0 of every hour"),
        ("5,35 * * * *", "at minute 5 and 35 of every hour"),
        ("0 */2 * * *", "at minute 0 of every 2nd hour"),
        ("*/10 */6 * * *", "every 10 minutes of every 6th hour"),
        ("*/10 8-17 * * mon-fri", "every 10 minutes in the hours 08 to 17 on Monday to Friday"),
        ("0 9 * * 1,3", "at 09:00 on Monday and Wednesday"),
        ("0 9 * * 7", "at 09:00 on Sunday"),
        ("0 0 1 * *", "at 00:00 on day 1"),
        ("0 0 L * *", "at 00:00 on the last day of the month"),
        ("0 0 1 jan *", "at 00:00 on day 1 in January"),
        ("0 0 13 * 5", "at 00:00 on day 13 or on Friday"),
        ("0 0 */5 * *", "at 00:00 on day 1 to 31 in steps of 5"),
        ("0 3 * 6-8 *", "at 03:00 every day in June to August"),
    ],
)
def test_schedule_is_described_in_words(cron: str, words: str) -> None:
    assert describe_cron(cron) == words
