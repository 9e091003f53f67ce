"""Routes of accounts, resellers and clients."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, ClassVar, Final
from uuid import UUID

from fastapi import Query

from kontor.accounts import (
    account_changes,
    account_filter,
    activation,
    addresses,
    clients,
    deletion,
    export,
    labels,
    merge,
    reseller_status,
    schemas,
    service,
)
from kontor.accounts.account_filter import AccountFilter
from kontor.accounts.labels import Labels, Writer
from kontor.accounts.locks import require_reseller
from kontor.accounts.merge_schemas import MergeIn, MergeOut, MergeReportOut
from kontor.accounts.schemas import (
    AccountIn,
    AccountOut,
    AccountPatch,
    AccountQuery,
    ClientIn,
    ClientQuery,
    InvitedOut,
)
from kontor.accounts.suspension_routes import may_suspend, refuse_suspending, suspender
from kontor.audit import Actor
from kontor.http import ownership
from kontor.http.context import Ctx, RequestContext, RoutePolicy, require_visible_filter
from kontor.http.responses import ApiResponse, problem
from kontor.http.routing import Routes
from kontor.http.wire import PageOut, RequestModel
from kontor.kernel.errors import Forbidden
from kontor.kernel.paging import CSV_MEDIA, Page
from kontor.mails import strangers
from kontor.provisioning.kept import side_of
from models.accounts import Account, SetBy
from models.keys import Scope

routes = Routes("accounts")
READ = RoutePolicy(Scope.READ, "account_id", ownership.account)
WRITE = RoutePolicy(Scope.ENQUEUE, "account_id", ownership.account)
RESELLERS = RoutePolicy(Scope.ENQUEUE, "account_id", ownership.account, not_account=True)


def shown(ctx: RequestContext, account: Account) -> AccountOut:
    """Build the response for an account."""
    return all_shown(ctx, [account])[0]


def invited(ctx: RequestContext, account: Account) -> InvitedOut:
    """Build the response for a client whose admin is mailed; the same for known and unknown addresses."""
    return InvitedOut(**dict(shown(ctx, account)), mail=strangers.fate_of(ctx.session, account.id))


def all_shown(ctx: RequestContext, rows: Sequence[Account]) -> list[AccountOut]:
    """Build the responses for accounts; their usage is read in one query."""
    return schemas.account_outs(ctx.session, ctx.deps.programmes, rows, ctx.now, side_of(ctx))


def labels_of(ctx: RequestContext, body: AccountIn | AccountPatch | ClientIn) -> Labels:
    """Return what a request says of an account for other systems, and who says it."""
    writer = Writer.PROVIDER if not ctx.caller.bound else Writer.RESELLER
    if ctx.caller.account_id is not None:
        writer = Writer.ACCOUNT
    return Labels(body.external_id, body.metadata, writer)


CHANGE = RoutePolicy(Scope.ENQUEUE, "account_id", ownership.account, guard=refuse_suspending)


@routes.post("/v1/accounts", RoutePolicy(Scope.ENQUEUE, unbound_only=True), response=AccountOut, status=201)
def create_account(ctx: Ctx, body: AccountIn) -> AccountOut:
    """Create an account on the free plan. 409 `name_taken`, `external_id_taken`."""
    new = service.NewAccount(**body.model_dump(exclude={"external_id", "metadata"}))
    account = service.create(ctx.context, ctx.session, new)
    labels.put(ctx.session, account, labels_of(ctx, body))
    return shown(ctx, account)


def filtered(ctx: RequestContext, query: ClientQuery, whose: AccountFilter) -> Page[Account]:
    """Return a page of the accounts of `whose` that match a query."""
    members = query.model_dump(exclude={"cursor", "limit", "read_only", "programme", "kind", "reseller"})
    over = query.read_only if query.over_quota is None else query.over_quota
    criteria = replace(whose, **{**members, "over_quota": over})
    return account_filter.page(ctx.session, ctx.deps.programmes, criteria, ctx.now, query.cursor, query.limit)


@routes.get("/v1/accounts", RoutePolicy(Scope.READ), response=PageOut[AccountOut], problems=[404])
def list_accounts(ctx: Ctx, query: Annotated[AccountQuery, Query()]) -> PageOut[AccountOut]:
    """List accounts in order of creation."""
    require_visible_filter(ctx, ownership.reseller, query.reseller)
    owned = query.model_dump(include={"programme", "kind", "reseller"})
    whose = AccountFilter(visible_to=ctx.caller.reseller_id, only=ctx.caller.account_id, **owned)
    page = filtered(ctx, query, whose)
    return PageOut(items=all_shown(ctx, page.items), next=page.next)


@routes.get("/v1/accounts/{account_id}", READ, response=AccountOut)
def get_account(ctx: Ctx, account_id: UUID) -> AccountOut:
    """Return an account."""
    return shown(ctx, service.get(ctx.session, account_id))


@routes.patch("/v1/accounts/{account_id}", CHANGE, response=AccountOut, problems=[409])
def change_account(ctx: Ctx, account_id: UUID, body: AccountPatch) -> AccountOut:
    """Change the given fields. 409 `name_taken`, `external_id_taken`, `account_deleted`; 429 `too_many` addresses."""
    changes = body.model_dump(exclude_unset=True, exclude={"external_id", "metadata"})
    if "suspended" in changes:
        may_suspend(ctx)
    set_by = addresses.setter_of(ctx.caller, service.get(ctx.session, account_id))
    named = labels_of(ctx, body)
    by = account_changes.ChangedBy(set_by, Actor(ctx.caller.actor), suspender(ctx))
    return shown(ctx, account_changes.change(ctx.context, ctx.session, account_id, changes, by, named))


@routes.post("/v1/accounts/{account_id}/activation", WRITE, response=InvitedOut)
def send_activation(ctx: Ctx, account_id: UUID) -> InvitedOut:
    """Resend the activation mail. 409 `already_activated`; 429 `too_many`."""
    return invited(ctx, activation.resend_link(ctx.context, ctx.session, account_id))


reseller_routes = Routes("resellers")
READ_RESELLER = RoutePolicy(Scope.READ, "reseller_id", ownership.reseller)
EXPORT = RoutePolicy(Scope.READ, "reseller_id", ownership.reseller, not_account=True)
TOUCH = RoutePolicy(Scope.ENQUEUE, "reseller_id", ownership.reseller)
ATTACHMENT: Final = 'attachment; filename="{}"'


class ResellerOut(AccountOut):
    """A new reseller; `disconnected_from` is its former reseller, whose brand it no longer has."""

    disconnected_from: UUID | None


class BecomeResellerIn(RequestModel):
    """The version of the terms that were read; another than the current is refused."""

    terms_version: str | None = None


class RevertIn(RequestModel):
    """Whether to disconnect the clients."""

    disconnect_clients: bool = False


class ClientCredentials(RequestModel):
    """An account's name and password as typed."""

    any_text: ClassVar[bool] = True

    name: str
    password: str


