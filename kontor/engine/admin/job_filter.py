"""The one job filter: its SQL, its query string, its JSON, its description."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Final, Self
from urllib.parse import urlencode
from uuid import UUID

from pydantic import BaseModel, ConfigDict, field_serializer

from kontor.kernel.errors import Invalid
from kontor.kernel.states import JobState
from kontor.kernel.zones import parse_time

HOT: Final = "jobs"
COLD: Final = "jobs_archive"
COLD_DEAD: Final = f"(SELECT * FROM {COLD} WHERE state = 'dead') AS {COLD}"  # noqa: S608 -- constants
"""A literal: no plan proves from a list of states that the index of dead jobs holds all of them."""
COLD_STATES: Final = frozenset({JobState.SUCCEEDED, JobState.CANCELLED})
"""States that only the archive has. Dead jobs are in both tables."""
PREFIX: Final = "args."
EACH_ARG: Final = "payload ->> %(key)s = %(value)s"
"""One such clause for each pair."""
OF_EXTERNAL_ID: Final = "id IN (SELECT job_id FROM declared_jobs WHERE external_id = %(external_id)s)"
NOT_BEFORE: Final = """
NOT EXISTS (SELECT FROM (SELECT id::text AS client, reseller_since AS since FROM accounts
    WHERE reseller_id = %(reseller)s AND reseller_since IS NOT NULL) AS moved WHERE client = tenant AND id < since)
""".strip()
TIMES: Final = frozenset({"created_after", "created_before"})


def _last(texts: list[str]) -> str:
    return texts[-1]


def _states(texts: list[str]) -> frozenset[str]:
    return frozenset(JobState).intersection(texts)


def _instant(texts: list[str]) -> datetime:
    try:
        instant = parse_time(texts[-1])
    except ValueError:
        raise Invalid(message=f"{texts[-1]} is not a time; use the form 2026-03-02T12:00.") from None
    return instant.astimezone(UTC) if instant.tzinfo else instant.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Condition:
    """How a field narrows the SQL; its name, reader and label in the console, None if nobody chooses it there."""

    sql: str
    param: str | None = None
    label: str = ""
    read: Callable[[list[str]], object] = _last


class JobFilter(BaseModel):
    """A job filter; a default value means any. `tenants` () means no job. `args` are compared as text.

    `error` matches a part of the error message, ignoring case; `fingerprint` groups similar errors. `reseller` leaves
    out jobs of its clients from before they came to it, `hidden_tasks` those whose arguments the caller may not search.
    `floor` and `before` bound the ids of one search or chunk.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    states: Annotated[frozenset[str], Condition("state = ANY(%(states)s)", "state", "state {}", _states)] = frozenset()
    task: Annotated[str | None, Condition("task = %(task)s", "task", "task {}")] = None
    queue: Annotated[str | None, Condition("queue = %(queue)s", "queue", "queue {}")] = None
    tenants: Annotated[tuple[str, ...] | None, Condition("tenant = ANY(%(tenants)s)", "tenant", "tenant {}", tuple)] = (
        None
    )
    error: Annotated[
        str | None,
        Condition("strpos(lower(error ->> 'message'), lower(%(error)s)) > 0", "error", "error contains “{}”"),
    ] = None
    fingerprint: Annotated[str | None, Condition("fingerprint = %(fingerprint)s", "fingerprint", "fingerprint {}")] = (
        None
    )
    created_after: Annotated[
        datetime | None, Condition("created_at >= %(created_after)s", "after", "created from {}", _instant)
    ] = None
    created_before: Annotated[
        datetime | None, Condition("created_at < %(created_before)s", "before", "created before {}", _instant)
    ] = None
    external_id: Annotated[str | None, Condition(OF_EXTERNAL_ID, "external_id", "external id {}")] = None
    args: Annotated[tuple[tuple[str, str], ...], Condition(EACH_ARG, PREFIX)] = ()
    reseller: Annotated[UUID | None, Condition(NOT_BEFORE)] = None
    hidden_tasks: Annotated[tuple[str, ...], Condition("task <> ALL(%(hidden_tasks)s)")] = ()
    floor: Annotated[UUID | None, Condition("id >= %(floor)s")] = None
    before: Annotated[UUID | None, Condition("id < %(before)s")] = None

    @field_serializer("states")
    def in_order(self, states: frozenset[str]) -> list[str]:
        """Serialise the states in one order."""
        return sorted(states)

    @classmethod
    def load(cls, stored: Mapping[str, Any]) -> "JobFilter":
        """Rebuild a filter from `dump`; members of other releases are any, unknown ones raise ValidationError."""
        return JobFilter.model_validate(dict(stored))

    def dump(self) -> dict[str, Any]:
        """Return the filter as JSON without `before`, which is progress, and a member that the last release lacks."""
        newer = {name for name in ("reseller", "hidden_tasks", "external_id") if not getattr(self, name)}
        return {name: _as_json(getattr(self, name)) for name in CONDITIONS.keys() - {"before", *newer}}

    def replace(self, **changes: object) -> Self:
        """Return the filter with other values of some fields."""
        return type(self).model_validate({**dict(self), **changes})

    @classmethod
    def parse(cls, pairs: Iterable[tuple[str, str]]) -> "JobFilter":
        """Parse a query string or a form of the console. Raises Invalid for a malformed time."""
        parameters = [(name, _plain(text)) for name, text in pairs]
        values: dict[str, object] = {"args": _parse_args(parameters)}
        for name, condition in CONDITIONS.items():
            texts = [text for parameter, text in parameters if parameter == condition.param and text]
            if texts:
                values[name] = condition.read(texts)
        return JobFilter.model_validate(values)

    def to_query_string(self) -> str:
        """Return the query string that `parse` reads. Raises ValueError for no tenants, which it cannot express."""
        if self.tenants == ():
            raise ValueError("a query string cannot ask for the jobs of no tenant")
        pairs = [
            (condition.param, text)
            for name, condition in CONDITIONS.items()
            if condition.param is not None and name != "args"
            for text in _texts(getattr(self, name))
        ]
        return urlencode([*pairs, *((f"{PREFIX}{key}", text) for key, text in self.args)])

    @property
    def is_narrow(self) -> bool:
        """Whether any filter other than time is set."""
        return bool(set(_criteria(self)) - TIMES)

    def describe(self) -> list[str]:
        """Describe the filter, one text per field."""
        texts = []
        for name, value in _criteria(self).items():
            label = CONDITIONS[name].label
            if label:
                shown = _minute(value) if isinstance(value, datetime) else " or ".join(sorted(_texts(value)))
                texts.append(label.format(shown) if shown else "no tenant")
        return texts + [f"{PREFIX}{key} = {text}" for key, text in self.args]


