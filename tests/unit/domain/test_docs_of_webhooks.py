import re
from pathlib import Path

from kontor.licences.payloads import INSTANCE_RETRY
from kontor.webhooks.signing import EVENT_TYPES
from tasks.catalogue import PAYLOADS

REFERENCE = Path(__file__).parents[3] / "docs" / "reference"


def first_cells(page: str, header: str) -> list[str]:
    """The first cells of the table with that header, without backquotes."""
    text = (REFERENCE / page).read_text(encoding="utf-8")
    table = text.split(f"| {header} |", 1)[1].split("\n\n", 1)[0]
    return re.findall(r"^\| `([^`]+)` \|", table, re.MULTILINE)


def test_documented_events_equal_the_code() -> None:
    assert sorted(first_cells("webhooks.md", "event")) == sorted(EVENT_TYPES)


def test_documented_jobs_of_offers_and_licences_equal_the_code() -> None:
    tasks = [payload.policy.name for payload in PAYLOADS if payload.policy.queue == "offers"]
    assert sorted(first_cells("offers.md", "task")) == sorted(tasks)
    assert all(
        payload.policy.retry == INSTANCE_RETRY for payload in PAYLOADS if payload.policy.name == "offers.deliver"
    )
    assert f"{INSTANCE_RETRY.max_attempts} in all" in (REFERENCE / "offers.md").read_text(encoding="utf-8")
