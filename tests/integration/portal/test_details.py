"""Name, language, time zone and address of an account on the portal; handing an account over."""

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import select

from kontor.adapters.fakes import ManualClock
from models.accounts import AdminAddress
from models.mails import Mail
from tests.integration.portal.test_account_pages import offer_to
from tests.support.api import Api, ResellerAccounts
from tests.support.portal import PASSWORD, PortalClient, error_of, mailed_path, page_of

Make = Callable[[str], ResellerAccounts]
TEXTS = {"name": "Elbe Anders", "locale": "fr", "timezone": "Europe/Paris"}


def addressees(api: Api) -> list[str]:
    """To which roles the mails about a changed address went, oldest first."""
    query = select(Mail).where(Mail.template == "address-changed").order_by(Mail.id)
    with api.deps.sessions() as session:
        return [str(mail.facts["told"]) for mail in session.scalars(query)]


def address_of(api: Api, account: UUID, version: int) -> AdminAddress:
    """An admin address of an account."""
    with api.deps.sessions() as session:
        return session.get_one(AdminAddress, (account, version))


@pytest.mark.parametrize("identifier", ["elbe client", "elbe"])
def test_owner_changes_name_language_and_time_zone(
    elbe: ResellerAccounts, visitor: PortalClient, api: Api, identifier: str
) -> None:
    visitor.sign_in(identifier)
    assert 'href="/account/details"' in visitor.get("/account").text
    assert page_of(visitor.get("/account/details")) == "account.details"
    done = visitor.post("/account/details", TEXTS)
    assert (done.status_code, done.headers["location"]) == (303, "/account/details?done=details")
    account = api.ok(f"GET /v1/accounts/{elbe.client if 'client' in identifier else elbe.reseller}")
    assert {name: account[name] for name in TEXTS} == TEXTS
    wrong = visitor.post("/account/details", {"name": "spre\u200be", "locale": "?", "timezone": "Europe/Nowhere"})
    assert wrong.status_code == 422
    assert all(error_of(wrong, name) for name in TEXTS)
    assert 'value="Europe/Nowhere"' in wrong.text


def test_name_of_another_account_is_refused_beside_the_field(
    elbe: ResellerAccounts, visitor: PortalClient, api: Api
) -> None:
    visitor.sign_in("elbe client")
    taken = visitor.post("/account/details", {**TEXTS, "name": "ELBE"})
    assert (taken.status_code, error_of(taken, "name") != "") == (422, True)
    assert api.ok(f"GET /v1/accounts/{elbe.client}")["locale"] != "fr"


def test_owner_changes_the_address_and_both_are_told_while_the_session_goes_on(
    elbe: ResellerAccounts, visitor: PortalClient, api: Api, clock: ManualClock
) -> None:
    visitor.sign_in("elbe client")
    clock.advance(timedelta(minutes=11))
    unproven = visitor.post("/account/address", {"admin_email": "chef@elbe.example"})
    assert (unproven.status_code, "proof_password" in unproven.text) == (403, True)
    wrong = visitor.post("/account/address", {"admin_email": "nobody", "proof_password": PASSWORD})
    assert (wrong.status_code, error_of(wrong, "admin_email") != "") == (422, True)
    done = visitor.post("/account/address", {"admin_email": "chef@elbe.example"})
    assert done.headers["location"] == "/account/details?done=address"
    assert visitor.get("/account").status_code == 200
    assert addressees(api) == ["old", "new"]
    changed = address_of(api, elbe.client, 2)
    assert (changed.address, changed.set_by, changed.confirmed_at) == ("chef@elbe.example", "client", None)
    visitor.http.post(mailed_path(api, "address-changed"))
    assert address_of(api, elbe.client, 2).confirmed_at is not None
    assert visitor.sign_in("chef@elbe.example").status_code == 303


def test_sixth_change_of_the_address_in_a_day_is_refused(elbe: ResellerAccounts, visitor: PortalClient) -> None:
    visitor.sign_in("elbe client")
    answers = [visitor.post("/account/address", {"admin_email": f"a{n}@elbe.example"}).status_code for n in range(6)]
    assert answers == [303] * 5 + [429]


def test_reseller_hands_a_client_over_and_the_former_owner_may_object(
    elbe: ResellerAccounts, visitor: PortalClient, api: Api, clock: ManualClock
) -> None:
    offer = offer_to(api, elbe)
    visitor.sign_in("elbe")
    path = f"/partner/clients/{elbe.client}"
    assert f"{path}/details" in visitor.get(path).text
    assert page_of(visitor.get(f"{path}/details")) == "partner.clients.details"
    assert visitor.post(f"{path}/details", TEXTS).headers["location"] == f"{path}/details?done=details"
    clock.advance(timedelta(minutes=11))
    assert visitor.post(f"{path}/hand-over", {"admin_email": "new@elbe.example"}).status_code == 403
    sent = {"admin_email": "new@elbe.example", "proof_password": PASSWORD}
    assert visitor.post(f"{path}/hand-over", sent).headers["location"] == f"{path}/details?done=handed-over"
    assert addressees(api) == ["old", "new"]
    assert address_of(api, elbe.client, 2).set_by == "reseller"
    assert api.http.post(mailed_path(api, "address-changed", role="old")).status_code == 200
    assert api.ok(f"GET /v1/offers/{offer}")["held_by"] == "objection"
    assert api.ok(f"GET /v1/accounts/{elbe.client}")["name"] == "Elbe Anders"


def test_details_of_another_resellers_client_are_not_there(
    elbe: ResellerAccounts, visitor: PortalClient, api: Api, make_accounts: Make
) -> None:
    other = make_accounts("spree")
    visitor.sign_in("elbe")
    for account in (other.client, other.reseller, elbe.reseller):
        path = f"/partner/clients/{account}"
        assert visitor.get(f"{path}/details").status_code == 404
        assert visitor.post(f"{path}/details", TEXTS).status_code == 404
        assert visitor.post(f"{path}/hand-over", {"admin_email": "mine@elbe.example"}).status_code == 404
    assert api.ok(f"GET /v1/accounts/{other.client}")["name"] == "spree client"


def test_forms_of_details_need_csrf_and_the_owners_or_staffs_role(
    elbe: ResellerAccounts, visitor: PortalClient, api: Api
) -> None:
    visitor.sign_in("elbe")
    paths = (
        "/account/details",
        "/account/address",
        *(f"/partner/clients/{elbe.client}/{act}" for act in ("details", "hand-over")),
    )
    sent = {**TEXTS, "admin_email": "x@elbe.example"}
    assert {path: visitor.http.post(path, data=sent).status_code for path in paths} == dict.fromkeys(paths, 403)
    api.ok(f"POST /v1/accounts/{elbe.reseller}/members", {"email": "jana@elbe.example", "role": "viewer"})
    api.http.post(mailed_path(api, "member-invited"), data={"password": PASSWORD})
    visitor.post("/logout")
    visitor.sign_in("jana@elbe.example")
    assert {path: visitor.post(path, sent).status_code for path in paths} == dict.fromkeys(paths, 403)
    assert visitor.get("/account/details").status_code == 403
    assert api.ok(f"GET /v1/accounts/{elbe.client}")["name"] == "elbe client"
