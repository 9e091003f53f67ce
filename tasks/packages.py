"""Tasks of installed Python packages: those that KONTOR_TASK_PACKAGES names, by the entry point group `kontor.tasks`.

An entry point is a module, or one handler class. A package that is not named is never imported.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from importlib.metadata import EntryPoint, entry_points
from types import ModuleType
from typing import TYPE_CHECKING, Final

from kontor.engine.catalogue import Payload
from kontor.kernel.errors import Invalid

if TYPE_CHECKING:  # relay and scheduler load the catalogue, and no SQLAlchemy
    from kontor.engine.handlers import Handler

GROUP: Final = "kontor.tasks"
VARIABLE: Final = "KONTOR_TASK_PACKAGES"


def normalized(name: str) -> str:
    """Return a package's name as packaging tools compare names."""
    return re.sub(r"[-_.]+", "-", name).lower()


@lru_cache(maxsize=8)
def handlers_of(packages: tuple[str, ...], reserved: frozenset[str]) -> tuple[Handler, ...]:
    """Return the handlers of packages. `reserved`: families of Kontor's own tasks. Raises Invalid."""
    all_handlers = tuple(handler for name in packages for handler in _handlers(name))
    for handler in all_handlers:
        name = handler.payload.policy.name
        family, _, verb = name.partition(".")
        if not verb or family in reserved:
            raise _refused(f"the task {name} needs a name such as vps.create, in a family that is not Kontor's own")
    return all_handlers


def payloads_of(packages: tuple[str, ...], reserved: frozenset[str]) -> list[type[Payload]]:
    """Return the payloads of packages. Raises Invalid."""
    return [handler.payload for handler in handlers_of(packages, reserved)]


def _handlers(package: str) -> Iterator[Handler]:
    """Yield the handlers of a package. Raises Invalid."""
    points = _points(package)
    if not points:
        raise _refused(f"{package} is not installed, or has no entry point of the group {GROUP}")
    for point in points:
        try:
            loaded = point.load()
        except (ImportError, AttributeError) as error:
            raise _refused(f"{package} cannot be imported: {error}") from error
        yield from (handler() for handler in _handler_classes(loaded))


def _points(package: str) -> Sequence[EntryPoint]:
    """Return the entry points of a package."""
    return [
        point
        for point in entry_points(group=GROUP)
        if point.dist is not None and normalized(point.dist.name) == normalized(package)
    ]


def _handler_classes(loaded: object) -> Iterable[type[Handler]]:
    """Return the handler classes of a module, in the order of their definition, or the class itself."""
    if not isinstance(loaded, ModuleType):
        return [loaded] if isinstance(loaded, type) else []
    members = vars(loaded).values()
    return [each for each in members if isinstance(each, type) and _is_handler(each, loaded.__name__)]


def _is_handler(member: type, module: str) -> bool:
    """Whether a class of a module runs jobs of a payload."""
    payload = vars(member).get("payload")
    return member.__module__ == module and isinstance(payload, type) and issubclass(payload, Payload)


def _refused(reason: str) -> Invalid:
    return Invalid("invalid", f"{VARIABLE}: {reason}.")
