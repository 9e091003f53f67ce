"""What a call may raise."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


class KontorError(Exception):
    """The root of all errors of this library."""


class Unreachable(KontorError):
    """Kontor did not answer, also after repeated tries."""


@dataclass(frozen=True, slots=True)
class FieldProblem:
    """What is wrong with one field; `loc` is its path, such as `args.plan`."""

    loc: str
    msg: str


class Problem(KontorError):
    """An answer that is no success (RFC 9457). `code` is stable, `detail` is for people.

    `members` has everything that the answer said, such as `state` or `missing`.
    """

    def __init__(self, status: int, members: Mapping[str, Any]) -> None:
        self.status = status
        self.members = members
        self.code = str(members.get("code", f"http_{status}"))
        self.detail = str(members.get("detail") or members.get("title") or "")
        trace_id = members.get("trace_id")
        self.trace_id: str | None = None if trace_id is None else str(trace_id)
        self.errors = tuple(FieldProblem(str(each["loc"]), str(each["msg"])) for each in members.get("errors") or ())
        super().__init__(self._words())

    @property
    def field(self) -> str | None:
        """The first field that is wrong; None where none is named."""
        return self.errors[0].loc if self.errors else None

    def _words(self) -> str:
        fields = "".join(f"; {each.loc}: {each.msg}" for each in self.errors)
        return f"{self.status} {self.code}: {self.detail}{fields}"


class LeaseLost(Problem):
    """The lease has ended, or the job is another worker's by now: do not go on with it."""


def problem_of(status: int, members: Mapping[str, Any]) -> Problem:
    """Return the error for an answer."""
    kind = LeaseLost if members.get("code") == "lease_lost" else Problem
    return kind(status, members)
