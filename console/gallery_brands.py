"""Whose brand the gallery shows: Kontor's, a provider's, or that of one of many resellers, found by name."""

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
    """Who the address says. Raises NotFound for a brand that nobody has."""
    key = visit.arrival.asked("brand") or ""
    return mail_gallery.speaker(visit.session, visit.deps.programmes, visit.deps.public_url, key)


def choice(visit: Visit, said_by: Speaker, place: str) -> Mapping[str, Any]:
    """What the page at `place` offers to choose from."""
    found, partial = _resellers(visit)
    page = cut(found, SHOWN, lambda account: str(account.id))
    search = visit.arrival.asked("q")
    ours = [("", mail_gallery.OURS), *mail_gallery.providers(visit.session, visit.deps.programmes)]
    return {
        "said_by": said_by,
        "place": place,
        "kept": [(name, value) for name in ("brand", "look") if (value := visit.arrival.asked(name))],
        "asked": search or "",
        "ours": [(key, name, f"{place}{query_of(visit, brand=key)}") for key, name in ours],
        "theirs": [(str(one.id), one.name, f"{place}{query_of(visit, brand=str(one.id))}") for one in page.items],
        "next": page.next and f"{place}{query_of(visit, q=search, cursor=page.next)}",
        "partial": partial,
        "choosing": bool(search or visit.arrival.asked("cursor")),
    }


def query_of(visit: Visit, **other: str | None) -> str:
    """The state that goes along with every link: brand and look, unless other ones are given."""
    pairs = {name: visit.arrival.asked(name) for name in ("brand", "look")} | other
    kept = urlencode({name: value for name, value in pairs.items() if value})
    return f"?{kept}" if kept else ""


def _resellers(visit: Visit) -> tuple[Sequence[Account], bool]:
    """Resellers, newest first; whether there are too many to look for a part of a name in time."""
    text, before = visit.arrival.asked("q"), cursor_id(visit.arrival.asked("cursor"))
    wanted = AccountSearch(text=text and name_key(text), kind=AccountKind.RESELLER)
    found = bounded(visit, lambda: timelines.accounts(visit.session, wanted, before, SHOWN + 1), SEARCH_MS)
    if found is not None or text is None:
        return found or (), found is None
    whole = replace(wanted, exact=True)
    return bounded(visit, lambda: timelines.accounts(visit.session, whole, before, SHOWN + 1), SEARCH_MS) or (), True