def _condition(name: str) -> Condition:
    """Return the condition of a field. Raises TypeError: a field without one would match every job."""
    for item in JobFilter.model_fields[name].metadata:
        if isinstance(item, Condition):
            return item
    raise TypeError(f"JobFilter.{name} requires a Condition")


CONDITIONS: Final[Mapping[str, Condition]] = {name: _condition(name) for name in JobFilter.model_fields}


def tables(job_filter: JobFilter) -> tuple[str, ...]:
    """Return the tables that hold jobs in the filter's states, as parts of a FROM."""
    states = job_filter.states or frozenset(JobState)
    hot = (HOT,) if states - COLD_STATES else ()
    if states & COLD_STATES:
        return (*hot, COLD)
    return (*hot, COLD_DEAD) if JobState.DEAD in states else hot


def conditions(job_filter: JobFilter) -> tuple[str, dict[str, Any]]:
    """Return the WHERE clause of a filter and its values."""
    clauses, values = ["true"], dict[str, Any]()
    for name, value in _criteria(job_filter).items():
        if name == "args":
            for number, (key, text) in enumerate(value):
                clauses.append(EACH_ARG.replace(")s", f"{number})s"))
                values.update({f"key{number}": key, f"value{number}": text})
            continue
        clauses.append(CONDITIONS[name].sql)
        values[name] = sorted(value) if isinstance(value, frozenset | tuple) else value
    if job_filter.tenants is not None and "" not in job_filter.tenants:
        clauses.append("tenant <> ''")
    return " AND ".join(clauses), values


def _criteria(job_filter: JobFilter) -> dict[str, Any]:
    """Return the fields that are set."""
    values = {name: getattr(job_filter, name) for name in CONDITIONS}
    return {name: value for name, value in values.items() if value != JobFilter.model_fields[name].default}


def _parse_args(parameters: list[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """Return `args.KEY=value` parameters and the form's `key` and `value` fields."""
    typed = dict(parameters)
    pairs = [(name.removeprefix(PREFIX), text) for name, text in parameters if name.startswith(PREFIX)]
    pairs.append((typed.get("key", ""), typed.get("value", "")))
    return tuple((_plain(name), text) for name, text in pairs if _plain(name))


def _plain(text: str) -> str:
    """Strip blanks, and NUL characters, which PostgreSQL rejects."""
    return text.replace("\x00", "").strip()


def _texts(value: object) -> list[str]:
    """Return a field's value as texts of a query string; none for any."""
    if isinstance(value, frozenset):
        return [state for state in JobState if state in value]
    if isinstance(value, datetime):
        return [value.astimezone(UTC).isoformat().replace("+00:00", "Z")]
    if isinstance(value, tuple):
        return [str(item) for item in value]
    return [] if value is None else [str(value)]


def _minute(instant: datetime) -> str:
    return f"{instant.astimezone(UTC).isoformat()[:16]} UTC"


def _as_json(value: object) -> object:
    match value:
        case frozenset():
            return sorted(value)
        case tuple():
            return [_as_json(item) for item in value]
        case datetime():
            return value.isoformat()
        case UUID():
            return str(value)
        case _:
            return value
