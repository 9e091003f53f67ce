"""Scopes of API keys: what a name means, whether one covers another. Pure (contract section 3, Keys)."""

import re
from collections.abc import Iterable
from fnmatch import fnmatchcase
from typing import Final
from uuid import UUID

from models.keys import Scope

NARROWABLE: Final = (Scope.ENQUEUE, Scope.WORK)
NARROWED: Final = re.compile(rf"(?:{'|'.join(NARROWABLE)}):[A-Za-z0-9_.*-]{{1,200}}", re.ASCII)
"""`enqueue:vps.*`: jobs of the tasks whose names match, and nothing else. `*` stands for any characters."""


def is_scope(name: str) -> bool:
    """Whether a key may have this scope."""
    return name in set(Scope) or NARROWED.fullmatch(name) is not None


def covers_task(scopes: Iterable[str], scope: Scope, task: str) -> bool:
    """Whether one of the scopes is `scope`, or is narrowed from it to tasks of which this is one."""
    prefix = f"{scope}:"
    return any(
        held == scope or (held.startswith(prefix) and fnmatchcase(task, held.removeprefix(prefix))) for held in scopes
    )


def covers(scopes: Iterable[str], name: str) -> bool:
    """Whether the scopes allow at least as much as another one; a narrowed one is covered by a wider pattern."""
    scope, _, pattern = name.partition(":")
    held = frozenset(scopes)
    return name in held or (bool(pattern) and covers_task(held, Scope(scope), pattern))


def effective(stored: Iterable[str], account_id: UUID | None, *, may_decide: bool) -> tuple[str, ...]:
    """Return the scopes that a key has: one bound to an account has `decide` exactly if its maker could give it."""
    names = tuple(stored)
    if account_id is None:
        return names
    others = tuple(name for name in names if name != Scope.DECIDE)
    if not may_decide:
        return others
    return names if Scope.DECIDE in names else (*others, Scope.DECIDE.value)
