"""The versions of a programme file (programme.md 9.1): each in force from its instant until another begins."""

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from tests.oracle.rules import Rules, rules_of

FIRST = datetime(1, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Version:
    """A version by its number, and when it begins."""

    number: int
    begins: datetime
    rules: Rules


class Versions:
    """All versions so far. `last`: what stands in the last file, also when it began no version."""

    def __init__(self, rules: Rules) -> None:
        self.listed = [Version(1, FIRST, rules)]
        self.last = rules.document

    def at(self, instant: datetime) -> Version:
        """The version in force at an instant: the one that began last, of two at once the one applied last."""
        begun = [version for version in self.listed if version.begins <= instant]
        return max(begun, key=lambda version: (version.begins, version.number))

    def before(self, instant: datetime) -> Version:
        """The version in force until an instant."""
        begun = [version for version in self.listed if version.begins < instant]
        return max(begun, key=lambda version: (version.begins, version.number))

    def apply(self, changes: Mapping[str, Any], at: datetime, effective: datetime | None) -> Version | None:
        """Apply the last file with changes; None when it says what is in force then anyway."""
        self.last = changed(self.last, changes)
        begins, rules = effective or at, rules_of(self.last)
        if rules.document == self.at(begins).rules.document:
            return None
        self.listed.append(Version(len(self.listed) + 1, begins, rules))
        return self.listed[-1]


def changed(document: Mapping[str, Any], changes: Mapping[str, Any]) -> Mapping[str, Any]:
    """The document with the values at the paths replaced."""
    result = copy.deepcopy(dict(document))
    for path, value in changes.items():
        node: Any = result
        steps = path.split("/")
        for step in steps[:-1]:
            node = node[int(step)] if isinstance(node, list) else node[step]
        node[int(steps[-1]) if isinstance(node, list) else steps[-1]] = value
    return result
