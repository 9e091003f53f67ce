"""Payloads of mails: sending one, releasing those that a limit held, digests of folded ones."""

from __future__ import annotations

from datetime import timedelta
from typing import ClassVar, Final
from uuid import UUID

from kontor.engine.catalogue import Payload, Policy, ScheduleSpec, isolated_policy
from kontor.engine.retry import RetryPolicy
from kontor.kernel.states import CrashPolicy, MisfirePolicy, TaskKind

SEND: Final = "mail.send"
RELEASE: Final = "mails.release"
FOLD: Final = "mails.fold"
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


class MailsRelease(Payload):
    """Send mails that a limit held, as far as the allowances of their resellers reach."""

    policy: ClassVar[Policy] = isolated_policy(RELEASE, "upkeep", timedelta(minutes=5), attempts=5)


class MailsFold(Payload):
    """Send each address one digest of the mails that were folded for it since the last one."""

    policy: ClassVar[Policy] = isolated_policy(FOLD, "upkeep", timedelta(minutes=15), attempts=5)


SCHEDULES: Final = (
    ScheduleSpec(name=FOLD, cron="0 * * * *", timezone="UTC", task=FOLD, misfire=MisfirePolicy.ONCE),
    ScheduleSpec(name=RELEASE, cron="*/5 * * * *", timezone="UTC", task=RELEASE, misfire=MisfirePolicy.ONCE),
)
