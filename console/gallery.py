"""Mail gallery: a sample of every mail, in every language and any brand; nothing is sent or stored."""

from collections.abc import Mapping
from functools import cached_property
from typing import Any, Final

from console import texts
from console.answers import Document, Page
from console.frame import sandboxed_html
from console.gallery_brands import choice, query_of, speaker_of
from console.mail import LOOKS
from console.visit import Visit
from domain.errors import NotFound
from mail.build import MailBuilder
from mail.catalogue import LANGUAGES
from mail.kinds import KINDS
from mail.message import BuiltMail
from mail.render import Renderer
from services import mail_gallery
from services.mail_gallery import Speaker

HERE: Final = "/console/mail/gallery"

SHOWN: Final = 12
SEARCH_MS: Final = 60


class Gallery:
    """Renders samples; templates and translations are loaded with the first one. Safe to share between threads."""

    @cached_property
    def _builder(self) -> MailBuilder:
        return MailBuilder(Renderer())

    def show_index(self, visit: Visit) -> Page:
        """Show the index: every mail, with a link per language. Raises NotFound for an unknown brand."""
        values = {"sample": None, **_index_values(visit, speaker_of(visit), HERE)}
        return Page("gallery.html", "Mail gallery", values, "mail")

    def show_sample(self, visit: Visit) -> Page:
        """Show one sample: preview, plain text and source. Raises NotFound."""
        speaker, template, language = speaker_of(visit), *_chosen(visit)
        built = self._built(visit, speaker, template, language)
        place = f"{HERE}/{template}/{language}"
        looks = [(look, f"{place}{query_of(visit, look=look)}") for look in LOOKS]
        languages = [(code, texts.LANGUAGES[code], f"{HERE}/{template}/{code}{query_of(visit)}") for code in LANGUAGES]
        values = {
            "sample": built,
            "template": template,
            "language": language,
            "look": _look(visit),
            "looks": looks,
            "sample_languages": languages,
            "frame": f"{place}/frame{query_of(visit, look=None)}",
            "source": built.raw.decode("utf-8", "replace"),
            "neighbours": _neighbours(template),
            **_index_values(visit, speaker, place),
        }
        return Page("gallery.html", f"{template} in {texts.LANGUAGES[language]}", values, "mail")

    def sample_frame(self, visit: Visit) -> Document:
        """Return the sample's HTML for a sandboxed frame. Raises NotFound."""
        return sandboxed_html(self._built(visit, speaker_of(visit), *_chosen(visit)).html)

    def _built(self, visit: Visit, speaker: Speaker, template: str, language: str) -> BuiltMail:
        """Build the mail as a worker does, but unsigned."""
        return self._builder.build(mail_gallery.sample(speaker, template, language), visit.now)


def _chosen(visit: Visit) -> tuple[str, str]:
    """Return the mail template and the language of the path. Raises NotFound."""
    template, language = visit.arrival.params["template"], visit.arrival.params["language"]
    if template not in KINDS or language not in LANGUAGES:
        raise NotFound
    return template, language


def _look(visit: Visit) -> str:
    look = visit.arrival.param("look")
    return look if look in LOOKS else LOOKS[0]


def _index_values(visit: Visit, speaker: Speaker, place: str) -> Mapping[str, Any]:
    """Return the values of the index and of the brand selection."""
    groups = [
        (label, [kind.name for kind in KINDS.values() if kind.audience is audience])
        for audience, label in texts.AUDIENCES.items()
    ]
    languages = [(code, texts.LANGUAGES[code]) for code in LANGUAGES]
    return {"groups": groups, "languages": languages, "state": query_of(visit), **choice(visit, speaker, place)}


def _neighbours(template: str) -> tuple[str | None, str | None]:
    """Return the previous and the next template in the order of the index."""
    order = [kind.name for audience in texts.AUDIENCES for kind in KINDS.values() if kind.audience is audience]
    place = order.index(template)
    return (order[place - 1] if place else None), (order[place + 1] if place + 1 < len(order) else None)
