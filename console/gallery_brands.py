"""Brand selection of the gallery: Kontor's, a provider's, or a reseller's found by name."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final
from urllib.parse import urlencode

from console.partial import bounded
from console.visit import Visit
from domain.names import name_key
from domain.paging import cursor_id, cut
from models.accounts import Account, AccountKind
from services import mail_gallery
from services.mail_gallery import Speaker
from store import timelines
from store.timelines import AccountSearch

SHOWN: Final = 12
SEARCH_MS: Final = 60


def speaker_of(visit: Visit) -> Speaker:
    """Return the selected brand. Raises NotFound for an unknown one."""
    key = visit.arrival.param("brand") or ""
    return mail_gallery.speaker(visit.session, visit.deps.programmes, visit.deps.public_url, key)


def choice(visit: Visit, speaker: Speaker, place: str) -> Mapping[str, Any]:
    """Return the brand choices of the page at `place`."""
    resellers, partial = _resellers(visit)
    page = cut(resellers, SHOWN, lambda account: str(account.id))
    search = visit.arrival.param("q")
    ours = [("", mail_gallery.OURS), *mail_gallery.providers(visit.session, visit.deps.programmes)]
    return {
        "speaker": speaker,
        "place": place,
        "kept": [(name, value) for name in ("brand", "look") if (value := visit.arrival.param(name))],
        "search": search or "",
        "ours": [(key, name, f"{place}{query_of(visit, brand=key)}") for key, name in ours],
        "theirs": [(str(row.id), row.name, f"{place}{query_of(visit, brand=str(row.id))}") for row in page.items],
        "next": page.next and f"{place}{query_of(visit, q=search, cursor=page.next)}",
        "partial": partial,
        "choosing": bool(search or visit.arrival.param("cursor")),
    }


def query_of(visit: Visit, **other: str | None) -> str:
    """Return the query string kept in every link: brand and look, with overrides."""
    pairs = {name: visit.arrival.param(name) for name in ("brand", "look")} | other
    kept = urlencode({name: value for name, value in pairs.items() if value})
    return f"?{kept}" if kept else ""


def _resellers(visit: Visit) -> tuple[Sequence[Account], bool]:
    """Return resellers, newest first, and whether the search for part of a name ran out of time."""
    text, before = visit.arrival.param("q"), cursor_id(visit.arrival.param("cursor"))
    search = AccountSearch(text=text and name_key(text), kind=AccountKind.RESELLER)
    rows = bounded(visit, lambda: timelines.accounts(visit.session, search, before, SHOWN + 1), SEARCH_MS)
    if rows is not None or text is None:
        return rows or (), rows is None
    exact = replace(search, exact=True)
    return bounded(visit, lambda: timelines.accounts(visit.session, exact, before, SHOWN + 1), SEARCH_MS) or (), True
