"""Whatever a reseller opened at its client decides no offer, through every use of it (programme.md 5.8)."""

from uuid import UUID

import pytest

from tests.integration.portal.test_account_pages import offer_to
from tests.support.api import Api, ResellerAccounts
from tests.support.portal import PASSWORD, PortalClient, mailed_path

OWN = "a password that only the client knows"


@pytest.fixture
def key(api: Api, elbe: ResellerAccounts) -> str:
    """The reseller's key."""
    return api.key(reseller_id=elbe.reseller)


def decided(api: Api, visitor: PortalClient, offer: UUID | str) -> tuple[int, str]:
    """Press accept; returns the status, and the state of the offer then."""
    shown = visitor.get(f"/updates/{offer}").text
    assert "data-state" in shown
    status = visitor.post(f"/updates/{offer}/decide", {"decision": "accept"}).status_code
    assert ('name="decision"' in shown) == (status == 303)
    return status, str(api.ok(f"GET /v1/offers/{offer}")["state"])


REFUSED = (403, "waiting_for_confirmation")
ACCEPTED = (303, "accepted")


def portal_session(api: Api, elbe: ResellerAccounts, key: str) -> str:
    """The path of a link to the client's pages that a key asked for."""
    made = api.call(f"POST /v1/accounts/{elbe.client}/portal-sessions", {"path": "/updates"}, key=key)
    assert made.status_code == 201, made.text
    return "/" + str(made.json()["url"]).split("/", 3)[3]


def test_portal_session_that_the_resellers_key_asked_for_decides_nothing(
    api: Api, elbe: ResellerAccounts, visitor: PortalClient, key: str
) -> None:
    offer = offer_to(api, elbe)
    path = portal_session(api, elbe, key)
    visitor.http.post(path, data={"csrf": visitor.csrf(path)})
    assert decided(api, visitor, offer) == REFUSED
    changed = visitor.post("/account/password", {"new_password": OWN})
    assert changed.status_code == 303
    assert decided(api, visitor, offer) == REFUSED
    visitor.post("/logout")
    visitor.sign_in("elbe client", OWN)
    assert decided(api, visitor, offer) == REFUSED


def test_password_that_the_reseller_set_decides_nothing_until_the_owner_sets_its_own(
    api: Api, elbe: ResellerAccounts, visitor: PortalClient, key: str
) -> None:
    offer = offer_to(api, elbe)
    api.ok(f"PATCH /v1/accounts/{elbe.client}", {"password": "a password of the reseller"}, key=key)
    visitor.sign_in("elbe client", "a password of the reseller")
    assert decided(api, visitor, offer) == REFUSED
    visitor.post("/account/password", {"current_password": "a password of the reseller", "new_password": PASSWORD})
    assert decided(api, visitor, offer) == REFUSED
    visitor.post("/account/members", {"email": "me@elbe.example", "role": "staff", "name": "Me", "locale": "en"})
    invited = visitor.http.post(mailed_path(api, "member-invited"), data={"password": PASSWORD})
    assert invited.status_code in {200, 303}
    visitor.post("/logout")
    visitor.sign_in("me@elbe.example")
    assert decided(api, visitor, offer) == REFUSED
    visitor.post("/logout")

    visitor.http.post("/login/link", data={"csrf": visitor.csrf(), "identifier": "elbe client"})
    path = mailed_path(api, "sign-in-link")
    visitor.http.post(path, data={"csrf": visitor.csrf(path)})
    assert visitor.post("/account/password", {"new_password": OWN}).status_code == 303
    visitor.post("/logout")
    visitor.sign_in("elbe client", OWN)
    assert decided(api, visitor, offer) == ACCEPTED


def test_embedded_page_that_the_resellers_key_asked_for_decides_nothing(
    api: Api, elbe: ResellerAccounts, visitor: PortalClient, key: str
) -> None:
    offer = offer_to(api, elbe)
    made = api.call(f"POST /v1/accounts/{elbe.client}/portal-sessions", {"embed": True}, key=key)
    assert made.status_code == 201, made.text
    page = f"/{made.json()['url'].split('/', 3)[3]}/updates/{offer}"
    assert 'name="decision"' not in visitor.get(page).text
    data = {"csrf": page.split("/")[2], "decision": "accept"}
    assert visitor.http.post(f"{page}/decide", data=data).status_code == 403
    assert api.ok(f"GET /v1/offers/{offer}")["state"] == "waiting_for_confirmation"


def test_session_that_the_reseller_opened_adds_no_second_factor(
    api: Api, elbe: ResellerAccounts, visitor: PortalClient, key: str
) -> None:
    path = portal_session(api, elbe, key)
    visitor.http.post(path, data={"csrf": visitor.csrf(path)})
    assert visitor.post("/account/security/codes", {"password": PASSWORD}).status_code == 403
    assert visitor.post("/account/security/totp", {"password": PASSWORD, "code": "123456"}).status_code == 403


def test_member_that_the_reseller_invited_decides_only_after_an_owners_invitation(
    api: Api, elbe: ResellerAccounts, visitor: PortalClient, key: str
) -> None:
    offer = offer_to(api, elbe)
    new = {"email": "jana@elbe.example", "role": "staff"}
    members = f"/v1/accounts/{elbe.client}/members"
    made = api.call(f"POST {members}", new, key=key)
    assert made.status_code == 201, made.text
    visitor.http.post(mailed_path(api, "member-invited"), data={"password": PASSWORD})
    visitor.sign_in("jana@elbe.example")
    assert decided(api, visitor, offer) == REFUSED
    owner = api.key(account_id=elbe.client)
    api.ok(f"DELETE {members}/{made.json()['id']}", key=owner)
    api.ok(f"POST {members}", new, key=owner)
    visitor.http.post(mailed_path(api, "member-invited"), data={"password": PASSWORD})
    visitor.http.cookies.clear()
    visitor.sign_in("jana@elbe.example")
    assert decided(api, visitor, offer) == ACCEPTED