@reseller_routes.post("/v1/accounts/{account_id}/become-reseller", WRITE, response=ResellerOut)
def become_reseller(ctx: Ctx, account_id: UUID, body: BecomeResellerIn = BecomeResellerIn()) -> ResellerOut:  # noqa: B008 -- frozen
    """Turn an account into a reseller, free and immediately.

    403 `party_refused`; 409 `already_reseller`, `terms_changed`.
    """
    result = reseller_status.become_reseller(ctx.context, ctx.session, account_id, body.terms_version)
    former_reseller = None if result.former_reseller is None else result.former_reseller.id
    return ResellerOut(**dict(shown(ctx, result.account)), disconnected_from=former_reseller)


@reseller_routes.post("/v1/accounts/{account_id}/revert-reseller", WRITE, response=AccountOut)
def revert_reseller(ctx: Ctx, account_id: UUID, body: RevertIn = RevertIn()) -> AccountOut:  # noqa: B008 -- frozen
    """Turn a reseller back into a regular account. 409 `not_a_reseller`, `has_clients`."""
    disconnect = body.disconnect_clients
    account = reseller_status.revert_reseller(ctx.context, ctx.session, account_id, disconnect_clients=disconnect)
    return shown(ctx, account)


@reseller_routes.delete("/v1/accounts/{account_id}", RESELLERS, response=AccountOut, problems=[409])
def delete_account(ctx: Ctx, account_id: UUID) -> AccountOut:
    """Delete an account; it can be restored for 30 days. 409 `has_clients`."""
    account = deletion.delete(ctx.context, ctx.session, account_id, ctx.caller.actor)
    return shown(ctx, account)


@reseller_routes.post("/v1/accounts/{account_id}/restore", RESELLERS, response=AccountOut)
def restore_account(ctx: Ctx, account_id: UUID) -> AccountOut:
    """Restore a deleted account. 409 `not_deleted`, `final`."""
    return shown(ctx, deletion.restore(ctx.context, ctx.session, account_id))


