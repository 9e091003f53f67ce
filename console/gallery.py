"""The gallery: every kind of mail in every language and any brand, one at a time; nothing is sent or kept."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any, Final
from urllib.parse import urlencode

from console.answers import Document, Page
from console.frame import framed
from console.mails import LOOKS
from console.partial import bounded
from console.visit import Visit
from domain.errors import NotFound
from domain.names import name_key
from domain.paging import cursor_id, cut
from mail.build import MailBuilder
from mail.catalogue import LANGUAGES
from mail.kinds import KINDS, Audience
from mail.message import BuiltMail
from mail.render import Renderer
from models.accounts import Account, AccountKind
from services import mail_gallery
from services.mail_gallery import Speaker
from store import timelines
from store.timelines import AccountSearch

HERE: Final = "/console/mail/gallery"
NAMES: Final = {"en": "English", "de": "German", "fr": "French", "ru": "Russian", "ja": "Japanese"}
READERS: Final = {
    Audience.RESELLER: "To resellers",
    Audience.ACCOUNT: "To the admin of an account",
    Audience.CLIENT: "To the admin of a client, in the reseller's name",
    Audience.OPERATOR: "To operators",
}
SHOWN: Final = 12
SEARCH_MS: Final = 60


class Gallery:
    """Draws samples; templates and words are read when the first one is looked at. Safe to share by threads."""

    @cached_property
    def _builder(self) -> MailBuilder:
        return MailBuilder(Renderer())

    def show_index(self, visit: Visit) -> Page:
        """Every mail there is, a link for each language. Raises NotFound for a brand that nobody has."""
        values = {"sample": None, **_around(visit, _speaker(visit), HERE)}
        return Page("gallery.html", "Mail gallery", values, "mail")

    def show_sample(self, visit: Visit) -> Page:
        """One of them as it looks, as text and as it would be sent. Raises NotFound."""
        said_by, template, language = _speaker(visit), *_chosen(visit)
        built = self._built(visit, said_by, template, language)
        place = f"{HERE}/{template}/{language}"
        looks = [(look, f"{place}{_query(visit, look=look)}") for look in LOOKS]
        languages = [(code, NAMES[code], f"{HERE}/{template}/{code}{_query(visit)}") for code in LANGUAGES]
        values = {
            "sample": built,
            "template": template,
            "language": language,
            "look": _look(visit),
            "looks": looks,
            "tongues": languages,
            "frame": f"{place}/frame{_query(visit, look=None)}",
            "source": built.raw.decode("utf-8", "replace"),
            "beside": _beside(template),
            **_around(visit, said_by, place),
        }
        return Page("gallery.html", f"{template} in {NAMES[language]}", values, "mail")

    def sample_frame(self, visit: Visit) -> Document:
        """The sample's HTML alone, for a sandboxed frame. Raises NotFound."""
        return framed(self._built(visit, _speaker(visit), *_chosen(visit)).html)

    def _built(self, visit: Visit, said_by: Speaker, template: str, language: str) -> BuiltMail:
        """As a worker builds it, unsigned."""
        return self._builder.build(mail_gallery.sample(said_by, template, language), visit.now)


def _chosen(visit: Visit) -> tuple[str, str]:
    """The kind of mail and the language of the path."""
    template, language = visit.arrival.params["template"], visit.arrival.params["language"]
    if template not in KINDS or language not in LANGUAGES:
        raise NotFound
    return template, language


def _speaker(visit: Visit) -> Speaker:
    key = visit.arrival.asked("brand") or ""
    return mail_gallery.speaker(visit.session, visit.deps.programmes, visit.deps.public_url, key)


def _look(visit: Visit) -> str:
    look = visit.arrival.asked("look")
    return look if look in LOOKS else LOOKS[0]


def _around(visit: Visit, said_by: Speaker, place: str) -> Mapping[str, Any]:
    """The index, and whose brand it may be."""
    groups = [(said, [one.name for one in KINDS.values() if one.audience is who]) for who, said in READERS.items()]
    found, partial = _resellers(visit)
    page = cut(found, SHOWN, lambda account: str(account.id))
    search = visit.arrival.asked("q")
    further = page.next and f"{place}{_query(visit, q=search, cursor=page.next)}"
    ours = [("", mail_gallery.OURS), *mail_gallery.providers(visit.session, visit.deps.programmes)]
    return {
        "groups": groups,
        "languages": [(code, NAMES[code]) for code in LANGUAGES],
        "said_by": said_by,
        "state": _query(visit),
        "place": place,
        "kept": [(name, value) for name in ("brand", "look") if (value := visit.arrival.asked(name))],
        "asked": search or "",
        "ours": [(key, name, f"{place}{_query(visit, brand=key)}") for key, name in ours],
        "theirs": [(str(one.id), one.name, f"{place}{_query(visit, brand=str(one.id))}") for one in page.items],
        "next": further,
        "partial": partial,
        "choosing": bool(search or visit.arrival.asked("cursor")),
    }


def _query(visit: Visit, **other: str | None) -> str:
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


def _beside(template: str) -> tuple[str | None, str | None]:
    """The kinds before and after one, in the order of the index."""
    order = [one.name for who in READERS for one in KINDS.values() if one.audience is who]
    place = order.index(template)
    return (order[place - 1] if place else None), (order[place + 1] if place + 1 < len(order) else None)
