"""Accounts: search, and one account with its facts and activity."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Final
from urllib.parse import urlencode
from uuid import UUID

from kontor.accounts import brand_queries, images, instances, suspension, timeline, timeline_queries
from kontor.accounts.image_coding import InvalidImage
from kontor.accounts.schemas import account_outs
from kontor.accounts.suspension import Suspender
from kontor.accounts.timeline_queries import AccountSearch
from kontor.discounts import queries as discounts_queries
from kontor.fees import queries as fees_queries
from kontor.http.incoming import IncomingRequest
from kontor.kernel.errors import NotFound
from kontor.kernel.paging import cursor_id, paginate
from kontor.kernel.states import ImageRole
from kontor.kernel.validation import name_key
from kontor.kernel.zones import local_day
from kontor.licences import service as licences
from kontor.members import factors
from kontor.members.factors import PortalFactors
from kontor.members.sessions import account_holder
from kontor.programme import service as programmes
from kontor.programme.display_names import DisplayNames
from kontor.ui import formatting, texts
from kontor.ui.console_request import ConsoleRequest, Redirect, TemplateResponse
from kontor.ui.formatting import timeboxed
from kontor.usage.service import trial_state
from models.accounts import Account, AccountKind
from models.control import Lane
from models.fees import FeeKind, FeeRun

SHOWN: Final = 50
SEARCH_MS: Final = 120
BASE_PATH: Final = "/console/accounts"
BRANDED: Final = frozenset({AccountKind.RESELLER, AccountKind.CLIENT})


def show_accounts(request: ConsoleRequest) -> TemplateResponse | Redirect:
    """Show matching accounts, newest first; redirect to the account if the search text is its id."""
    incoming = request.incoming
    text, cursor = incoming.param("q"), cursor_id(incoming.param("cursor"))
    account_id = _as_id(text)
    if account_id is not None and timeline_queries.account(request.session, account_id) is not None:
        return Redirect(f"{BASE_PATH}/{account_id}")
    rows, partial = _search(request, _filter(incoming, text), cursor)
    page = paginate(rows, SHOWN, lambda account: str(account.id))
    kept = [(name, value) for name, value in incoming.query.multi_items() if name != "cursor" and value]
    values = {
        "accounts": page.items,
        "trials": {account.id: trial_state(account, request.now).value for account in page.items},
        "names": formatting.named(request, [str(account.reseller_id) for account in page.items if account.reseller_id]),
        "partial": partial,
        "next": None if page.next is None else f"{BASE_PATH}?{urlencode([*kept, ('cursor', page.next)])}",
        "filter": {name: incoming.query.get(name, "") for name in ("q", "programme", "kind", "reseller")},
        "shown": {account.programme: _shown(request, account.programme) for account in page.items},
        "programmes": {
            row.code: _shown(request, row.code).programme.name for row in programmes.list_programmes(request.session)
        },
        "kinds": list(AccountKind),
        "lists": texts.LISTS,
    }
    return TemplateResponse("accounts.html", "Accounts", values, "accounts")


def show_account(request: ConsoleRequest) -> TemplateResponse:
    """Show one account with its activity. Raises NotFound."""
    return _account_page(request, account_from_path(request))


def upload_image(request: ConsoleRequest) -> TemplateResponse | Redirect:
    """Put an uploaded logo or favicon in force for a reseller or client. Raises NotFound."""
    account, form = account_from_path(request), request.incoming.form
    content, role = request.incoming.files.get("image", b""), form.get("role", "")
    if account.kind not in BRANDED or account.deleted_at is not None or role not in set(ImageRole):
        raise NotFound
    try:
        images.upload(request.context, request.session, account, ImageRole(role), content, request.deps.public_url)
    except InvalidImage as error:
        return _account_page(request, account, texts.IMAGE_REFUSED[error.cause.value], 422)
    return Redirect(f"{BASE_PATH}/{account.id}?done=image")


def _account_page(
    request: ConsoleRequest, account: Account, message: str | None = None, status: int = 200
) -> TemplateResponse:
    (out,) = account_outs(request.session, request.deps.programmes, [account], request.now)
    values = {
        "account": out,
        "shown": _shown(request, account.programme),
        "purged_at": account.purged_at,
        "activity": timeline.account_timeline(request, account, f"{BASE_PATH}/{account.id}"),
        "reseller": formatting.named(request, [str(account.reseller_id)]).get(str(account.reseller_id)),
        "runs": _runs(request, account),
        "licences": licences.balances(request.session, account.id, request.now),
        "discount": discounts_queries.current(request.session, account.id),
        "message": message,
        "factors": PortalFactors(request.session, account_holder(account.id)).factors(),
        "images": brand_queries.images_of(request.session, account.id) if account.kind in BRANDED else None,
        "roles": list(ImageRole),
        **_instance(request, account.id),
    }
    return TemplateResponse("account.html", account.name, values, "accounts", status)


def suspend(request: ConsoleRequest, reason: str | None) -> str:
    """Suspend an account, a reseller with its clients."""
    return _steer(request, suspension.suspend, reason, "suspend")


def resume(request: ConsoleRequest, reason: str | None) -> str:
    """Resume an account, a reseller with the clients that its suspension alone held."""
    return _steer(request, suspension.resume, reason, "resume")


def remove_factors(request: ConsoleRequest, _reason: str | None) -> str:
    """Let the owner of an account in again who has lost every second factor. Raises NotFound."""
    account = account_from_path(request)
    factors.remove_all(request.session, account.id)
    return f"{BASE_PATH}/{account.id}?done=account-factors"


def _steer(request: ConsoleRequest, act: Callable[..., Account], reason: str | None, verb: str) -> str:
    account_id = request.incoming.uuid("account_id")
    act(request.jobs, request.session, account_id, Suspender(request.actor(reason)), request.now, with_clients=True)
    return f"{BASE_PATH}/{account_id}?done={verb}"


def account_from_path(request: ConsoleRequest, name: str = "account_id") -> Account:
    """Return the account named by the path, including a purged one. Raises NotFound."""
    account = timeline_queries.account(request.session, request.incoming.uuid(name))
    if account is None:
        raise NotFound
    return account


def _shown(request: ConsoleRequest, code: str) -> DisplayNames:
    return DisplayNames(request.deps.programmes.current(request.session, code))


def _runs(request: ConsoleRequest, account: Account) -> Sequence[FeeRun]:
    """Return the fee runs of today: the paid plan and the monthly products."""
    today = local_day(request.now, request.deps.programmes.current(request.session, account.programme).zone)
    return [run for kind in FeeKind for run in fees_queries.active_runs(request.session, account.id, kind, today)]


def _instance(request: ConsoleRequest, account_id: UUID) -> Mapping[str, object]:
    instance = instances.get(request.session, account_id)
    lane = request.session.get(Lane, licences.instance_lane(account_id))
    return {"url": instance and instance.url, "lane": lane}


def _filter(incoming: IncomingRequest, text: str | None) -> AccountSearch:
    kind = incoming.param("kind")
    return AccountSearch(
        text=None if text is None else name_key(text),
        programme=incoming.param("programme"),
        kind=kind if kind in set(AccountKind) else None,
        reseller=_as_id(incoming.param("reseller")),
    )


def _search(request: ConsoleRequest, search: AccountSearch, before: UUID | None) -> tuple[Sequence[Account], bool]:
    """Return accounts, and whether the search for part of a name ran out of time (then: exact names only)."""
    rows = timeboxed(request, lambda: timeline_queries.accounts(request.session, search, before, SHOWN + 1), SEARCH_MS)
    if rows is not None:
        return rows, False
    exact = replace(search, exact=True)
    return timeboxed(
        request, lambda: timeline_queries.accounts(request.session, exact, before, SHOWN + 1), SEARCH_MS
    ) or (), True


def _as_id(text: str | None) -> UUID | None:
    try:
        return None if text is None else UUID(text)
    except ValueError:
        return None
