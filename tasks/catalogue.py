"""Every task of Kontor: families append their payloads and handlers here."""

from collections.abc import Sequence
from dataclasses import dataclass

from engine.catalogue import Catalogue, Payload
from engine.handlers import Handler
from tasks.probe import ProbeEcho, ProbeEchoHandler, Sleep

PAYLOADS: tuple[type[Payload], ...] = (ProbeEcho,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """What handlers need from the outside."""

    sleep: Sleep


def catalogue() -> Catalogue:
    """Every task, without the code that runs it."""
    return Catalogue(PAYLOADS)


def all_handlers(ports: Ports) -> list[Handler]:
    """The handler of every task."""
    return [ProbeEchoHandler(ports.sleep)]
