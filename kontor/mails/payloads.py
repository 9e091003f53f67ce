"""Payload of sending mail."""

from __future__ import annotations

from datetime import timedelta
from typing import ClassVar, Final
from uuid import UUID

from kontor.engine.catalogue import Payload, Policy
from kontor.engine.retry import RetryPolicy
from kontor.kernel.states import CrashPolicy, TaskKind

SEND: Final = "mail.send"
RETRY: Final = RetryPolicy(max_attempts=80, base=timedelta(seconds=5), cap=timedelta(minutes=90))


class MailSend(Payload):
    """Send a posted mail."""

    policy: ClassVar[Policy] = Policy(
        name=SEND,
        queue="mail",
        kind=TaskKind.EXTERNAL,
        retry=RETRY,
        crash=CrashPolicy.RERUN,
        due_by=timedelta(minutes=5),
        time_limit=timedelta(minutes=2),
    )

    mail_id: UUID
