"""Links of mails that are over: a page in the account's brand, with a sign-in and the way to a new link."""

from datetime import timedelta
from uuid import UUID

from kontor.adapters.fakes import ManualClock
from kontor.offers.notifications import make_decision_token
from models.accounts import Account
from models.offers import Offer
from tests.integration.portal.test_account_pages import offer_to
from tests.support.api import Api, ResellerAccounts
from tests.support.portal import PASSWORD, PortalClient, mailed_path


def test_link_to_an_offer_that_is_over_leads_to_the_sign_in_with_its_page(
    api: Api, visitor: PortalClient, elbe: ResellerAccounts
) -> None:
    offer_id = offer_to(api, elbe)
    with api.deps.sessions() as session:
        offer, account = session.get_one(Offer, UUID(offer_id)), session.get_one(Account, elbe.client)
        path = f"/offers/{make_decision_token(api.deps.tokens, offer, account)}"
        name = account.name
    assert 'action="/login"' not in visitor.get(path).text
    api.ok(f"POST /v1/offers/{offer_id}/cancel")
    page = visitor.get(path)
    assert page.status_code == 410
    fields = {"csrf": visitor.csrf(path), "next": "/updates"}
    assert f'name="identifier" value="{name}"' in page.text
    asked = visitor.http.post("/login/link", data={**fields, "identifier": name})
    assert (asked.status_code, asked.headers["location"]) == (303, "/login?done=link&next=%2Fupdates")
    signed_in = visitor.http.post("/login", data={**fields, "identifier": name, "password": PASSWORD})
    assert (signed_in.status_code, signed_in.headers["location"]) == (303, "/updates")
    assert '<a href="/updates">' in visitor.get(path).text


def test_activation_link_that_is_over_has_the_brand_and_a_button_for_a_new_link(
    api: Api, visitor: PortalClient, elbe: ResellerAccounts, clock: ManualClock
) -> None:
    api.ok(f"PUT /v1/accounts/{elbe.reseller}/brand", {"name": "Elbe Studio"})
    made = {"name": "Oder", "admin_email": "anna@oder.example"}
    account = api.ok(f"POST /v1/resellers/{elbe.reseller}/clients", made)["id"]
    path = mailed_path(api, "activation")
    clock.advance(timedelta(hours=72))
    page = visitor.get(path)
    assert (page.status_code, "Elbe Studio" in page.text, 'action="/login/link"' in page.text) == (410, True, True)
    fields = {"csrf": visitor.csrf(path), "identifier": "Oder", "next": "/account"}
    assert visitor.http.post("/login/link", data=fields).status_code == 303
    link = mailed_path(api, "sign-in-link")
    assert visitor.http.post(link, data={"csrf": visitor.csrf(link)}).headers["location"] == "/account"
    assert api.ok(f"GET /v1/accounts/{account}")["activated_at"] is not None
    used = visitor.get(path)
    assert (used.status_code, "Elbe Studio" in used.text) == (410, True)
    api.ok(f"PATCH /v1/accounts/{account}", {"admin_email": "new@oder.example"})
    former = visitor.get(path)
    assert (former.status_code, "Elbe Studio" in former.text, "/login/link" in former.text) == (410, True, False)
