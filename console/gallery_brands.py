"""Brand selection of the gallery: Kontor's, a provider's, or a reseller's found by name."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final
from urllib.parse import urlencode

from console.partial import timeboxed
from console.visit import ConsoleRequest
from domain.names import name_key
from domain.paging import cursor_id, cut
from models.accounts import Account, AccountKind
from services import mail_gallery
from services.mail_gallery import Speaker
from store import timelines
from store.timelines import AccountSearch

SHOWN: Final = 12
SEARCH_MS: Final = 60


def speaker_of(request: ConsoleRequest) -> Speaker:
    """Return the selected brand. Raises NotFound for an unknown one."""
    key = request.incoming.param("brand") or ""
    return mail_gallery.speaker(request.session, request.deps.programmes, request.deps.public_url, key)


def choice(request: ConsoleRequest, speaker: Speaker, place: str) -> Mapping[str, Any]:
    """Return the brand choices of the page at `place`."""
    resellers, partial = _resellers(request)
    page = cut(resellers, SHOWN, lambda account: str(account.id))
    search = request.incoming.param("q")
    ours = [("", mail_gallery.OURS), *mail_gallery.providers(request.session, request.deps.programmes)]
    return {
        "speaker": speaker,
        "place": place,
        "kept": [(name, value) for name in ("brand", "look") if (value := request.incoming.param(name))],
        "search": search or "",
        "ours": [(key, name, f"{place}{query_of(request, brand=key)}") for key, name in ours],
        "theirs": [(str(row.id), row.name, f"{place}{query_of(request, brand=str(row.id))}") for row in page.items],
        "next": page.next and f"{place}{query_of(request, q=search, cursor=page.next)}",
        "partial": partial,
        "choosing": bool(search or request.incoming.param("cursor")),
    }


def query_of(request: ConsoleRequest, **other: str | None) -> str:
    """Return the query string kept in every link: brand and look, with overrides."""
    pairs = {name: request.incoming.param(name) for name in ("brand", "look")} | other
    kept = urlencode({name: value for name, value in pairs.items() if value})
    return f"?{kept}" if kept else ""


def _resellers(request: ConsoleRequest) -> tuple[Sequence[Account], bool]:
    """Return resellers, newest first, and whether the search for part of a name ran out of time."""
    text, before = request.incoming.param("q"), cursor_id(request.incoming.param("cursor"))
    search = AccountSearch(text=text and name_key(text), kind=AccountKind.RESELLER)
    rows = timeboxed(request, lambda: timelines.accounts(request.session, search, before, SHOWN + 1), SEARCH_MS)
    if rows is not None or text is None:
        return rows or (), rows is None
    exact = replace(search, exact=True)
    return timeboxed(
        request, lambda: timelines.accounts(request.session, exact, before, SHOWN + 1), SEARCH_MS
    ) or (), True
