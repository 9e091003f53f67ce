"""Tasks of accounts: final deletion, expiry of old attempts, merges, checks of domains."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Final

from sqlalchemy.orm import Session

from kontor.accounts import domains, merge
from kontor.accounts import queries as accounts_queries
from kontor.accounts.deletion import purge
from kontor.accounts.domains import DnsResult, DomainClaim
from kontor.accounts.payloads import AccountsTidy, DomainsCheck, ResellersMerge
from kontor.audit import Actor
from kontor.context import Context
from kontor.engine.handlers import Cancel, Done, Handler, JobContext, Outcome, Permanent
from kontor.kernel.errors import Conflict, NotFound
from kontor.kernel.login_throttle import FAILURE_RETENTION
from kontor.kernel.ports import TxtResolver
from kontor.limits import service as limits
from kontor.mails import address_queries
from kontor.operators import queries as operators_queries
from kontor.programme.service import Programmes
from tasks.deps import HandlerDeps

CHUNK: Final = 100
LOOKS: Final = 1_000
"""Accounts made by an earlier release during an upgrade whose names get their key, at most in one job."""


class AccountsTidyHandler:
    """Purges one chunk of accounts per job."""

    payload: ClassVar[type[AccountsTidy]] = AccountsTidy

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx

    def run(self, job: JobContext, session: Session, payload: AccountsTidy) -> Outcome:
        """Purge a chunk and enqueue the next; after the last, delete what expired: failures, suppressions, sessions."""
        chunk = purge(self._ctx.within(job.jobs), session, CHUNK)
        purged = payload.purged + chunk.done
        counts = {"purged": purged, "left": chunk.left}
        if chunk.done == CHUNK:
            next_job = job.jobs.enqueue(session, AccountsTidy(purged=purged), tenant=job.tenant)
            return Done({**counts, "continued_by": str(next_job.id)})
        accounts_queries.delete_failures(session, job.now - FAILURE_RETENTION)
        address_queries.delete_suppressions(session, job.now)
        limits.tidy(session, job.now)
        accounts_queries.fill_looks(session, LOOKS)
        sessions = operators_queries.delete_expired_sessions(session, job.jobs.clock.wall_time())
        return Done({**counts, "sessions": sessions, "continued_by": None})


class ResellersMergeHandler:
    """Validates the merge again, under locks."""

    payload = ResellersMerge

    def __init__(self, programmes: Programmes) -> None:
        self._programmes = programmes

    def run(self, job: JobContext, session: Session, payload: ResellersMerge) -> Outcome:
        """Merge; the job's result is the report."""
        ctx = Context(job.jobs, self._programmes)
        try:
            report = merge.merge(ctx, session, payload.reseller_id, payload.into)
        except (Conflict, NotFound) as error:
            if error.code == "conflicts":
                raise Permanent(error.message) from error
            return Cancel(error.message)
        return Done(report.out().model_dump(mode="json"))


CLAIMS: Final = 400
"""Claims looked up by one job: at most 200 s with name servers that never answer."""


class DomainsCheckHandler:
    """Looks up the claims that waited longest; no transaction is open meanwhile."""

    payload: ClassVar[type[DomainsCheck]] = DomainsCheck

    def __init__(self, ctx: Context, txt: TxtResolver) -> None:
        self._ctx = ctx
        self._txt = txt

    def claim(self, job: JobContext, session: Session, payload: DomainsCheck) -> Sequence[DomainClaim]:
        """Return the claims that are due."""
        return domains.due_claims(session, job.now, CLAIMS)

    def act(self, job: JobContext, plan: Sequence[DomainClaim]) -> Sequence[DnsResult]:
        """Look them up."""
        return domains.check_dns(self._txt, plan)

    def record(
        self,
        job: JobContext,
        session: Session,
        payload: DomainsCheck,
        plan: Sequence[DomainClaim],
        result: Sequence[DnsResult],
    ) -> Done:
        """Store what DNS said, and tell the claimants what changed."""
        actor = Actor(f"schedule:{payload.policy.name}", "schedule")
        changed = domains.record_results(self._ctx.within(job.jobs), session, result, actor)
        return Done({"checked": len(result), "changed": changed})


def handlers(deps: HandlerDeps) -> list[Handler]:
    """Return the handlers of accounts."""
    return [
        AccountsTidyHandler(deps.ctx),
        ResellersMergeHandler(deps.programmes),
        DomainsCheckHandler(deps.ctx, deps.txt),
    ]
