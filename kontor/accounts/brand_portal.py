"""The reseller's brand, and what a client has of its own: name, images, colours, contact, domain, sender."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final, cast
from urllib.parse import urlsplit

from kontor.accounts import brand_queries, brands, domain_records, domains, images
from kontor.accounts import service as accounts
from kontor.accounts.brands import BrandSettings, image_in_force
from kontor.accounts.domain_records import DomainAnswers
from kontor.accounts.domains import DomainClaim
from kontor.accounts.image_coding import InvalidImage
from kontor.audit import Actor
from kontor.kernel.errors import Conflict, Invalid, NotFound
from kontor.kernel.ports import txt_name, txt_value
from kontor.kernel.states import ImageRole
from kontor.mailer.brand import CARD, MIN_CONTRAST, Colours, contrast
from kontor.mailer.formatting import language_of
from kontor.mailer.identity import domain_of
from kontor.mailer.kinds import Audience
from kontor.mailer.registry import MAIL_KINDS
from kontor.ui.pages import N
from kontor.ui.portal_errors import refused
from kontor.ui.portal_request import PortalPage, PortalRequest, PortalResponse, SeeOther
from models.accounts import Account, SetBy, VerifiedDomain

BRAND: Final = N("Brand")
CLIENT_BRAND: Final = N("Brand of the client “%(client)s”")
COLOURS: Final[Mapping[str, str]] = {
    "primary": N("Main colour"),
    "background": N("Colour of the page"),
    "text": N("Colour of the text"),
}
SUPPORT: Final[Mapping[str, str]] = {
    "email": N("Email address"),
    "url": N("Web address"),
    "phone": N("Phone"),
    "text": N("Further words"),
}
IMAGES: Final[Mapping[ImageRole, str]] = {ImageRole.LOGO: N("Logo"), ImageRole.FAVICON: N("Icon in the browser’s tab")}
TO_CLIENTS: Final = (Audience.CLIENT, Audience.ACCOUNT)
UNUSABLE: Final = N("This cannot be used as an image: PNG, JPEG, GIF or WebP, up to 2 MB.")


@dataclass(frozen=True, slots=True)
class ColourCheck:
    """How well a colour reads on white, 1 to 21; mails and pages darken one that is hard to read, where it is text."""

    label: str
    value: str
    contrast: Decimal
    readable: bool


@dataclass(frozen=True, slots=True)
class DomainView:
    """A domain of the brand: the records to set, and those that were seen when somebody asked last."""

    claim: VerifiedDomain
    record: str
    value: str
    links: bool
    sends: bool
    seen: Mapping[str, str | None]


def show_brand(request: PortalRequest) -> PortalResponse:
    """Show the brand of the reseller, or of one of its clients. Raises NotFound."""
    return _page(request)


def save(request: PortalRequest) -> PortalResponse:
    """Replace the settings; images stay as they are. Raises NotFound."""
    account, session = target(request), request.session
    former = BrandSettings.of(brand_queries.by_account(session, account.id))
    try:
        with session.begin_nested():
            checked = brands.validate_brand(_wished(request, account, former))
            settings = replace(checked, logo_url=former.logo_url, favicon_url=former.favicon_url)
            brands.require_own_name(request.context, session, account, settings.name)
            brands.put(session, account, settings, request.now, SetBy.RESELLER)
    except (Conflict, Invalid) as error:
        return refused(request, _page(request), error)
    return _done(request, "brand-saved")


def upload(request: PortalRequest) -> PortalResponse:
    """Put an uploaded image in force, made again as PNG; without a file take the one there is back."""
    account, session = target(request), request.session
    role = _role(request.incoming.form.get("role", ""))
    content = request.incoming.files.get("file", b"")
    try:
        with session.begin_nested():
            if content:
                images.upload(request.context, session, account, role, content, request.deps.public_url)
            else:
                images.remove(session, account, role, request.now)
    except InvalidImage as error:
        return replace(refused(request, _page(request), error), status=422, errors={role.value: UNUSABLE}, notice=None)
    return _done(request, "brand-saved")


async def look_up(request: PortalRequest) -> DomainAnswers:
    """Ask DNS for the records of a domain."""
    tenant = str(request.person.account.id)
    return await domain_records.look_up(request.deps, request.incoming.form.get("domain", ""), tenant)


def check(request: PortalRequest) -> PortalResponse:
    """Verify a domain by what DNS answered, and keep what was seen. Raises NotFound for one that is not the brand's."""
    account, answers = target(request), request.check.result
    name = request.incoming.form.get("domain", "")
    if name not in BrandSettings.of(brand_queries.by_account(request.session, account.id)).domains():
        raise NotFound
    if request.check.refusal is not None:
        raise request.check.refusal
    seen = cast("DomainAnswers", answers)
    row = domains.claim_of(request.session, name, account)
    result = domains.judged(DomainClaim.of(row), seen.proof)
    domains.record_results(request.context, request.session, [result], Actor(request.actor().name))
    row.seen = dict(seen.records)
    request.session.flush()
    return _done(request, "domain-checked")


