"""Resellers and their clients."""

from typing import Annotated, ClassVar, Final
from uuid import UUID

from fastapi import Query

from api import owners
from api.account_docs import AccountOut
from api.accounts import RESELLERS, WRITE, all_shown, shown
from api.answers import ApiResponse
from api.call import Ctx, RoutePolicy
from api.problems import problem
from api.routes import Routes
from api.schema import PageOut, PageQuery, RequestModel
from domain.errors import Forbidden
from models.keys import Scope
from services import accounts, clients, closing, reselling
from services.exports import as_csv, as_excel, lists
from services.resellers import reseller
from store import accounts as rows

routes = Routes("resellers")
READ = RoutePolicy(Scope.READ, "reseller_id", owners.account)
TOUCH = RoutePolicy(Scope.ENQUEUE, "reseller_id", owners.account)
ATTACHMENT: Final = 'attachment; filename="{}"'


class ResellerOut(AccountOut):
    """A new reseller; `disconnected_from` is its former reseller, whose brand it no longer has."""

    disconnected_from: UUID | None


class RevertIn(RequestModel):
    """Whether to disconnect the clients."""

    disconnect_clients: bool = False


class ClientIn(RequestModel):
    """A new client account."""

    name: str
    admin_email: str
    locale: str | None = None
    timezone: str | None = None


class ClientCredentials(RequestModel):
    """An account's name and password as typed."""

    any_text: ClassVar[bool] = True

    name: str
    password: str


@routes.post("/v1/accounts/{account_id}/become-reseller", WRITE, response=ResellerOut)
def become_reseller(ctx: Ctx, account_id: UUID) -> ResellerOut:
    """Turn an account into a reseller, free and immediately. 403 `party_refused`; 409 `already_reseller`."""
    result = reselling.become_reseller(ctx.accounts, ctx.session, account_id)
    left = None if result.left is None else result.left.id
    return ResellerOut(**shown(ctx, result.account).model_dump(), disconnected_from=left)


@routes.post("/v1/accounts/{account_id}/revert-reseller", WRITE, response=AccountOut)
def revert_reseller(ctx: Ctx, account_id: UUID, body: RevertIn = RevertIn()) -> AccountOut:  # noqa: B008 -- frozen
    """Turn a reseller back into a regular account. 409 `not_a_reseller`, `has_clients`."""
    disconnect = body.disconnect_clients
    account = reselling.revert_reseller(ctx.accounts, ctx.session, account_id, disconnect_clients=disconnect)
    return shown(ctx, account)


@routes.delete("/v1/accounts/{account_id}", RESELLERS, response=AccountOut, problems=[409])
def delete_account(ctx: Ctx, account_id: UUID) -> AccountOut:
    """Delete an account; it can be restored for 30 days. 409 `has_clients`."""
    account = closing.delete(ctx.accounts, ctx.offers, ctx.session, account_id, ctx.caller.actor)
    return shown(ctx, account)


@routes.post("/v1/accounts/{account_id}/restore", RESELLERS, response=AccountOut)
def restore_account(ctx: Ctx, account_id: UUID) -> AccountOut:
    """Restore a deleted account. 409 `not_deleted`, `final`."""
    return shown(ctx, closing.restore(ctx.accounts, ctx.session, account_id))


@routes.post("/v1/resellers/{reseller_id}/clients", TOUCH, response=AccountOut, status=201)
def create_client(ctx: Ctx, reseller_id: UUID, body: ClientIn) -> AccountOut:
    """Create a client; its admin gets an activation link. 409 `name_taken`, `not_a_reseller`."""
    new = clients.NewClient(**body.model_dump())
    return shown(ctx, clients.create(ctx.accounts, ctx.session, reseller_id, new))


@routes.post("/v1/resellers/{reseller_id}/clients/connect", TOUCH, response=AccountOut, problems=[429])
def connect_client(ctx: Ctx, reseller_id: UUID, body: ClientCredentials) -> ApiResponse | AccountOut:
    """Connect an existing account by its password. 403 `bad_credentials`; 409 `has_reseller`; 429 `locked`."""
    result = clients.connect(ctx.accounts, ctx.session, reseller_id, body.name, body.password)
    if isinstance(result, Forbidden):
        return problem(result, ctx.incoming.trace_id)
    return shown(ctx, result)


@routes.get("/v1/resellers/{reseller_id}/clients", READ, response=PageOut[AccountOut], problems=[409])
def list_clients(ctx: Ctx, reseller_id: UUID, query: Annotated[PageQuery, Query()]) -> PageOut[AccountOut]:
    """List the reseller's clients in order of creation."""
    owner = reseller(ctx.session, reseller_id)
    filter_ = rows.AccountFilter(reseller=owner.id)
    page = accounts.page(ctx.session, filter_, query.cursor, query.limit)
    return PageOut(items=all_shown(ctx, page.items), next=page.next)


@routes.get("/v1/resellers/{reseller_id}/clients.csv", READ, media=as_csv.MEDIA, problems=[409])
def download_clients_csv(ctx: Ctx, reseller_id: UUID) -> ApiResponse:
    """Download the reseller's clients as CSV, UTF-8 with a byte order mark."""
    clients_list = lists.read(ctx.accounts, ctx.session, reseller_id)
    return ApiResponse(
        b"",
        headers={"Content-Disposition": ATTACHMENT.format("clients.csv")},
        media=as_csv.MEDIA,
        chunks=clients_list.as_csv(),
    )


@routes.get("/v1/resellers/{reseller_id}/clients.xlsx", READ, media=as_excel.MEDIA, problems=[409])
def download_clients_xlsx(ctx: Ctx, reseller_id: UUID) -> ApiResponse:
    """Download the reseller's clients as an Excel workbook."""
    clients_list = lists.read(ctx.accounts, ctx.session, reseller_id)
    return ApiResponse(
        b"",
        headers={"Content-Disposition": ATTACHMENT.format("clients.xlsx")},
        media=as_excel.MEDIA,
        chunks=clients_list.as_excel(),
    )


@routes.post("/v1/resellers/{reseller_id}/clients/{account_id}/disconnect", TOUCH, response=AccountOut)
def disconnect_client(ctx: Ctx, reseller_id: UUID, account_id: UUID) -> AccountOut:
    """Disconnect a client: it becomes a regular account."""
    return shown(ctx, clients.disconnect(ctx.accounts, ctx.session, reseller_id, account_id))
