"""What a reseller's clients get in its brand: a page and every mail, in each language, from samples."""

from __future__ import annotations

from functools import cached_property
from typing import Final
from urllib.parse import urlencode

from kontor.kernel.errors import NotFound
from kontor.mailer.build import MailBuilder
from kontor.mailer.formatting import LANGUAGES, language_of
from kontor.mailer.kinds import Audience
from kontor.mailer.registry import MAIL_KINDS
from kontor.mailer.render import Renderer
from kontor.mails import preview
from kontor.mails.console import sandboxed
from kontor.mails.preview import SampleSender
from kontor.ui.pages import N
from kontor.ui.portal_request import PortalFrame, PortalPage, PortalRequest, PortalResponse

PREVIEW: Final = N("How it looks")
SAMPLE: Final = N("A page of your client")
TO_CLIENTS: Final = (Audience.CLIENT, Audience.ACCOUNT)


class BrandPreview:
    """Renders samples; templates and translations are loaded with the first one. Safe to share between threads."""

    @cached_property
    def _builder(self) -> MailBuilder:
        return MailBuilder(Renderer())

    def show(self, request: PortalRequest) -> PortalResponse:
        """Show what is chosen in a frame, and what else there is."""
        template, language = _chosen(request)
        query = urlencode({"in": language, **({"mail": template} if template else {})})
        values = {
            "mails": _names(),
            "mail": template,
            "shown_in": language,
            "frame": f"/partner/brand/preview/{'mail' if template else 'page'}?{query}",
        }
        return PortalPage("brand_preview.html", PREVIEW, values, page="partner.brand.preview")

    def page(self, request: PortalRequest) -> PortalResponse:
        """Return a sample page for the frame."""
        _, language = _chosen(request)
        brand = _sender(request).branding.brand
        return PortalPage("brand_sample.html", SAMPLE, brand=brand, framed=True, locale=language)

    def mail(self, request: PortalRequest) -> PortalResponse:
        """Return a sample mail for the frame. Raises NotFound."""
        template, language = _chosen(request)
        if not template:
            raise NotFound
        sender = _sender(request)
        built = self._builder.build(preview.sample_mail(sender, template, language), request.now)
        return PortalFrame(*sandboxed(built.html, sender.branding.brand.link_base))


def _chosen(request: PortalRequest) -> tuple[str, str]:
    """Return mail, empty for the page, and language. Raises NotFound for a mail that no client gets."""
    template, language = request.incoming.param("mail") or "", request.incoming.param("in") or ""
    if template and template not in _names():
        raise NotFound
    return template, language if language in LANGUAGES else language_of(request.locale)


def _names() -> list[str]:
    return sorted(kind.name for kind in MAIL_KINDS.values() if kind.audience in TO_CLIENTS)


def _sender(request: PortalRequest) -> SampleSender:
    deps = request.deps
    return preview.sample_sender(request.session, deps.programmes, deps.public_url, str(request.person.account.id))
