"""How a product is provisioned: the task types of its verbs, the schema of its config, its term and renewal."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from pydantic import JsonValue

from kontor.kernel.errors import Invalid
from kontor.kernel.json_schema import compiled
from kontor.kernel.states import Renewal, ServiceVerb
from kontor.kernel.terms import Duration, InvalidTerm, parse_term
from kontor.programme.reader import FieldReader, SectionReader

TASK_NAME: Final = re.compile(r"[a-z][a-z0-9_-]*(\.[a-z][a-z0-9_-]*)+", re.ASCII)
MOST_GRACE: Final = 29
"""Days; a service that stays unpaid for 30 ends."""
MOST_TERMS: Final = 12
"""An order's term is at most this many terms of the product."""


@dataclass(frozen=True, slots=True)
class ProvisioningRules:
    """The keys `provisioning`, `config`, `term`, `renewal` and `grace` of a product.

    `term`: a duration such as `P1M`, None for a service without an end. `grace`: days after its end before a service
    that was not renewed is suspended.
    """

    tasks: Mapping[ServiceVerb, str] = field(default_factory=dict)
    config: Mapping[str, JsonValue] | None = None
    term: str | None = None
    renewal: Renewal = Renewal.MANUAL
    grace: int = 0

    def multiple_of(self, term: str) -> int | None:
        """Return how many terms of the product another term is; None unless it is 1 to 12 of them, whole."""
        if self.term is None:
            return None
        own, other = parse_term(self.term), parse_term(term)
        if not isinstance(own, Duration) or not isinstance(other, Duration):
            return None
        multiples = (
            n for n in range(1, MOST_TERMS + 1) if (own.months * n, own.days * n) == (other.months, other.days)
        )
        return next(multiples, None)

    def terms(self) -> tuple[str, ...]:
        """Return the terms that an order may have: 1 to 12 of the product's; none for a service without an end."""
        own = None if self.term is None else parse_term(self.term)
        if self.term is None or not isinstance(own, Duration):
            return ()
        more = (Duration(own.months * n, own.days * n) for n in range(2, MOST_TERMS + 1))
        return (self.term, *map(_text, more))


def _text(term: Duration) -> str:
    """Return a duration as it is written."""
    years, months = divmod(term.months, 12)
    parts = ((years, "Y"), (months, "M"), (term.days, "D"))
    return "P" + "".join(f"{number}{unit}" for number, unit in parts if number)


def read_provisioning(section: SectionReader) -> ProvisioningRules:
    """Read the keys of a product."""
    tasks, config, term = section.optional("provisioning"), section.optional("config"), section.optional("term")
    renewal, grace = section.optional("renewal"), section.optional("grace")
    if term is None:
        for name, other in (("renewal", renewal), ("grace", grace)):
            if other is not None:
                other.add_error(f"{name!r} requires the key 'term': a service without a term has no end")
    return ProvisioningRules(
        tasks=_tasks(tasks) if tasks else {},
        config=_schema(config) if config else None,
        term=term.validated(duration, "P1M") if term else None,
        renewal=renewal.choice(Renewal) if renewal else Renewal.MANUAL,
        grace=grace.validated(_days, 0) if grace else 0,
    )


def duration(text: str) -> str:
    """Return a duration such as `P6M` as it is. Raises ValueError."""
    if not isinstance(parse_term(text), Duration):
        raise InvalidTerm(text)
    return text


def _days(text: str) -> int:
    """Return a duration in days. Raises ValueError."""
    term = parse_term(text)
    if not isinstance(term, Duration) or term.months or term.days > MOST_GRACE:
        raise ValueError(f"a duration in days is required, at most P{MOST_GRACE}D: after 30 days a service ends")
    return term.days


def _tasks(field: FieldReader) -> dict[ServiceVerb, str]:
    """Read a task type for each verb."""
    tasks = {}
    for key, inner in field.entries().items():
        tasks[field.key_of(key).choice(ServiceVerb)] = inner.validated(_task_name, "?")
    return dict(sorted(tasks.items()))


def _task_name(text: str) -> str:
    if not TASK_NAME.fullmatch(text):
        raise ValueError(f"{text!r} is no name of a task type, such as vps.create")
    return text


def _schema(field: FieldReader) -> Mapping[str, JsonValue]:
    """Read a JSON Schema of an object."""
    schema = field.json()
    if not isinstance(schema, dict):
        field.add_error("a JSON Schema is required, as a mapping")
        return {}
    try:
        compiled(json.dumps(schema, sort_keys=True, ensure_ascii=False))
    except Invalid as error:
        for each in error.errors:
            field.add_error(f"{each.loc}: {each.msg}".replace("args", "config", 1))
    return schema
