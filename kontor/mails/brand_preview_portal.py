"""What clients get in a brand: a page and every mail, in each language, from samples, as saved or as typed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property
from typing import Final
from urllib.parse import urlencode

from kontor.accounts.brand_portal import mails_to_clients, place_of, target, typed_settings
from kontor.accounts.brands import BrandSettings
from kontor.kernel.errors import Invalid, NotFound
from kontor.mailer.build import MailBuilder
from kontor.mailer.formatting import LANGUAGES, language_of
from kontor.mailer.render import Renderer
from kontor.mails import preview
from kontor.mails.console import sandboxed
from kontor.mails.preview import SampleSender
from kontor.ui.pages import N
from kontor.ui.portal_errors import refused
from kontor.ui.portal_request import PortalFrame, PortalPage, PortalRequest, PortalResponse

PREVIEW: Final = N("How it looks")
SAMPLE: Final = N("A page of your client")


class BrandPreview:
    """Renders samples; templates and translations are loaded with the first one. Safe to share between threads."""

    @cached_property
    def _builder(self) -> MailBuilder:
        return MailBuilder(Renderer())

    def show(self, request: PortalRequest) -> PortalResponse:
        """Show what is chosen in a frame, and what else there is. Raises NotFound."""
        template, language = _chosen(request, request.incoming.query)
        query = urlencode({"in": language, **({"mail": template} if template else {})})
        account, place = target(request), place_of(request)
        values = {
            "of_client": None if account is request.person.account else account,
            "place": place,
            "mails": mails_to_clients(),
            "mail": template,
            "shown_in": language,
            "frame": f"{place}/preview/{'mail' if template else 'page'}?{query}",
        }
        return PortalPage("brand_preview.html", PREVIEW, values)

    def page(self, request: PortalRequest) -> PortalResponse:
        """Return a sample page for the frame. Raises NotFound."""
        _, language = _chosen(request, request.incoming.query)
        return _page(_sender(request), language)

    def mail(self, request: PortalRequest) -> PortalResponse:
        """Return a sample mail for the frame. Raises NotFound."""
        template, language = _chosen(request, request.incoming.query)
        if not template:
            raise NotFound
        return self._mail(request, _sender(request), template, language)

    def typed(self, request: PortalRequest) -> PortalResponse:
        """Return a sample in the brand as typed, for the frame; saves nothing. Raises NotFound."""
        template, language = _chosen(request, request.incoming.form)
        try:
            sender = _sender(request, typed_settings(request))
        except Invalid as error:
            return replace(refused(request, _page(_sender(request), request.locale), error), framed=True)
        return self._mail(request, sender, template, language) if template else _page(sender, language)

    def _mail(self, request: PortalRequest, sender: SampleSender, template: str, language: str) -> PortalFrame:
        built = self._builder.build(preview.sample_mail(sender, template, language), request.now)
        return PortalFrame(*sandboxed(built.html, sender.branding.brand.link_base))


def _page(sender: SampleSender, language: str) -> PortalPage:
    return PortalPage("brand_sample.html", SAMPLE, brand=sender.branding.brand, framed=True, locale=language)


def _chosen(request: PortalRequest, asked: Mapping[str, str]) -> tuple[str, str]:
    """Return mail, empty for the page, and language. Raises NotFound for a mail that no client gets."""
    template, language = asked.get("mail") or "", asked.get("in") or ""
    if template and template not in mails_to_clients():
        raise NotFound
    return template, language if language in LANGUAGES else language_of(request.locale)


def _sender(request: PortalRequest, typed: BrandSettings | None = None) -> SampleSender:
    """Return the sender of samples in the brand of the page, the reseller's or a client's. Raises NotFound."""
    deps, account = request.deps, target(request)
    return preview.sample_sender(request.session, deps.programmes, deps.public_url, str(account.id), typed)
