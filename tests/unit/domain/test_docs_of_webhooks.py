import re
from pathlib import Path

from domain.webhooks import EVENT_TYPES
from tasks.catalogue import PAYLOADS
from tasks.offers import RETRY

REFERENCE = Path(__file__).parents[3] / "docs" / "reference"


def first_cells(page: str, header: str) -> list[str]:
    """The first cells of the table with that header, without backquotes."""
    text = (REFERENCE / page).read_text(encoding="utf-8")
    table = text.split(f"| {header} |", 1)[1].split("\n\n", 1)[0]
    return re.findall(r"^\| `([^`]+)` \|", table, re.MULTILINE)


def test_every_event_that_endpoints_can_ask_for_is_documented_and_no_other() -> None:
    assert sorted(first_cells("webhooks.md", "event")) == sorted(EVENT_TYPES)


def test_every_job_of_offers_and_licences_is_documented_and_no_other() -> None:
    tasks = [one.policy.name for one in PAYLOADS if one.policy.queue == "offers"]
    assert sorted(first_cells("offers.md", "task")) == sorted(tasks)
    assert all(one.policy.retry == RETRY for one in PAYLOADS if one.policy.name == "offers.deliver")
    assert f"{RETRY.max_attempts} in all" in (REFERENCE / "offers.md").read_text(encoding="utf-8")
