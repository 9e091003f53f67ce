"""Routes that suspend and resume accounts, and who may."""

from uuid import UUID

from pydantic import Field
from pydantic_core import from_json

from kontor.accounts import schemas, suspension
from kontor.accounts.schemas import AccountOut
from kontor.accounts.suspension import Suspender
from kontor.audit import Actor
from kontor.http import ownership
from kontor.http.context import Ctx, RequestContext, RoutePolicy
from kontor.http.routing import Routes
from kontor.http.wire import RequestModel, uuid_of
from kontor.kernel.errors import Forbidden
from kontor.provisioning.kept import side_of
from models.accounts import Account, SuspensionAuthority
from models.keys import Scope

routes = Routes("accounts")


def may_suspend(ctx: RequestContext) -> None:
    """Raise Forbidden unless the caller is a reseller and this its client, or an unbound key with `operate`."""
    if not ctx.caller.bound:
        ctx.require_scope(Scope.OPERATE)
        return
    ctx.require_scope(Scope.ENQUEUE)
    if ctx.caller.reseller_id is None or uuid_of(ctx.incoming.params["account_id"]) == ctx.caller.reseller_id:
        raise Forbidden(message="A reseller suspends and resumes its clients, an operator every account.")


def suspender(ctx: RequestContext, reason: str | None = None) -> Suspender:
    """Return the caller as one who suspends."""
    authority = SuspensionAuthority.RESELLER if ctx.caller.bound else SuspensionAuthority.OPERATOR
    return Suspender(Actor(ctx.caller.actor, "api", reason), authority)


def refuse_suspending(ctx: RequestContext) -> None:
    """Raise Forbidden if the body suspends or resumes and the caller may not; runs before body validation.

    A member that is spelt with escapes is refused after it.
    """
    if b"suspended" not in ctx.incoming.body:
        return
    try:
        payload: object = from_json(ctx.incoming.body)
    except ValueError:
        return
    if isinstance(payload, dict) and "suspended" in payload:
        may_suspend(ctx)


class SuspensionIn(RequestModel):
    """Why; kept in the audit log."""

    reason: str = Field(min_length=1, max_length=1_000)


SUSPEND = RoutePolicy(None, "account_id", ownership.account, guard=may_suspend)


@routes.post("/v1/accounts/{account_id}/suspend", SUSPEND, response=AccountOut)
def suspend_account(ctx: Ctx, account_id: UUID, body: SuspensionIn) -> AccountOut:
    """Suspend an account, a reseller with all its clients. 409 `account_deleted`."""
    by = suspender(ctx, body.reason)
    account = suspension.suspend(ctx.jobs, ctx.session, account_id, by, ctx.now, with_clients=True)
    return _shown(ctx, account)


@routes.post("/v1/accounts/{account_id}/resume", SUSPEND, response=AccountOut)
def resume_account(ctx: Ctx, account_id: UUID, body: SuspensionIn) -> AccountOut:
    """Lift a suspension: one's own, an operator any; of a reseller also what it alone brought to its clients."""
    by = suspender(ctx, body.reason)
    account = suspension.resume(ctx.jobs, ctx.session, account_id, by, ctx.now, with_clients=True)
    return _shown(ctx, account)


def _shown(ctx: RequestContext, account: Account) -> AccountOut:
    return schemas.account_outs(ctx.session, ctx.deps.programmes, [account], ctx.now, side_of(ctx))[0]
