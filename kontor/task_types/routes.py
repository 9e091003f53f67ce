"""Routes of task types; admins alone declare what runs where."""

from kontor.http.context import Ctx, RequestContext, RoutePolicy
from kontor.http.responses import ApiResponse
from kontor.http.routing import Routes
from kontor.http.wire import PageOut
from kontor.kernel.addresses import AddressGuard
from kontor.kernel.errors import FieldError, Invalid
from kontor.task_types import queries, registry
from kontor.task_types.declaration import NAME_RULE, TaskTypeIn, is_name
from kontor.task_types.schemas import TaskTypeOut, TaskTypeSecretOut
from kontor.task_types.service import AppliedType, TaskTypes, document_of
from models.keys import Scope

routes = Routes("task-types")
ADMIN = RoutePolicy(Scope.ADMIN, unbound_only=True)


def use_cases(ctx: RequestContext) -> TaskTypes:
    """Return the use cases, over a catalogue that has the newest types."""
    registry.refresh(ctx.connection, ctx.deps.jobs.catalogue)
    return TaskTypes(ctx.deps.jobs.catalogue, ctx.deps.secret_box)


async def check_handler(ctx: RequestContext, name: str, body: TaskTypeIn) -> None:
    """Check by DNS that the handler may be called."""
    if body.url is not None:
        guard = ctx.deps.handler_guard or AddressGuard(ctx.deps.guard.lookup, field="handler.push")
        await guard.check(body.url)


@routes.get("/v1/task-types", ADMIN, response=PageOut[TaskTypeOut])
def list_task_types(ctx: Ctx) -> PageOut[TaskTypeOut]:
    """List all task types, by name."""
    return PageOut(items=[document_of(row) for row in queries.all_types(ctx.session)])


@routes.get("/v1/task-types/{name}", ADMIN, response=TaskTypeOut)
def get_task_type(ctx: Ctx, name: str) -> TaskTypeOut:
    """Return the newest version of a task type."""
    return document_of(TaskTypes.get(ctx.session, name))


@routes.put(
    "/v1/task-types/{name}", ADMIN, response=TaskTypeSecretOut, also={201: TaskTypeSecretOut}, precheck=check_handler
)
def put_task_type(ctx: Ctx, name: str, body: TaskTypeIn) -> ApiResponse:
    """Declare a task type or change it; the secret of a new push handler is shown once.

    422 `reserved_name`, `invalid_schema`, `forbidden_address`.
    """
    types = use_cases(ctx)
    if not is_name(name):
        raise Invalid("invalid", NAME_RULE, errors=[FieldError("name", NAME_RULE)])
    types.require_name(name)
    errors = types.check(name, body, {name: body})
    if errors:
        schema = any(error.loc.partition(".")[0] == "args" for error in errors)
        raise Invalid("invalid_schema" if schema else "invalid", "The task type is not valid.", errors=errors)
    applied = types.put(ctx.session, name, body, ctx.now, ctx.caller.actor)
    ctx.deps.jobs.doorbell.ring()
    return ApiResponse.of(with_secret(applied), 201 if applied.created else 200)


@routes.delete("/v1/task-types/{name}", ADMIN, response=TaskTypeOut, problems=[409])
def delete_task_type(ctx: Ctx, name: str) -> TaskTypeOut:
    """Delete a task type. 409 `in_use` while jobs of it are not finished."""
    types = use_cases(ctx)
    document = document_of(types.get(ctx.session, name))
    types.delete(ctx.session, name)
    return document


@routes.post("/v1/task-types/{name}/rotate", ADMIN, response=TaskTypeSecretOut)
def rotate_task_type(ctx: Ctx, name: str) -> TaskTypeSecretOut:
    """Make a new secret for the handler; the former one also signs for 24 h."""
    return with_secret(use_cases(ctx).rotate(ctx.session, name, ctx.now))


def with_secret(applied: AppliedType) -> TaskTypeSecretOut:
    """Return a type with the secret that was just made."""
    return TaskTypeSecretOut(**dict(document_of(applied.row)), secret=applied.secret)
