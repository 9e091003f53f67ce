"""Job filters in a query string: parse, format, describe."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from urllib.parse import urlencode

from starlette.datastructures import QueryParams

from kontor.engine.admin.job_queries import COLD_STATES, JobQuery
from kontor.kernel.errors import Invalid
from kontor.kernel.states import JobState

PREFIX: Final = "args."
PLAIN: Final = ("task", "queue", "tenant", "error", "fingerprint")


@dataclass(frozen=True, slots=True)
class JobFilter:
    """Filters as the form shows them; `args` compare as text, times are aware."""

    states: tuple[str, ...]
    texts: Mapping[str, str]
    after: datetime | None
    before: datetime | None
    args: tuple[tuple[str, str], ...]

    @property
    def query(self) -> JobQuery:
        """The query for the store. Succeeded jobs keep no error, so a search by error excludes the archive."""
        tenant = self.texts.get("tenant")
        states = frozenset(self.states)
        if not states and ("error" in self.texts or "fingerprint" in self.texts):
            states = frozenset(JobState) - COLD_STATES
        return JobQuery(
            states=states,
            task=self.texts.get("task"),
            queue=self.texts.get("queue"),
            tenants=None if tenant is None else (tenant,),
            created_after=self.after,
            created_before=self.before,
            args=self.args,
            fingerprint=self.texts.get("fingerprint"),
            error=self.texts.get("error"),
        )

    @property
    def address(self) -> str:
        """The filter as a query string."""
        times = [("after", self.after), ("before", self.before)]
        pairs = [("state", state) for state in self.states]
        pairs += list(self.texts.items())
        pairs += [(name, at.strftime("%Y-%m-%dT%H:%M:%SZ")) for name, at in times if at is not None]
        return urlencode([*pairs, *((f"{PREFIX}{key}", value) for key, value in self.args)])

    @property
    def narrow(self) -> bool:
        """Whether any filter other than time is set."""
        return bool(self.states or self.texts or self.args)


def parse_job_filter(params: QueryParams) -> JobFilter:
    """Parse the filters of a query string. Raises Invalid for a malformed time."""
    texts = {name: text for name in PLAIN if (text := _plain(params.get(name, "")))}
    return JobFilter(
        states=tuple(dict.fromkeys(state for state in params.getlist("state") if state in set(JobState))),
        texts=texts,
        after=_instant(_plain(params.get("after", ""))),
        before=_instant(_plain(params.get("before", ""))),
        args=tuple(_args(params)),
    )


def describe_query(query: Mapping[str, object]) -> list[str]:
    """Describe a stored query, one text per filter."""
    words = []
    states, args = query.get("states"), query.get("args")
    if isinstance(states, list) and states:
        words.append("state " + " or ".join(map(str, states)))
    words += [f"{name} {query[name]}" for name in ("task", "queue", "fingerprint") if query.get(name)]
    tenants = query.get("tenants")
    if isinstance(tenants, list):
        words.append("tenant " + " or ".join(map(str, tenants)) if tenants else "no tenant")
    if query.get("error"):
        words.append(f"error contains “{query['error']}”")
    if isinstance(args, list):
        words += [f"args.{pair[0]} = {pair[1]}" for pair in args]
    sides = (("created_after", "created from"), ("created_before", "created before"))
    return words + [f"{label} {str(query[name])[:16]} UTC" for name, label in sides if query.get(name)]


def _args(params: QueryParams) -> Sequence[tuple[str, str]]:
    """Return `args.KEY=value` parameters and the form's `key` and `value` fields."""
    named = [(name.removeprefix(PREFIX), text) for name, text in params.multi_items() if name.startswith(PREFIX)]
    key = _plain(params.get("key", ""))
    typed = [(key, params.get("value", ""))] if key else []
    return [(_plain(name), _plain(text)) for name, text in [*named, *typed] if _plain(name)]


def _plain(text: str) -> str:
    """Strip blanks, and NUL characters, which PostgreSQL rejects."""
    return text.replace("\x00", "").strip()


def _instant(text: str) -> datetime | None:
    if not text:
        return None
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        raise Invalid(message=f"{text} is not a time; use the form 2026-03-02T12:00.") from None
    return instant if instant.tzinfo else instant.replace(tzinfo=UTC)
