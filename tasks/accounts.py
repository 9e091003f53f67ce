"""Tasks of accounts: deletion for good, imports of clients, merges, domains, images of brands, pings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Final

from sqlalchemy.orm import Session

from kontor.accounts import client_import_run, domains, images, instances, merge, merge_request_queries
from kontor.accounts import queries as accounts_queries
from kontor.accounts.deletion import purge
from kontor.accounts.domains import DnsResult, DomainClaim
from kontor.accounts.images import FetchedImage
from kontor.accounts.payloads import (
    AccountsTidy,
    BrandImageFetch,
    ClientsImport,
    DomainsCheck,
    InstancePing,
    ResellersMerge,
)
from kontor.audit import Actor
from kontor.context import Context
from kontor.engine.handlers import Cancel, Done, Handler, JobContext, Outcome, Permanent, RemoteUnavailable, Transient
from kontor.kernel.errors import Conflict, NotFound
from kontor.kernel.login_throttle import FAILURE_RETENTION
from kontor.kernel.ports import CallSender, HttpReader, OutgoingCall, SecretBox, TxtResolver
from kontor.limits import service as limits
from kontor.mails import address_queries
from kontor.members import queries as members_queries
from kontor.operators import queries as operators_queries
from kontor.operators.queries import FORGOTTEN
from kontor.programme.service import Programmes
from tasks.calls import send_or_raise
from tasks.deps import HandlerDeps

CHUNK: Final = 100
LOOKS: Final = 1_000
"""Accounts made by an earlier release during an upgrade whose names get their key, at most in one job."""
IMAGES: Final = 1_000
"""Images named by brands of an earlier release that are fetched at most after one job."""


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
        merge_request_queries.delete_expired(session, job.now)
        accounts_queries.fill_looks(session, LOOKS)
        images.request_missing(self._ctx.within(job.jobs), session, IMAGES)
        real_now = job.jobs.clock.wall_time()
        sessions = operators_queries.delete_expired_sessions(session, real_now)
        sessions += members_queries.delete_expired(session, real_now, job.now, FORGOTTEN)
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


class ClientsImportHandler:
    """Makes the clients of one chunk, each row in a savepoint of its own."""

    payload = ClientsImport

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx

    def run(self, job: JobContext, session: Session, payload: ClientsImport) -> Outcome:
        """Make a chunk; the job's result says by row what became of it."""
        try:
            chunk = client_import_run.run_chunk(self._ctx.within(job.jobs), session, job.id, payload)
        except (Conflict, NotFound) as error:
            return Cancel(error.message)
        return Done(chunk.document())


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


class BrandImageFetchHandler:
    """Fetches and decodes with no transaction open; the last failure is the reseller's to see, no dead job."""

    payload: ClassVar[type[BrandImageFetch]] = BrandImageFetch

    def __init__(self, ctx: Context, reader: HttpReader) -> None:
        self._ctx = ctx
        self._reader = reader

    def claim(self, job: JobContext, session: Session, payload: BrandImageFetch) -> str | Cancel:
        """Return the URL; cancel when it was taken back or fetched."""
        url = images.waiting_url(session, payload.account_id, payload.role)
        return Cancel("no image waits") if url is None else url

    def act(self, job: JobContext, plan: str) -> FetchedImage:
        """Fetch the image; what may pass is tried again."""
        fetched = images.fetch(self._reader, plan)
        if fetched.may_pass and job.attempt < self.payload.policy.retry.max_attempts:
            raise Transient(str(fetched.cause))
        return fetched

    def record(
        self, job: JobContext, session: Session, payload: BrandImageFetch, plan: str, result: FetchedImage
    ) -> Outcome:
        """Put the image in force, or say why there is none."""
        state = images.record(self._ctx.within(job.jobs), session, payload, result)
        return Cancel("another image was named meanwhile") if state is None else Done({"state": state.value})

    def failed(self, job: JobContext, session: Session, payload: BrandImageFetch, error: str, dead: str | None) -> None:
        """Say why the attempt failed."""
        images.note_problem(session, payload, error, final=dead is not None)


class InstancePingHandler:
    """Pings once; the answer is the job's result, and a refusal changes nothing."""

    payload: ClassVar[type[InstancePing]] = InstancePing

    def __init__(self, ctx: Context, sender: CallSender, secret_box: SecretBox) -> None:
        self._ctx = ctx
        self._sender = sender
        self._sealer = secret_box

    def claim(self, job: JobContext, session: Session, payload: InstancePing) -> OutgoingCall | Cancel:
        """Build the call; cancel when the instance was deleted."""
        if instances.get(session, payload.account_id) is None:
            return Cancel("the account has no instance any more")
        message = instances.ping_message(job.id, job.now)
        return instances.build_call(session, self._sealer, payload.account_id, message, job.now)

    def act(self, job: JobContext, plan: OutgoingCall) -> str | None:
        """POST `ping`; return why it failed, None when it was answered 2xx."""
        try:
            send_or_raise(self._sender, self._ctx.jobs.clock, plan)
        except (RemoteUnavailable, Transient) as error:
            return str(error)
        return None

    def record(
        self, job: JobContext, session: Session, payload: InstancePing, plan: OutgoingCall, result: str | None
    ) -> Done:
        """Close the breaker of an instance that answered."""
        if result is None:
            instances.record_ping(session, payload.account_id, job.id)
        return Done({"answered": result is None, "error": result})


def handlers(deps: HandlerDeps) -> list[Handler]:
    """Return the handlers of accounts."""
    return [
        AccountsTidyHandler(deps.ctx),
        ClientsImportHandler(deps.ctx),
        ResellersMergeHandler(deps.programmes),
        DomainsCheckHandler(deps.ctx, deps.txt),
        BrandImageFetchHandler(deps.ctx, deps.reader),
        InstancePingHandler(deps.ctx, deps.sender, deps.secret_box),
    ]
