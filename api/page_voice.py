"""Branding of the public pages."""

from sqlalchemy.orm import Session

from api import page_words as words
from api.deps import Deps
from api.page_render import PublicPage
from mail.brand import Brand
from models.accounts import Account
from services.brands import brand_for


def brand_of(deps: Deps, session: Session, account: Account, reseller: Account | None = None) -> Brand:
    """Return the reseller's brand, or the provider's."""
    programme = deps.programmes.current(session, account.programme)
    provider = Brand(name=programme.sender.name, link_base=deps.public_url)
    return brand_for(session, account, provider, reseller=reseller).brand


def unknown() -> PublicPage:
    """Return the page for an unknown link; it shows no brand."""
    return PublicPage("plain.html", 404, words.UNKNOWN, values={"hint": words.UNKNOWN_HINT})
