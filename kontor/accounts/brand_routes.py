"""Routes of brands: settings to the reseller, what is in force to the account's own service."""

from uuid import UUID

from sqlalchemy.orm import Session

from kontor.accounts import brand_queries, brands, images, service
from kontor.accounts.brands import BrandSettings, branding_for, image_in_force
from kontor.accounts.domains import DomainOut, domain_out, owner_of
from kontor.http import ownership
from kontor.http.context import Ctx, RequestContext, RoutePolicy
from kontor.http.routing import Routes
from kontor.http.wire import RequestModel, ResponseModel, UtcOut
from kontor.kernel.errors import FieldError, Invalid
from kontor.kernel.failure_causes import FailureCause
from kontor.kernel.states import ImageRole, ImageState
from kontor.kernel.validation import InvalidText, https_url
from kontor.mailer.brand import Brand
from models.accounts import Account, AccountKind, BrandImage, SetBy
from models.keys import Scope

routes = Routes("accounts")
READ = RoutePolicy(Scope.READ, "account_id", ownership.account)
WRITE = RoutePolicy(Scope.ENQUEUE, "account_id", ownership.account, not_account=True)


class BrandIn(RequestModel):
    """A brand, replaced completely; null or omitted: not set."""

    name: str | None = None
    logo_url: str | None = None
    colours: dict[str, str] | None = None
    favicon_url: str | None = None
    domain: str | None = None
    from_address: str | None = None
    support: dict[str, str] | str | None = None


class BrandImageOut(ResponseModel):
    """An image that the brand names by URL: whether it was fetched, and why not."""

    role: ImageRole
    url: str
    state: ImageState
    problem: FailureCause | None
    requested_at: UtcOut
    fetched_at: UtcOut | None


class EndUserSupportOut(ResponseModel):
    """Whom the end users of an account ask: its own contact, without one its admin address."""

    end_users: dict[str, str]


class OwnBrandOut(ResponseModel):
    """The brand in force, for the account's own service to show; `logo` and `favicon` are addresses of PNGs."""

    name: str
    logo: str | None
    favicon: str | None
    colours: dict[str, str]
    support: EndUserSupportOut


class BrandOut(ResponseModel):
    """The current brand settings; `logo` and `favicon` are the addresses of what was made of their URLs."""

    name: str | None
    logo_url: str | None
    colours: dict[str, str]
    favicon_url: str | None
    domain: str | None
    from_address: str | None
    support: dict[str, str]
    logo: str | None
    favicon: str | None
    images: list[BrandImageOut]
    domains: list[DomainOut]


async def check_image_urls(ctx: RequestContext, body: BrandIn, **_: object) -> None:
    """Check that the images may be fetched. A name without an address is accepted: the fetch says so."""
    for name in ("logo_url", "favicon_url"):
        url = getattr(body, name)
        if not url or not _is_https(url):
            continue
        try:
            await ctx.deps.guard.check(url, ctx.caller.counted_as, unresolved=True)
        except Invalid as error:
            raise Invalid(error.code, error.message, errors=[FieldError(name, error.message)]) from error


def _is_https(url: str) -> bool:
    """Return whether the form of a URL is right; the brand's own validation names one that is not."""
    try:
        return bool(https_url(url))
    except InvalidText:
        return False


@routes.put("/v1/accounts/{account_id}/brand", WRITE, response=BrandOut, precheck=check_image_urls)
def put_brand(ctx: Ctx, account_id: UUID, body: BrandIn) -> BrandOut:
    """Replace the brand; new domains must be verified, images fetched. 422 `name_taken`, `forbidden_address`."""
    account = service.get(ctx.session, account_id)
    settings = brands.validate_brand(body.model_dump(exclude_none=True))
    brands.require_own_name(ctx.context, ctx.session, account, settings.name)
    set_by = SetBy.RESELLER if ctx.caller.bound else SetBy.OPERATOR
    brands.change(ctx.context, ctx.session, account, settings, set_by)
    images.request_images(ctx.context, ctx.session, account, settings)
    return brand_out(ctx.session, account, provider_brand(ctx, account))


@routes.get("/v1/accounts/{account_id}/brand", READ, response=BrandOut | OwnBrandOut)
def get_brand(ctx: Ctx, account_id: UUID) -> BrandOut | OwnBrandOut:
    """Return the brand settings; to a key of the account itself the brand in force, for its service to show."""
    account = service.get(ctx.session, account_id)
    provider = provider_brand(ctx, account)
    if ctx.caller.account_id is None:
        return brand_out(ctx.session, account, provider)
    return own_brand_out(ctx.session, account, provider)


def provider_brand(ctx: RequestContext, account: Account) -> Brand:
    """Return the brand of accounts without a reseller."""
    programme = ctx.deps.programmes.current(ctx.session, account.programme)
    return Brand(name=programme.sender.name, link_base=ctx.deps.public_url)


def brand_out(session: Session, account: Account, provider: Brand) -> BrandOut:
    """Return an account's brand settings, with its images and the DNS records that verify its domains."""
    row = brand_queries.by_account(session, account.id)
    settings = BrandSettings.of(row)
    domains = settings.domains()
    claims = brand_queries.domain_claims(session, account_id=owner_of(account))
    served = branding_for(session, account, provider).brand
    return BrandOut(
        name=settings.name,
        logo_url=settings.logo_url,
        colours=dict(settings.colours),
        favicon_url=settings.favicon_url,
        domain=settings.domain,
        from_address=settings.from_address,
        support=dict(settings.support),
        logo=_address(served, image_in_force(row, "logo")),
        favicon=_address(served, image_in_force(row, "favicon")),
        images=_images_out(session, account.id),
        domains=[domain_out(claim) for claim in claims if claim.domain in domains],
    )


def own_brand_out(session: Session, account: Account, provider: Brand) -> OwnBrandOut:
    """Return the brand in force for an account's own service, a reseller's for its own account too."""
    own = BrandSettings.of(brand_queries.by_account(session, account.id))
    inherited = BrandSettings.of(brand_queries.by_account(session, owner_of(account)))
    reseller = account if account.kind == AccountKind.RESELLER else None
    brand = branding_for(session, account, provider, reseller=reseller).brand
    contact = dict(own.support) or {"email": account.admin_email}
    return OwnBrandOut(
        name=own.name or brand.name,
        logo=_address(brand, brand.logo),
        favicon=_address(brand, brand.favicon),
        colours={**inherited.colours, **own.colours},
        support=EndUserSupportOut(end_users=contact),
    )


def _address(brand: Brand, path: str | None) -> str | None:
    return brand.link(path) if path else None


def _images_out(session: Session, account_id: UUID) -> list[BrandImageOut]:
    """Return the state of each image that an account's brand names."""
    brand = brand_queries.by_account(session, account_id)
    urls = {} if brand is None else {ImageRole.LOGO: brand.logo_url, ImageRole.FAVICON: brand.favicon_url}
    return [
        _image_out(row)
        for row in brand_queries.images_of(session, account_id)
        if urls.get(ImageRole(row.role)) == row.url
    ]


def _image_out(row: BrandImage) -> BrandImageOut:
    return BrandImageOut(
        role=ImageRole(row.role),
        url=row.url,
        state=ImageState(row.state),
        problem=FailureCause(row.problem) if row.problem else None,
        requested_at=row.requested_at,
        fetched_at=row.fetched_at,
    )