@reseller_routes.post("/v1/resellers/{reseller_id}/clients", TOUCH, response=InvitedOut, status=201)
def create_client(ctx: Ctx, reseller_id: UUID, body: ClientIn) -> InvitedOut:
    """Create a client; its admin gets an activation link. 409 `name_taken`, `not_a_reseller`; 429 `too_many`."""
    fields = body.model_dump(exclude={"external_id", "metadata"})
    new = clients.NewClient(**fields, labels=labels_of(ctx, body))
    set_by = SetBy.RESELLER if ctx.caller.bound else SetBy.OPERATOR
    return invited(ctx, clients.create(ctx.context, ctx.session, reseller_id, new, set_by))


@reseller_routes.post("/v1/resellers/{reseller_id}/clients/connect", TOUCH, response=AccountOut)
def connect_client(ctx: Ctx, reseller_id: UUID, body: ClientCredentials) -> ApiResponse | AccountOut:
    """Connect an existing account by its password. 403 `bad_credentials`; 409 `has_reseller`; 429 `locked`."""
    result = clients.connect(ctx.context, ctx.session, reseller_id, body.name, body.password)
    if isinstance(result, Forbidden):
        return problem(result, ctx.incoming.trace_id)
    return shown(ctx, result)


@reseller_routes.get("/v1/resellers/{reseller_id}/clients", READ_RESELLER, response=PageOut[AccountOut], problems=[409])
def list_clients(ctx: Ctx, reseller_id: UUID, query: Annotated[ClientQuery, Query()]) -> PageOut[AccountOut]:
    """List the reseller's clients in order of creation."""
    owner = require_reseller(ctx.session, reseller_id)
    page = filtered(ctx, query, AccountFilter(reseller=owner.id))
    return PageOut(items=all_shown(ctx, page.items), next=page.next)


@reseller_routes.get("/v1/resellers/{reseller_id}/clients.csv", EXPORT, media=CSV_MEDIA, problems=[409])
def download_clients_csv(ctx: Ctx, reseller_id: UUID) -> ApiResponse:
    """Download the reseller's clients as CSV, UTF-8 with a byte order mark."""
    clients_list = export.read_clients(ctx.context, ctx.session, reseller_id)
    return ApiResponse(
        b"",
        headers={"Content-Disposition": ATTACHMENT.format("clients.csv")},
        media=CSV_MEDIA,
        chunks=clients_list.as_csv(),
    )


@reseller_routes.get("/v1/resellers/{reseller_id}/clients.xlsx", EXPORT, media=export.EXCEL_MEDIA, problems=[409])
def download_clients_xlsx(ctx: Ctx, reseller_id: UUID) -> ApiResponse:
    """Download the reseller's clients as an Excel workbook."""
    clients_list = export.read_clients(ctx.context, ctx.session, reseller_id)
    return ApiResponse(
        b"",
        headers={"Content-Disposition": ATTACHMENT.format("clients.xlsx")},
        media=export.EXCEL_MEDIA,
        chunks=clients_list.as_excel(),
    )


@reseller_routes.post("/v1/resellers/{reseller_id}/clients/{account_id}/disconnect", TOUCH, response=AccountOut)
def disconnect_client(ctx: Ctx, reseller_id: UUID, account_id: UUID) -> AccountOut:
    """Disconnect a client: it becomes a regular account."""
    return shown(ctx, clients.disconnect(ctx.context, ctx.session, reseller_id, account_id))


MERGE = RoutePolicy(Scope.ENQUEUE, "reseller_id", ownership.reseller, unbound_only=True)


@reseller_routes.post(
    "/v1/resellers/{reseller_id}/merge", MERGE, response=MergeOut, status=202, also={200: MergeReportOut}
)
def merge_resellers(ctx: Ctx, reseller_id: UUID, body: MergeIn) -> ApiResponse:
    """Merge a reseller into another, all or nothing. 409 `programme_mismatch`, `conflicts`, `not_a_reseller`."""
    service_ctx = ctx.context
    report = merge.preview(service_ctx, ctx.session, reseller_id, body.into)
    document = report.out()
    if body.dry_run:
        return ApiResponse.of(document)
    merge.require_no_conflicts(report)
    job_id = merge.enqueue(service_ctx, ctx.session, reseller_id, body.into, ctx.caller.actor)
    return ApiResponse.of(MergeOut(job_id=job_id, report=document), 202, {"Location": f"/v1/jobs/{job_id}"})
