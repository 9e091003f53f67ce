"""Payloads of applied programme files: what follows when a version begins, and the mails about prices."""

from __future__ import annotations

from datetime import timedelta
from typing import ClassVar, Final
from uuid import UUID

from kontor.engine.catalogue import Count, Payload, Policy, ProgrammeCode, isolated_policy

QUEUE: Final = "programme"
BEGIN: Final = "programmes.begin"


class ProgrammesBegin(Payload):
    """Put a version in force whose time has come; check changed limits and declare the schedules."""

    policy: ClassVar[Policy] = isolated_policy(BEGIN, QUEUE)

    programme: ProgrammeCode
    number: Count
    follows: Count


class ProgrammesAnnounce(Payload):
    """Mail resellers the prices that a version changes, and the retail fees that fall below them, in chunks."""

    policy: ClassVar[Policy] = isolated_policy("programmes.announce", QUEUE, timedelta(minutes=15))

    programme: ProgrammeCode
    number: Count
    follows: Count
    after: UUID | None = None
