"""The gallery: every kind of mail in every language and any brand, one at a time; nothing is sent or kept."""

from collections.abc import Mapping
from functools import cached_property
from typing import Any, Final

from console.answers import Document, Page
from console.frame import framed
from console.gallery_brands import choice, query_of, speaker_of
from console.mail import LOOKS
from console.visit import Visit
from domain.errors import NotFound
from mail.build import MailBuilder
from mail.catalogue import LANGUAGES
from mail.kinds import KINDS, Audience
from mail.message import BuiltMail
from mail.render import Renderer
from services import mail_gallery
from services.mail_gallery import Speaker

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
        values = {"sample": None, **_around(visit, speaker_of(visit), HERE)}
        return Page("gallery.html", "Mail gallery", values, "mail")

    def show_sample(self, visit: Visit) -> Page:
        """One of them as it looks, as text and as it would be sent. Raises NotFound."""
        said_by, template, language = speaker_of(visit), *_chosen(visit)
        built = self._built(visit, said_by, template, language)
        place = f"{HERE}/{template}/{language}"
        looks = [(look, f"{place}{query_of(visit, look=look)}") for look in LOOKS]
        languages = [(code, NAMES[code], f"{HERE}/{template}/{code}{query_of(visit)}") for code in LANGUAGES]
        values = {
            "sample": built,
            "template": template,
            "language": language,
            "look": _look(visit),
            "looks": looks,
            "tongues": languages,
            "frame": f"{place}/frame{query_of(visit, look=None)}",
            "source": built.raw.decode("utf-8", "replace"),
            "beside": _beside(template),
            **_around(visit, said_by, place),
        }
        return Page("gallery.html", f"{template} in {NAMES[language]}", values, "mail")

    def sample_frame(self, visit: Visit) -> Document:
        """The sample's HTML alone, for a sandboxed frame. Raises NotFound."""
        return framed(self._built(visit, speaker_of(visit), *_chosen(visit)).html)

    def _built(self, visit: Visit, said_by: Speaker, template: str, language: str) -> BuiltMail:
        """As a worker builds it, unsigned."""
        return self._builder.build(mail_gallery.sample(said_by, template, language), visit.now)


def _chosen(visit: Visit) -> tuple[str, str]:
    """The kind of mail and the language of the path."""
    template, language = visit.arrival.params["template"], visit.arrival.params["language"]
    if template not in KINDS or language not in LANGUAGES:
        raise NotFound
    return template, language


def _look(visit: Visit) -> str:
    look = visit.arrival.asked("look")
    return look if look in LOOKS else LOOKS[0]


def _around(visit: Visit, said_by: Speaker, place: str) -> Mapping[str, Any]:
    """The index, and whose brand it may be."""
    groups = [(said, [one.name for one in KINDS.values() if one.audience is who]) for who, said in READERS.items()]
    languages = [(code, NAMES[code]) for code in LANGUAGES]
    return {"groups": groups, "languages": languages, "state": query_of(visit), **choice(visit, said_by, place)}


def _beside(template: str) -> tuple[str | None, str | None]:
    """The kinds before and after one, in the order of the index."""
    order = [one.name for who in READERS for one in KINDS.values() if one.audience is who]
    place = order.index(template)
    return (order[place - 1] if place else None), (order[place + 1] if place + 1 < len(order) else None)
