"""Console page of the mail gallery: every mail in every language and any brand."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Final
from urllib.parse import urlencode

from kontor.accounts import timeline_queries
from kontor.accounts.timeline_queries import AccountSearch
from kontor.kernel.errors import NotFound
from kontor.kernel.paging import cursor_id, paginate
from kontor.kernel.validation import name_key
from kontor.mailer.build import MailBuilder
from kontor.mailer.formatting import LANGUAGES
from kontor.mailer.mime import BuiltMail
from kontor.mailer.registry import MAIL_KINDS
from kontor.mailer.render import Renderer
from kontor.mails import preview
from kontor.mails.console import LOOKS, sandboxed_html
from kontor.mails.dispatch import KONTOR_NAME
from kontor.mails.preview import SampleSender
from kontor.ui import texts
from kontor.ui.console_request import ConsoleRequest, RawResponse, TemplateResponse
from kontor.ui.formatting import timeboxed
from models.accounts import Account, AccountKind

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

    def _built(self, request: ConsoleRequest, speaker: SampleSender, template: str, language: str) -> BuiltMail:
        """Build the mail as a worker does, but unsigned."""
        return self._builder.build(preview.sample_mail(speaker, template, language), request.now)


def _chosen(request: ConsoleRequest) -> tuple[str, str]:
    """Return the mail template and the language of the path. Raises NotFound."""
    template, language = request.incoming.params["template"], request.incoming.params["language"]
    if template not in MAIL_KINDS or language not in LANGUAGES:
        raise NotFound
    return template, language


def _appearance(request: ConsoleRequest) -> str:
    appearance = request.incoming.param("look")
    return appearance if appearance in LOOKS else LOOKS[0]


def _index_values(request: ConsoleRequest, speaker: SampleSender, place: str) -> Mapping[str, object]:
    """Return the values of the index and of the brand selection."""
    groups = [
        (label, [kind.name for kind in MAIL_KINDS.values() if kind.audience is audience])
        for audience, label in texts.AUDIENCES.items()
    ]
    languages = [(code, texts.LANGUAGES[code]) for code in LANGUAGES]
    return {"groups": groups, "languages": languages, "state": query_of(request), **choice(request, speaker, place)}


def _neighbours(template: str) -> tuple[str | None, str | None]:
    """Return the previous and the next template in the order of the index."""
    order = [kind.name for audience in texts.AUDIENCES for kind in MAIL_KINDS.values() if kind.audience is audience]
    place = order.index(template)
    return (order[place - 1] if place else None), (order[place + 1] if place + 1 < len(order) else None)


SHOWN_BRANDS: Final = 12
BRAND_SEARCH_MS: Final = 60


def speaker_of(request: ConsoleRequest) -> SampleSender:
    """Return the selected brand. Raises NotFound for an unknown one."""
    key = request.incoming.param("brand") or ""
    return preview.sample_sender(request.session, request.deps.programmes, request.deps.public_url, key)


def choice(request: ConsoleRequest, speaker: SampleSender, place: str) -> Mapping[str, object]:
    """Return the brand choices of the page at `place`."""
    resellers, partial = _resellers(request)
    page = paginate(resellers, SHOWN_BRANDS, lambda account: str(account.id))
    search = request.incoming.param("q")
    ours = [("", KONTOR_NAME), *preview.providers(request.session, request.deps.programmes)]
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
    rows = timeboxed(
        request, lambda: timeline_queries.accounts(request.session, search, before, SHOWN_BRANDS + 1), BRAND_SEARCH_MS
    )
    if rows is not None or text is None:
        return rows or (), rows is None
    exact = replace(search, exact=True)
    return timeboxed(
        request, lambda: timeline_queries.accounts(request.session, exact, before, SHOWN_BRANDS + 1), BRAND_SEARCH_MS
    ) or (), True
