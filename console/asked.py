"""The filters of a search for jobs, as they stand in an address."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from urllib.parse import urlencode

from starlette.datastructures import QueryParams

from domain.errors import Invalid
from domain.jobs import JobState
from store.jobs_read import COLD_STATES, JobQuery

PREFIX: Final = "args."
PLAIN: Final = ("task", "queue", "tenant", "error", "fingerprint")


@dataclass(frozen=True, slots=True)
class Asked:
    """The filters, as the form shows them again; `args` compare as text, times are aware."""

    states: tuple[str, ...]
    texts: Mapping[str, str]
    after: datetime | None
    before: datetime | None
    args: tuple[tuple[str, str], ...]

    @property
    def query(self) -> JobQuery:
        """What the ledger is asked. Jobs that ended well keep no error, so a search for one leaves them out."""
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
        """The query part of the address that asks the same."""
        times = [("after", self.after), ("before", self.before)]
        pairs = [("state", state) for state in self.states]
        pairs += list(self.texts.items())
        pairs += [(name, at.strftime("%Y-%m-%dT%H:%M:%SZ")) for name, at in times if at is not None]
        return urlencode([*pairs, *((f"{PREFIX}{key}", value) for key, value in self.args)])

    @property
    def narrow(self) -> bool:
        """Whether anything but the time is asked for."""
        return bool(self.states or self.texts or self.args)


def asked_of(params: QueryParams) -> Asked:
    """Read the filters of an address. Raises Invalid for a time that is none."""
    texts = {name: text for name in PLAIN if (text := _plain(params.get(name, "")))}
    return Asked(
        states=tuple(dict.fromkeys(state for state in params.getlist("state") if state in set(JobState))),
        texts=texts,
        after=_instant(_plain(params.get("after", ""))),
        before=_instant(_plain(params.get("before", ""))),
        args=tuple(_args(params)),
    )


def words_of(query: Mapping[str, object]) -> list[str]:
    """A stored query in words, one filter each."""
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
    return words + [f"{said} {str(query[name])[:16]} UTC" for name, said in sides if query.get(name)]


def _args(params: QueryParams) -> Sequence[tuple[str, str]]:
    """`args.KEY=value` of the address, and the pair of fields that the form has."""
    named = [(name.removeprefix(PREFIX), text) for name, text in params.multi_items() if name.startswith(PREFIX)]
    key = _plain(params.get("key", ""))
    typed = [(key, params.get("value", ""))] if key else []
    return [(_plain(name), _plain(text)) for name, text in [*named, *typed] if _plain(name)]


def _plain(text: str) -> str:
    """Without NUL, which PostgreSQL does not take, and without blanks around it."""
    return text.replace("\x00", "").strip()


def _instant(text: str) -> datetime | None:
    if not text:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise Invalid(message=f"{text} is no time; write it like 2026-03-02T12:00.") from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