def typed_settings(request: PortalRequest) -> BrandSettings:
    """Return the settings as they stand in the form, valid and unsaved. Raises NotFound, Invalid."""
    account = target(request)
    return brands.validate_brand(
        _wished(request, account, BrandSettings.of(brand_queries.by_account(request.session, account.id)))
    )


def target(request: PortalRequest) -> Account:
    """Return whose brand the page is about: the reseller's, or its client's. Raises NotFound."""
    owner = request.person.account
    if "account_id" not in request.incoming.params:
        return owner
    client = accounts.get(request.session, request.incoming.uuid("account_id"))
    if client.reseller_id != owner.id or client.deleted_at is not None:
        raise NotFound
    return client


def place_of(request: PortalRequest) -> str:
    """Return the path of the brand's page."""
    client = request.incoming.params.get("account_id")
    return "/partner/brand" if client is None else f"/partner/clients/{client}/brand"


def _done(request: PortalRequest, what: str) -> SeeOther:
    return SeeOther(f"{place_of(request)}?done={what}")


def _role(text: str) -> ImageRole:
    if text not in list(ImageRole):
        raise NotFound
    return ImageRole(text)


def _wished(request: PortalRequest, account: Account, former: BrandSettings) -> dict[str, object]:
    """Return the settings as they were typed, empty ones not set; what the form does not show stays as it was."""
    form = request.incoming.form
    more = {name: value for name, value in former.colours.items() if name not in COLOURS}
    name = form.get("name", "").strip() if account is request.person.account else former.name
    return {
        "name": name,
        "domain": form.get("domain", "").strip(),
        "from_address": form.get("from_address", "").strip(),
        "colours": more | _group(form, "colours", COLOURS),
        "support": _group(form, "support", SUPPORT),
    }


def _group(form: Mapping[str, str], group: str, names: Mapping[str, str]) -> dict[str, str]:
    typed = {name: form.get(f"{group}.{name}", "").strip() for name in names}
    return {name: text for name, text in typed.items() if text}


def _page(request: PortalRequest) -> PortalPage:
    account, session = target(request), request.session
    row = brand_queries.by_account(session, account.id, fresh=True)
    settings = BrandSettings.of(row)
    values = {
        "place": place_of(request),
        "settings": settings,
        "typed_or_set": request.incoming.form or _fields(settings),
        "colours": COLOURS,
        "supports": SUPPORT,
        "images": [(role, text, image_in_force(row, role.value)) for role, text in IMAGES.items()],
        "checks": _checks(settings),
        "domains": _domains(request, account, settings),
        "link_host": urlsplit(request.deps.public_url).hostname,
        "selector": request.deps.dkim_selector,
        "of_client": None if account is request.person.account else account,
        "mails": mails_to_clients(),
        "shown_in": language_of(request.locale),
    }
    title = BRAND if account is request.person.account else CLIENT_BRAND
    name = "partner.brand" if title == BRAND else "partner.clients.brand"
    return PortalPage("brand.html", title, values, page=name, script="_preview.js")


def mails_to_clients() -> list[str]:
    """Return the names of the mails that clients get, which a preview shows."""
    return sorted(kind.name for kind in MAIL_KINDS.values() if kind.audience in TO_CLIENTS)


def _fields(settings: BrandSettings) -> dict[str, str]:
    """Return the settings as the fields of the form."""
    return {
        "name": settings.name or "",
        "domain": settings.domain or "",
        "from_address": settings.from_address or "",
        **{f"colours.{name}": value for name, value in settings.colours.items()},
        **{f"support.{name}": value for name, value in settings.support.items()},
    }


def _checks(settings: BrandSettings) -> list[ColourCheck]:
    """Return how the colours in force read: those that are read as text on white."""
    chosen = Colours(**{name: value for name, value in settings.colours.items() if name in COLOURS})
    pairs = ((COLOURS["primary"], chosen.primary), (COLOURS["text"], chosen.text))
    measured = [(label, value, contrast(value, CARD)) for label, value in pairs]
    return [
        ColourCheck(label, value, Decimal(int(ratio * 10)).scaleb(-1), ratio >= MIN_CONTRAST)
        for label, value, ratio in measured
    ]


def _domains(request: PortalRequest, account: Account, settings: BrandSettings) -> list[DomainView]:
    claims = brand_queries.domain_claims(request.session, account_id=domains.owner_of(account))
    sender = domain_of(settings.from_address) if settings.from_address else None
    return [
        DomainView(
            claim,
            txt_name(claim.domain),
            txt_value(claim.token),
            claim.domain == settings.domain,
            claim.domain == sender,
            claim.seen or {},
        )
        for claim in claims
        if claim.domain in settings.domains()
    ]
