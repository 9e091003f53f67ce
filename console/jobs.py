"""Jobs: searched by filters that live in the address, one page after another."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final
from urllib.parse import urlencode

from console.answers import Page
from console.visit import Arrival, Visit
from domain.errors import Invalid
from domain.jobs import JobState
from domain.paging import cursor_id
from services import jobs
from store.jobs_read import JobQuery

SHOWN: Final = 50
PREFIX: Final = "args."
PLAIN: Final = ("task", "queue", "tenant", "error", "fingerprint")


@dataclass(frozen=True, slots=True)
class Asked:
    """The filters of the address, as the form shows them again."""

    states: tuple[str, ...]
    texts: Mapping[str, str]
    after: datetime | None
    before: datetime | None
    args: tuple[tuple[str, str], ...]

    @property
    def query(self) -> JobQuery:
        """What the ledger is asked."""
        tenant = self.texts.get("tenant")
        return JobQuery(
            states=frozenset(self.states),
            task=self.texts.get("task"),
            queue=self.texts.get("queue"),
            tenants=None if tenant is None else (tenant,),
            created_after=self.after,
            created_before=self.before,
            args=self.args,
            fingerprint=self.texts.get("fingerprint"),
            error=self.texts.get("error"),
        )


def show_jobs(visit: Visit) -> Page:
    """Matching jobs, newest first. Raises Invalid for a time that is none."""
    asked = _asked(visit.arrival)
    query = jobs.within_span(asked.query, visit.now, real_time=not visit.deps.test_clock)
    query = replace(query, before=cursor_id(visit.arrival.asked("cursor")))
    found = jobs.search(visit.session, visit.deps.jobs.catalogue, query, SHOWN)
    catalogue = visit.deps.jobs.catalogue
    values = {
        "asked": asked,
        "states": list(JobState),
        "tasks": sorted(payload.policy.name for payload in catalogue),
        "queues": catalogue.queues,
        "found": found,
        "next": None if found.next is None else _following(visit.arrival, str(found.next)),
        "first": visit.arrival.asked("cursor") is None,
        "week": asked.after is None and asked.before is None,
    }
    return Page("jobs.html", "Jobs", values, "jobs")


def _asked(arrival: Arrival) -> Asked:
    texts = {name: text for name in PLAIN if (text := arrival.asked(name)) is not None}
    return Asked(
        states=tuple(state for state in arrival.query.getlist("state") if state in set(JobState)),
        texts=texts,
        after=_instant(arrival.asked("after")),
        before=_instant(arrival.asked("before")),
        args=tuple(_args(arrival)),
    )


def _args(arrival: Arrival) -> Sequence[tuple[str, str]]:
    """`args.KEY=value` of the address, and the pair of fields that the form has."""
    named = [(name.removeprefix(PREFIX), text) for name, text in arrival.query.multi_items() if name.startswith(PREFIX)]
    key, value = arrival.asked("key"), arrival.asked("value")
    typed = [(key, value or "")] if key else []
    return [(name.replace("\x00", ""), text.replace("\x00", "").strip()) for name, text in [*named, *typed] if name]


def _instant(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise Invalid(message=f"{text} is no time; write it like 2026-03-02T12:00.") from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _following(arrival: Arrival, cursor: str) -> str:
    kept = [(name, text) for name, text in arrival.query.multi_items() if name not in {"cursor", "done"}]
    return f"/console/jobs?{urlencode([*kept, ('cursor', cursor)])}"
