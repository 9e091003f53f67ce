"""Payloads of the jobs that look after services."""

from __future__ import annotations

from datetime import timedelta
from typing import ClassVar, Final
from uuid import UUID

from kontor.engine.catalogue import Payload, Policy, ScheduleSpec, isolated_policy
from kontor.kernel.states import MisfirePolicy

QUEUE: Final = "services"
SWEEP: Final = "services.sweep"


class ServicesSweep(Payload):
    """Find services for which something is due, those whose account was suspended or resumed, and lost ends of jobs."""

    policy: ClassVar[Policy] = isolated_policy(SWEEP, QUEUE, timedelta(minutes=2))


class ServicesCare(Payload):
    """Do what is due for one service: renew, suspend or end it, follow its account, record a lost end of its job."""

    policy: ClassVar[Policy] = isolated_policy("services.care", QUEUE, timedelta(minutes=2))

    service_id: UUID


class ServicesSettle(Payload):
    """Renew the services of a reseller that wait for money, after a payment."""

    policy: ClassVar[Policy] = isolated_policy("services.settle", QUEUE, timedelta(minutes=1))

    reseller_id: UUID


class ServicesFollow(Payload):
    """Suspend or resume the services of an account, and of a reseller's clients, as the accounts are."""

    policy: ClassVar[Policy] = isolated_policy("services.follow", QUEUE, timedelta(minutes=1))

    account_id: UUID


SCHEDULES: Final = (ScheduleSpec(SWEEP, "* * * * *", "UTC", SWEEP, MisfirePolicy.ONCE),)
