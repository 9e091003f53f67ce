"""Jobs that look after services: sweeps, renewals, what accounts and payments bring."""

from __future__ import annotations

from sqlalchemy.orm import Session

from kontor.context import Context
from kontor.engine.handlers import Done, Handler, JobContext
from kontor.programme.service import Programmes
from kontor.provisioning import renewals, sweeping
from kontor.provisioning.payloads import ServicesCare, ServicesFollow, ServicesSettle, ServicesSweep
from tasks.deps import HandlerDeps


class ServicesSweepHandler:
    """Finds services that need something; the job of each checks again."""

    payload = ServicesSweep

    def __init__(self, programmes: Programmes) -> None:
        self._programmes = programmes

    def run(self, job: JobContext, session: Session, payload: ServicesSweep) -> Done:
        """Enqueue a job for each."""
        return Done({"services": sweeping.sweep(Context(job.jobs, self._programmes), session)})


class ServicesCareHandler:
    """Does what one service needs."""

    payload = ServicesCare

    def __init__(self, programmes: Programmes) -> None:
        self._programmes = programmes

    def run(self, job: JobContext, session: Session, payload: ServicesCare) -> Done:
        """Do it, if it is still due."""
        return Done({"did": sweeping.care(Context(job.jobs, self._programmes), session, payload.service_id)})


class ServicesSettleHandler:
    """Renews what waited for money."""

    payload = ServicesSettle

    def __init__(self, programmes: Programmes) -> None:
        self._programmes = programmes

    def run(self, job: JobContext, session: Session, payload: ServicesSettle) -> Done:
        """Renew what the balance covers now."""
        ctx = Context(job.jobs, self._programmes)
        return Done({"renewed": renewals.settle(ctx, session, payload.reseller_id)})


class ServicesFollowHandler:
    """Suspends and resumes services with their account."""

    payload = ServicesFollow

    def __init__(self, programmes: Programmes) -> None:
        self._programmes = programmes

    def run(self, job: JobContext, session: Session, payload: ServicesFollow) -> Done:
        """Ask for it, where it is not so yet."""
        ctx = Context(job.jobs, self._programmes)
        return Done({"services": sweeping.follow_account(ctx, session, payload.account_id)})


def handlers(deps: HandlerDeps) -> list[Handler]:
    """Return the handlers of services."""
    return [
        ServicesSweepHandler(deps.programmes),
        ServicesCareHandler(deps.programmes),
        ServicesSettleHandler(deps.programmes),
        ServicesFollowHandler(deps.programmes),
    ]
