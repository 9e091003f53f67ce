"""The portal's menu: what a person may open, for the account that the page is about."""

from dataclasses import dataclass, replace
from typing import Final

from kontor.ui.pages import N
from kontor.ui.portal_request import PortalRequest
from models.accounts import AccountKind
from models.members import MemberRole


@dataclass(frozen=True, slots=True)
class MenuEntry:
    """An entry: where it leads, its text, and the page that it stands for. `rare`: in the part that opens on demand."""

    path: str
    text: str
    page: str
    rare: bool = False


PARTNER: Final = (
    MenuEntry("/partner", N("Clients"), "partner"),
    MenuEntry("/partner/offers", N("Offers"), "partner.offers"),
    MenuEntry("/partner/templates", N("Templates"), "partner.templates"),
)
SHOP: Final = (
    MenuEntry("/partner/orders", N("Orders"), "partner.orders"),
    MenuEntry("/partner/services", N("Services"), "partner.services"),
)
"""Of programmes that have something to order."""

MONEY: Final = (
    MenuEntry("/partner/discount", N("Discount"), "partner.discount"),
    MenuEntry("/partner/account-book", N("Account book"), "partner.account-book"),
)
SETTINGS: Final = (
    MenuEntry("/partner/brand", N("Brand"), "partner.brand", rare=True),
    MenuEntry("/partner/webhooks", N("Webhooks"), "partner.webhooks", rare=True),
)
OWNED: Final = (
    MenuEntry("/partner/keys", N("API keys"), "partner.keys", rare=True),
    MenuEntry("/partner/team", N("People"), "partner.team", rare=True),
    MenuEntry("/partner/merge", N("Merge accounts"), "partner.merge", rare=True),
    MenuEntry("/partner/revert", N("Stop being a reseller"), "partner.revert", rare=True),
)
"""Of a reseller's owner."""

ACCOUNT: Final = MenuEntry("/account", N("Account"), "account")
UPDATES: Final = MenuEntry("/updates", N("Updates"), "updates")
MEMBERS: Final = MenuEntry("/account/members", N("People"), "account.members")
SECURITY: Final = MenuEntry("/account/security", N("Security"), "account.security")
SIGN_IN: Final = MenuEntry("/account/sign-in", N("Security"), "account.sign-in")
VISITS: Final = MenuEntry("/account/visits", N("Visits"), "account.visits")


def navigation(request: PortalRequest) -> tuple[MenuEntry, ...]:
    """Return the menu's entries; empty while nobody is signed in."""
    if request.access is None or request.embedded:
        return ()
    if not request.own_view:
        inside = (MenuEntry(f"{request.base}{each.path}", each.text, each.page) for each in (ACCOUNT, UPDATES))
        return tuple(inside)
    owner = request.may(MemberRole.OWNER)
    people = (MEMBERS, SECURITY) if owner else (SIGN_IN,)
    account = request.account
    if account.kind == AccountKind.RESELLER:
        partner = _partner(request) if request.incoming.domain_owners is None else ()
        return (*partner, replace(ACCOUNT, rare=True)) if partner else (ACCOUNT, *people)
    return (ACCOUNT, UPDATES, *people, *((VISITS,) if account.kind == AccountKind.CLIENT else ()))


def _partner(request: PortalRequest) -> tuple[MenuEntry, ...]:
    programme = request.context.programme(request.session, request.person.account.programme)
    sells = any(product.price is not None for product in programme.products.values())
    owned = OWNED if request.may(MemberRole.OWNER) else ()
    return (*PARTNER, *(SHOP if sells else ()), *MONEY, *SETTINGS, *owned)
