"""Brands: settings checked field by field, and the brand in force for an account (programme.md 3)."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Final, TypeVar

from sqlalchemy.orm import Session

from kontor.accounts import brand_queries, queries
from kontor.accounts.brand_queries import BrandingRow, StoredBrand
from kontor.accounts.domains import owner_of
from kontor.context import Context
from kontor.kernel.database import lock_names
from kontor.kernel.errors import FieldError, Invalid, NotFound
from kontor.kernel.looks import looks_key
from kontor.kernel.validation import account_name, brand_name, colour, domain_name, email_address, https_url
from kontor.mailer.brand import Brand, Colours, Support, image_path
from kontor.mailer.formatting import many_lines, one_line
from kontor.mailer.identity import OutgoingAddress, domain_of
from kontor.webhooks import events
from models.accounts import Account, AccountKind, BrandRow, SetBy

T = TypeVar("T")
COLOUR_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,31}", re.ASCII)
PRODUCT: Final = "Kontor"
SUPPORT_PARTS: Final = ("email", "url", "phone", "text")


@dataclass(frozen=True, slots=True)
class BrandSettings:
    """Validated brand settings; None or empty means not set."""

    name: str | None = None
    logo_url: str | None = None
    colours: Mapping[str, str] = field(default_factory=dict)
    favicon_url: str | None = None
    domain: str | None = None
    from_address: str | None = None
    support: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, row: BrandRow | StoredBrand | None) -> BrandSettings:
        """Build settings from a stored brand; empty settings without one."""
        if row is None:
            return cls()
        return cls(**{setting.name: getattr(row, setting.name) for setting in fields(cls)})

    def columns(self) -> dict[str, object]:
        """Return the values of the table's columns."""
        values = {setting.name: getattr(self, setting.name) for setting in fields(self)}
        return {**values, "colours": dict(self.colours), "support": dict(self.support)}

    def domains(self) -> tuple[str, ...]:
        """Return the domains that require verification: that of links and that of the From address."""
        domains = [self.domain, domain_of(self.from_address) if self.from_address else None]
        return tuple(dict.fromkeys(domain for domain in domains if domain))


BRAND_SETTINGS: Final = frozenset(setting.name for setting in fields(BrandSettings))


def validate_brand(settings: Mapping[str, object]) -> BrandSettings:
    """Validate brand settings. Raises Invalid with every invalid field."""
    errors = [FieldError(name, "There is no such setting.") for name in settings if name not in BRAND_SETTINGS]

    def checked(name: str, check: Callable[[object], T]) -> T | None:
        value = settings.get(name)
        if value is None or value in ("", {}):
            return None
        try:
            return check(value)
        except ValueError as error:
            errors.append(FieldError(name, str(error)))
            return None

    brand = BrandSettings(
        name=checked("name", _brand_name),
        logo_url=checked("logo_url", _https_url),
        colours=checked("colours", _valid_colours) or {},
        favicon_url=checked("favicon_url", _https_url),
        domain=checked("domain", _domain),
        from_address=checked("from_address", _address),
        support=checked("support", _support) or {},
    )
    if errors:
        raise Invalid("invalid", "The brand is not valid.", errors=errors)
    return brand


def _text(value: object, max_length: int) -> str:
    if not isinstance(value, str):
        raise ValueError("must be text")  # noqa: TRY004 -- collected as a field error
    if len(value) > max_length:
        raise ValueError(f"must not be longer than {max_length} characters")
    return value


def _brand_name(value: object) -> str:
    return brand_name(_text(value, 200))


def _name(value: object) -> str:
    return account_name(_text(value, 200))


def _https_url(value: object) -> str:
    return https_url(_text(value, 2_000))


def _domain(value: object) -> str:
    return domain_name(_text(value, 253))


def _address(value: object) -> str:
    return email_address(_text(value, 254))


def _valid_colours(value: object) -> dict[str, str]:
    if not isinstance(value, Mapping) or len(value) > 20:
        raise ValueError("must be an object of at most 20 colours")
    for name in value:
        if not isinstance(name, str) or not COLOUR_NAME.fullmatch(name):
            raise ValueError(f"{name!r} is not a colour name")
    return {name: colour(_text(hex_code, 7)) for name, hex_code in value.items()}


def _support(value: object) -> dict[str, str]:
    if isinstance(value, str):
        value = {_support_part(value): value}
    if not isinstance(value, Mapping):
        raise ValueError("must be text or an object")  # noqa: TRY004 -- collected as a field error
    unknown = [name for name in value if name not in SUPPORT_PARTS]
    if unknown:
        raise ValueError(f"has an unknown field {unknown[0]!r}; allowed: {', '.join(SUPPORT_PARTS)}")
    checks = {"email": _address, "url": _https_url, "phone": _name, "text": _note}
    return {name: checks[name](value[name]) for name in SUPPORT_PARTS if value.get(name)}


def _support_part(text: str) -> str:
    if text.startswith(("https://", "http://")):
        return "url"
    return "email" if "@" in text and " " not in text else "text"


def _note(value: object) -> str:
    return one_line(many_lines(_text(value, 500)))


COLOUR_NAMES: Final = ("primary", "background", "text")


@dataclass(frozen=True, slots=True)
class Branding:
    """The brand an account's admin sees, and the From address chosen for it (None: the provider's).

    `contact` is whom an answer reaches when no address is chosen: the support contact, else the reseller's admin.
    """

    brand: Brand
    outgoing: OutgoingAddress | None
    contact: str | None = None


