"""Routes of an account's instance: set, show, delete, test."""

from uuid import UUID

from kontor.accounts import instances
from kontor.accounts.instances import InstanceState
from kontor.accounts.schemas import InstanceIn, InstanceOut, InstanceSecretOut, PingOut
from kontor.http import ownership
from kontor.http.context import Ctx, RequestContext, RoutePolicy
from kontor.http.routing import Routes
from kontor.kernel.errors import NotFound
from models.accounts import Instance
from models.keys import Scope

routes = Routes("accounts")
READ = RoutePolicy(Scope.READ, "account_id", ownership.account)
WRITE = RoutePolicy(Scope.ENQUEUE, "account_id", ownership.account)
PATH = "/v1/accounts/{account_id}/instance"


async def check_instance_url(ctx: RequestContext, body: InstanceIn, **_: object) -> None:
    """Check by DNS that the instance may be called."""
    await ctx.deps.guard.check(body.url, ctx.caller.counted_as)


@routes.put(PATH, WRITE, response=InstanceSecretOut, precheck=check_instance_url)
def put_instance(ctx: Ctx, account_id: UUID, body: InstanceIn) -> InstanceSecretOut:
    """Set the URL of the account's instance. 422 `forbidden_address`."""
    saved = instances.put(ctx.session, ctx.deps.secret_box, account_id, body.url, body.secret, ctx.now)
    return InstanceSecretOut(url=saved.url, secret=saved.secret)


@routes.get(PATH, READ, response=InstanceOut)
def get_instance(ctx: Ctx, account_id: UUID) -> InstanceOut:
    """Return the account's instance, without its secret. 404 `no_instance`."""
    instance = instances.get(ctx.session, account_id)
    if instance is None:
        raise NotFound("no_instance", instances.NONE)
    return _instance_out(instance, instances.states(ctx.session, [account_id])[account_id])


@routes.delete(PATH, WRITE, response=InstanceOut)
def delete_instance(ctx: Ctx, account_id: UUID) -> InstanceOut:
    """Delete the account's instance: nothing is sent to it any more. 404 `no_instance`."""
    return _instance_out(instances.delete(ctx.session, account_id), InstanceState.NONE)


@routes.post(f"{PATH}/test", WRITE, response=PingOut, status=202)
def test_instance(ctx: Ctx, account_id: UUID) -> PingOut:
    """Send a signed `ping`; an answer 2xx closes the lane's breaker. 404 `no_instance`."""
    return PingOut(job_id=instances.ping(ctx.session, ctx.jobs, account_id))


def _instance_out(instance: Instance, state: InstanceState) -> InstanceOut:
    return InstanceOut(url=instance.url, state=state, created_at=instance.created_at, updated_at=instance.updated_at)
