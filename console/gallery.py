"""Mail gallery: a sample of every mail, in every language and any brand; nothing is sent or stored."""

from collections.abc import Mapping
from functools import cached_property
from typing import Any, Final

from console import texts
from console.answers import RawResponse, TemplateResponse
from console.frame import sandboxed_html
from console.gallery_brands import choice, query_of, speaker_of
from console.mail import LOOKS
from console.visit import ConsoleRequest
from domain.errors import NotFound
from mail.build import MailBuilder
from mail.catalogue import LANGUAGES
from mail.kinds import KINDS
from mail.message import BuiltMail
from mail.render import Renderer
from services import mail_gallery
from services.mail_gallery import Speaker

BASE_PATH: Final = "/console/mail/gallery"

SHOWN: Final = 12
SEARCH_MS: Final = 60


class Gallery:
    """Renders samples; templates and translations are loaded with the first one. Safe to share between threads."""

    @cached_property
    def _builder(self) -> MailBuilder:
        return MailBuilder(Renderer())

    def show_index(self, request: ConsoleRequest) -> TemplateResponse:
        """Show the index: every mail, with a link per language. Raises NotFound for an unknown brand."""
        values = {"sample": None, **_index_values(request, speaker_of(request), BASE_PATH)}
        return TemplateResponse("gallery.html", "Mail gallery", values, "mail")

    def show_sample(self, request: ConsoleRequest) -> TemplateResponse:
        """Show one sample: preview, plain text and source. Raises NotFound."""
        speaker, template, language = speaker_of(request), *_chosen(request)
        built = self._built(request, speaker, template, language)
        place = f"{BASE_PATH}/{template}/{language}"
        looks = [(name, f"{place}{query_of(request, look=name)}") for name in LOOKS]
        languages = [
            (code, texts.LANGUAGES[code], f"{BASE_PATH}/{template}/{code}{query_of(request)}") for code in LANGUAGES
        ]
        values = {
            "sample": built,
            "template": template,
            "language": language,
            "look": _appearance(request),
            "looks": looks,
            "sample_languages": languages,
            "frame": f"{place}/frame{query_of(request, look=None)}",
            "source": built.raw.decode("utf-8", "replace"),
            "neighbours": _neighbours(template),
            **_index_values(request, speaker, place),
        }
        return TemplateResponse("gallery.html", f"{template} in {texts.LANGUAGES[language]}", values, "mail")

    def sample_frame(self, request: ConsoleRequest) -> RawResponse:
        """Return the sample's HTML for a sandboxed frame. Raises NotFound."""
        return sandboxed_html(self._built(request, speaker_of(request), *_chosen(request)).html)

    def _built(self, request: ConsoleRequest, speaker: Speaker, template: str, language: str) -> BuiltMail:
        """Build the mail as a worker does, but unsigned."""
        return self._builder.build(mail_gallery.sample(speaker, template, language), request.now)


def _chosen(request: ConsoleRequest) -> tuple[str, str]:
    """Return the mail template and the language of the path. Raises NotFound."""
    template, language = request.incoming.params["template"], request.incoming.params["language"]
    if template not in KINDS or language not in LANGUAGES:
        raise NotFound
    return template, language


def _appearance(request: ConsoleRequest) -> str:
    appearance = request.incoming.param("look")
    return appearance if appearance in LOOKS else LOOKS[0]


def _index_values(request: ConsoleRequest, speaker: Speaker, place: str) -> Mapping[str, Any]:
    """Return the values of the index and of the brand selection."""
    groups = [
        (label, [kind.name for kind in KINDS.values() if kind.audience is audience])
        for audience, label in texts.AUDIENCES.items()
    ]
    languages = [(code, texts.LANGUAGES[code]) for code in LANGUAGES]
    return {"groups": groups, "languages": languages, "state": query_of(request), **choice(request, speaker, place)}


def _neighbours(template: str) -> tuple[str | None, str | None]:
    """Return the previous and the next template in the order of the index."""
    order = [kind.name for audience in texts.AUDIENCES for kind in KINDS.values() if kind.audience is audience]
    place = order.index(template)
    return (order[place - 1] if place else None), (order[place + 1] if place + 1 < len(order) else None)