def require_own_name(ctx: Context, session: Session, account: Account, name: str | None) -> None:
    """Raise Invalid(`name_taken`) for a name that looks like the provider's, Kontor's or another reseller's.

    The resellers are those of the same programme, by account and by brand (programme.md 3.4).
    """
    if name is None:
        return
    key, owner, programme = looks_key(name), owner_of(account), ctx.programme_of(session, account)
    lock_names(session, f"brand:{account.programme}:{key}")
    provider = {looks_key(text) for text in (PRODUCT, programme.name, programme.sender.name)}
    others = brand_queries.brand_names_of_others(session, account.programme, owner)
    if (
        key in provider
        or queries.reseller_looks_like(session, account.programme, key, owner)
        or key in map(looks_key, others)
    ):
        message = "The name looks like a name that is taken."
        raise Invalid("name_taken", message, errors=[FieldError("name", message)])


def put(
    session: Session,
    account: Account,
    settings: BrandSettings,
    now: datetime,
    set_by: SetBy = SetBy.RESELLER,
) -> BrandRow:
    """Replace an account's brand; a new domain stays unverified until it is proven."""
    former = brand_queries.by_account(session, account.id)
    kept = former is not None and former.domain == settings.domain and former.domain_set_by is not None
    domain_set_by = former.domain_set_by if former is not None and kept else set_by.value if settings.domain else None
    values = {
        "account_id": account.id,
        "updated_at": now,
        "domain_set_by": domain_set_by,
        **settings.columns(),
    }
    stored = brand_queries.put(session, values)
    for domain in settings.domains():
        brand_queries.claim_domain(session, owner_of(account), domain, secrets.token_urlsafe(24), now)
    return stored


def change(
    ctx: Context, session: Session, account: Account, settings: BrandSettings, set_by: SetBy = SetBy.RESELLER
) -> BrandRow:
    """Replace an account's brand as `put` does, and emit `brand.changed` when a setting has another value."""
    before = BrandSettings.of(brand_queries.by_account(session, account.id)).columns()
    stored = put(session, account, settings, ctx.now, set_by)
    changed = [name for name, value in settings.columns().items() if value != before[name]]
    if changed:
        data = {"account_id": str(account.id), "name": account.name, "changed": changed}
        events.emit(session, ctx.jobs, "brand.changed", account, data, at=ctx.now)
    return stored


def branding_for(session: Session, account: Account, provider: Brand, *, reseller: Account | None = None) -> Branding:
    """Return the brand an account's admin sees: its reseller's, otherwise the provider's.

    `reseller` replaces the account's own reseller, as for an offer to a former client.
    """
    row = brand_queries.branding_row(session, account.id, reseller.id if reseller else None)
    if row is None:
        raise NotFound
    return resolve_branding(row, provider)


def resolve_branding(row: BrandingRow, provider: Brand, typed: BrandSettings | None = None) -> Branding:
    """Merge the reseller's brand with the client's overrides; without a reseller, return the provider's.

    `typed` is in place of the account's own settings; its images are those in force.
    """
    if row.reseller is None:
        return Branding(provider, None)
    own_row = row.own_brand if row.kind == AccountKind.CLIENT else None
    own = BrandSettings.of(own_row)
    inherited = BrandSettings.of(row.reseller_brand)
    if typed is not None:
        own, inherited = (typed, inherited) if row.kind == AccountKind.CLIENT else (own, typed)
    brand = Brand(
        name=inherited.name or row.reseller,
        link_base=link_base(own, row.verified_domains, provider.link_base),
        logo=image_in_force(own_row, "logo") or image_in_force(row.reseller_brand, "logo"),
        favicon=image_in_force(own_row, "favicon") or image_in_force(row.reseller_brand, "favicon"),
        colours=_colours({**inherited.colours, **own.colours}),
        support=Support(**(inherited.support or {"email": row.contact or ""})),
    )
    outgoing = _outgoing(own.from_address or inherited.from_address, row.verified_domains)
    return Branding(brand, outgoing, brand.support.email or row.contact or None)


def link_base(own: BrandSettings, verified: frozenset[str], public_url: str) -> str:
    """Return the client's own domain if it is set and verified, otherwise PUBLIC_URL (programme.md 3.5)."""
    return f"https://{own.domain}" if own.domain and own.domain in verified else public_url


@dataclass(frozen=True, slots=True)
class LinkDomain:
    """The domain that an account's links are mailed with, and who set it; an empty name is the provider's host."""

    name: str = ""
    set_by: str | None = None


def link_domain(session: Session, account: Account, reseller: Account | None) -> LinkDomain:
    """Return the domain of an account's links in the brand of a reseller."""
    row = brand_queries.branding_row(session, account.id, reseller.id if reseller else None)
    stored = brand_queries.by_account(session, account.id)
    if row is None or stored is None or link_base(BrandSettings.of(row.own_brand), row.verified_domains, "") == "":
        return LinkDomain()
    if row.reseller is None or row.kind != AccountKind.CLIENT:
        return LinkDomain()
    return LinkDomain(stored.domain or "", stored.domain_set_by)


def image_in_force(row: StoredBrand | BrandRow | None, role: str) -> str | None:
    """Return the path of the image in force; one whose URL was taken back is not."""
    digest = None if row is None or getattr(row, f"{role}_url") is None else getattr(row, role)
    return image_path(digest) if digest else None


def _outgoing(address: str | None, verified: frozenset[str]) -> OutgoingAddress | None:
    return OutgoingAddress(address, domain_of(address) in verified) if address else None


def _colours(colours: Mapping[str, str]) -> Colours:
    return Colours(**{name: colours[name] for name in COLOUR_NAMES if name in colours})
