"""Resellers and their clients."""

from typing import Annotated, ClassVar, Final
from uuid import UUID

from fastapi import Query

from api import owners
from api.account_docs import AccountDoc
from api.accounts import RESELLERS, WRITE, all_shown, shown
from api.answers import Answer
from api.call import Access, Here
from api.problems import problem
from api.routes import Routes
from api.schema import Incoming, Page, Paging
from domain.errors import Forbidden
from models.keys import Scope
from services import accounts, clients, closing, reselling
from services.exports import as_csv, as_excel, lists
from services.resellers import reseller
from store import accounts as rows

routes = Routes("resellers")
READ = Access(Scope.READ, "reseller_id", owners.account)
TOUCH = Access(Scope.ENQUEUE, "reseller_id", owners.account)
ATTACHMENT: Final = 'attachment; filename="{}"'


class ResellerDoc(AccountDoc):
    """A new reseller; `disconnected_from` is its former reseller, whose brand it no longer has."""

    disconnected_from: UUID | None


class Revert(Incoming):
    """Whether to disconnect the clients."""

    disconnect_clients: bool = False


class NewClient(Incoming):
    """A new client account."""

    name: str
    admin_email: str
    locale: str | None = None
    timezone: str | None = None


class Credentials(Incoming):
    """An account's name and password as typed."""

    any_text: ClassVar[bool] = True

    name: str
    password: str


@routes.post("/v1/accounts/{account_id}/become-reseller", WRITE, answer=ResellerDoc)
def become_reseller(call: Here, account_id: UUID) -> ResellerDoc:
    """Turn an account into a reseller, free and immediately. 403 `party_refused`; 409 `already_reseller`."""
    result = reselling.become_reseller(call.accounts, call.session, account_id)
    left = None if result.left is None else result.left.id
    return ResellerDoc(**shown(call, result.account).model_dump(), disconnected_from=left)


@routes.post("/v1/accounts/{account_id}/revert-reseller", WRITE, answer=AccountDoc)
def revert_reseller(call: Here, account_id: UUID, body: Revert = Revert()) -> AccountDoc:  # noqa: B008 -- frozen
    """Turn a reseller back into a regular account. 409 `not_a_reseller`, `has_clients`."""
    disconnect = body.disconnect_clients
    account = reselling.revert_reseller(call.accounts, call.session, account_id, disconnect_clients=disconnect)
    return shown(call, account)


@routes.delete("/v1/accounts/{account_id}", RESELLERS, answer=AccountDoc, problems=[409])
def delete_account(call: Here, account_id: UUID) -> AccountDoc:
    """Delete an account; it can be restored for 30 days. 409 `has_clients`."""
    account = closing.delete(call.accounts, call.offers, call.session, account_id, call.caller.actor)
    return shown(call, account)


@routes.post("/v1/accounts/{account_id}/restore", RESELLERS, answer=AccountDoc)
def restore_account(call: Here, account_id: UUID) -> AccountDoc:
    """Restore a deleted account. 409 `not_deleted`, `final`."""
    return shown(call, closing.restore(call.accounts, call.session, account_id))


@routes.post("/v1/resellers/{reseller_id}/clients", TOUCH, answer=AccountDoc, status=201)
def create_client(call: Here, reseller_id: UUID, body: NewClient) -> AccountDoc:
    """Create a client; its admin gets an activation link. 409 `name_taken`, `not_a_reseller`."""
    new = clients.NewClient(**body.model_dump())
    return shown(call, clients.create(call.accounts, call.session, reseller_id, new))


@routes.post("/v1/resellers/{reseller_id}/clients/connect", TOUCH, answer=AccountDoc, problems=[429])
def connect_client(call: Here, reseller_id: UUID, body: Credentials) -> Answer | AccountDoc:
    """Connect an existing account by its password. 403 `bad_credentials`; 409 `has_reseller`; 429 `locked`."""
    result = clients.connect(call.accounts, call.session, reseller_id, body.name, body.password)
    if isinstance(result, Forbidden):
        return problem(result, call.arrival.trace_id)
    return shown(call, result)


@routes.get("/v1/resellers/{reseller_id}/clients", READ, answer=Page[AccountDoc], problems=[409])
def list_clients(call: Here, reseller_id: UUID, query: Annotated[Paging, Query()]) -> Page[AccountDoc]:
    """List the reseller's clients in order of creation."""
    owner = reseller(call.session, reseller_id)
    filter_ = rows.AccountFilter(reseller=owner.id)
    page = accounts.page(call.session, filter_, query.cursor, query.limit)
    return Page(items=all_shown(call, page.items), next=page.next)


@routes.get("/v1/resellers/{reseller_id}/clients.csv", READ, media=as_csv.MEDIA, problems=[409])
def download_clients_csv(call: Here, reseller_id: UUID) -> Answer:
    """Download the reseller's clients as CSV, UTF-8 with a byte order mark."""
    clients_list = lists.read(call.accounts, call.session, reseller_id)
    return Answer(
        b"",
        headers={"Content-Disposition": ATTACHMENT.format("clients.csv")},
        media=as_csv.MEDIA,
        chunks=clients_list.as_csv(),
    )


@routes.get("/v1/resellers/{reseller_id}/clients.xlsx", READ, media=as_excel.MEDIA, problems=[409])
def download_clients_xlsx(call: Here, reseller_id: UUID) -> Answer:
    """Download the reseller's clients as an Excel workbook."""
    clients_list = lists.read(call.accounts, call.session, reseller_id)
    return Answer(
        b"",
        headers={"Content-Disposition": ATTACHMENT.format("clients.xlsx")},
        media=as_excel.MEDIA,
        chunks=clients_list.as_excel(),
    )


@routes.post("/v1/resellers/{reseller_id}/clients/{account_id}/disconnect", TOUCH, answer=AccountDoc)
def disconnect_client(call: Here, reseller_id: UUID, account_id: UUID) -> AccountDoc:
    """Disconnect a client: it becomes a regular account."""
    return shown(call, clients.disconnect(call.accounts, call.session, reseller_id, account_id))
