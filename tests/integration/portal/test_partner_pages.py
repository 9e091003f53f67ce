"""The reseller's pages: clients, logging in as one, templates, offers, discount, account book."""

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import pytest

from kontor.adapters.fakes import ManualClock
from kontor.kernel.ids import new_id
from tests.integration.portal.test_account_pages import offer_to
from tests.support.api import Api, ResellerAccounts
from tests.support.portal import PASSWORD, PortalClient, error_of, page_of, set_password

Make = Callable[[str], ResellerAccounts]
LINE = {"product": "excel-basics", "count": "5", "mode": "relative", "term": "P1Y"}


@pytest.fixture
def seller(elbe: ResellerAccounts, visitor: PortalClient) -> PortalClient:
    """The reseller, signed in."""
    assert visitor.sign_in("elbe").headers["location"] == "/partner"
    return visitor


def test_clients_are_searched_filtered_sorted_and_paged(seller: PortalClient, elbe: ResellerAccounts, api: Api) -> None:
    for number in range(60):
        new = {"name": f"Kunde {number:02}", "admin_email": f"k{number}@kunden.example"}
        last = api.ok(f"POST /v1/resellers/{elbe.reseller}/clients", new)["id"]
    first = seller.get("/partner")
    assert (page_of(first), first.text.count("data-client=")) == ("partner", 50)
    following = first.text.split('href="/partner?cursor=')[1].split('"')[0]
    assert seller.get(f"/partner?cursor={following}").text.count("data-client=") == 11
    assert seller.get("/partner?q=kunde+07").text.count("data-client=") == 1
    assert seller.get("/partner?q=K7%40kunden").text.count("data-client=") == 1
    assert seller.get("/partner?q=%25").text.count("data-client=") == 0
    assert seller.get("/partner?state=no_instance&sort=newest").text.split("data-client=")[1][1:37] == last
    assert seller.get("/partner?plan=nothing").text.count("data-client=") == 0
    csv = seller.get("/partner/clients.csv?q=kunde+07")
    assert (csv.text.count("kunden.example"), csv.headers["content-type"]) == (1, "text/csv; charset=utf-8")
    assert 'href="/partner/clients.xlsx?q=kunde"' in seller.get("/partner?q=kunde").text
    assert seller.get("/partner/clients.xlsx").content.startswith(b"PK")


def test_client_is_made_and_what_was_typed_stays_when_it_is_refused(seller: PortalClient, api: Api) -> None:
    data = {"name": "Weser", "admin_email": "chef@weser.example", "locale": "fr", "timezone": "Europe/Paris"}
    made = seller.post("/partner/clients/new", data)
    assert (made.status_code, made.headers["location"].endswith("?done=created")) == (303, True)
    again = seller.post("/partner/clients/new", {**data, "name": "WESER"})
    assert (again.status_code, error_of(again, "name") != "", 'value="WESER"' in again.text) == (422, True, True)
    wrong = seller.post("/partner/clients/new", {**data, "name": "Other", "admin_email": "nobody", "timezone": "x"})
    assert (error_of(wrong, "admin_email") != "", error_of(wrong, "timezone") != "") == (True, True)


def test_account_is_connected_by_name_and_password_and_guessing_is_limited(
    seller: PortalClient, api: Api, elbe: ResellerAccounts
) -> None:
    new = {"programme": "learning", "name": "Spree", "admin_email": "a@spree.example", "password": PASSWORD}
    account = api.ok("POST /v1/accounts", new)["id"]
    wrong = seller.post("/partner/clients/connect", {"name": "Spree", "password": "not the right one"})
    assert (wrong.status_code, error_of(wrong, "password") != "") == (422, True)
    done = seller.post("/partner/clients/connect", {"name": "Spree", "password": PASSWORD})
    assert done.headers["location"] == f"/partner/clients/{account}?done=connected"
    answers = [seller.post("/partner/clients/connect", {"name": "X", "password": "y"}).status_code for _ in range(6)]
    assert answers[-1] == 429


def test_reseller_acts_as_its_client_and_the_client_sees_it(
    seller: PortalClient, elbe: ResellerAccounts, api: Api
) -> None:
    offer = offer_to(api, elbe)
    inside = seller.post(f"/partner/clients/{elbe.client}/login-as")
    assert (inside.status_code, inside.headers["location"]) == (303, f"/as/{elbe.client}/account")
    page = seller.get(f"/as/{elbe.client}/account")
    assert (page_of(page), f'data-acting-as="{elbe.client}"' in page.text) == ("account", True)
    assert page_of(seller.get(f"/as/{elbe.client}/updates/{offer}")) == "updates.show"
    assert seller.post(f"/as/{elbe.client}/updates/{offer}/decide", {"decision": "accept"}).status_code == 403
    for closed in ("account/password", "account/members", "account/visits"):
        assert seller.get(f"/as/{elbe.client}/{closed}").status_code == 404
    seller.post("/logout")
    seller.sign_in("elbe client")
    visits = seller.get("/account/visits").text
    assert visits.count("<td>elbe") == 1
    assert api.ok(f"GET /v1/offers/{offer}")["state"] == "waiting_for_confirmation"


def test_acting_ends_at_the_next_press_when_the_client_leaves(
    seller: PortalClient, elbe: ResellerAccounts, api: Api, make_accounts: Make
) -> None:
    other = make_accounts("spree")
    assert seller.get(f"/as/{other.client}/account").status_code == 404
    assert seller.get(f"/as/{elbe.client}/account").status_code == 200
    api.ok(f"POST /v1/resellers/{elbe.reseller}/clients/{elbe.client}/disconnect")
    assert seller.get(f"/as/{elbe.client}/account").status_code == 404
    assert seller.post(f"/as/{elbe.client}/account/trial").status_code == 404
    seller.post("/logout")
    seller.sign_in("elbe client")
    assert seller.get(f"/as/{elbe.client}/account").status_code == 404
    assert seller.get("/partner").status_code == 404


def test_client_is_deleted_restored_suspended_and_disconnected(
    seller: PortalClient, elbe: ResellerAccounts, api: Api
) -> None:
    for act, state in (("suspend", "suspended"), ("resume", None), ("delete", "deleted"), ("restore", None)):
        done = seller.post(f"/partner/clients/{elbe.client}/{act}")
        assert (done.status_code, done.headers["location"].partition("?")[0]) == (303, "/partner"), act
        shown = seller.get(f"/partner/clients/{elbe.client}").text
        assert ("data-state=" in shown) == (state is not None)
        assert state is None or f'data-state="{state}"' in shown
    assert seller.post(f"/partner/clients/{elbe.client}/restore").status_code == 409
    assert seller.post(f"/partner/clients/{elbe.client}/disconnect").status_code == 303
    assert seller.get(f"/partner/clients/{elbe.client}").status_code == 404
    assert api.ok(f"GET /v1/accounts/{elbe.client}")["kind"] == "regular"


def test_each_row_offers_its_acts_and_asks_before_those_that_take_something_away(
    seller: PortalClient, elbe: ResellerAccounts, api: Api
) -> None:
    def row() -> str:
        return seller.get("/partner?state=deleted").text + seller.get("/partner").text

    place = f"/partner/clients/{elbe.client}"
    for act in ("login-as", "suspend"):
        assert f'action="{place}/{act}"' in row()
    for act in ("disconnect", "delete"):
        assert (f'href="{place}/{act}"' in row(), f'action="{place}/{act}"' in row()) == (True, False)
        asked = seller.get(f"{place}/{act}")
        assert (page_of(asked), f'action="{place}/{act}"' in asked.text) == (f"partner.clients.{act}", True)
        assert f'href="{place}/{act}"' in seller.get(place).text
    assert api.ok(f"GET /v1/accounts/{elbe.client}")["deleted_at"] is None, "asking changes nothing"
    assert seller.post(f"{place}/suspend").headers["location"] == "/partner?done=suspended"
    assert (f'action="{place}/resume"' in row(), f'action="{place}/suspend"' in row()) == (True, False)
    assert seller.post(f"{place}/delete").headers["location"] == "/partner?done=deleted"
    assert (f'action="{place}/restore"' in row(), f'href="{place}/delete"' in row()) == (True, False)
    assert seller.get(f"{place}/delete").headers["location"] == place


def test_template_is_filled_and_sent_and_the_offer_withdrawn(
    seller: PortalClient, elbe: ResellerAccounts, api: Api
) -> None:
    made = seller.post("/partner/templates", {"name": "Office"}).headers["location"].partition("?")[0]
    template = made.rpartition("/")[2]
    send = {"account_id": str(elbe.client), "template_id": template, "message": "<i>Hello</i>"}
    empty = seller.post("/partner/offers/new", send)
    assert (empty.status_code, error_of(empty, "template_id") != "") == (422, True)
    bad = seller.post(f"{made}/lines", {**LINE, "count": "0", "term": "soon"})
    assert (bad.status_code, 'id="error-' in bad.text, 'value="soon" selected' in bad.text) == (422, True, True)
    assert seller.post(f"{made}/lines", LINE).status_code == 303
    assert seller.get(made).text.count("data-mode=") == 1
    sent = seller.post("/partner/offers/new", send)
    assert sent.headers["location"] == "/partner/offers?done=offer-sent"
    (offer,) = api.ok(f"GET /v1/offers?reseller={elbe.reseller}")["items"]
    assert (offer["message"], offer["state"]) == ("<i>Hello</i>", "waiting")
    assert f'data-offer="{offer["id"]}" data-state="waiting"' in seller.get("/partner/offers").text
    assert seller.post(f"/partner/offers/{offer['id']}/cancel").status_code == 303
    assert seller.post(f"/partner/offers/{offer['id']}/cancel").status_code == 409
    assert seller.post(f"{made}/lines/0/remove").status_code == 303
    assert seller.post(f"{made}/lines/0/remove").status_code == 404
    assert seller.post(f"{made}/remove").status_code == 303


def test_every_form_is_404_for_a_foreign_id_also_in_a_field(
    seller: PortalClient, elbe: ResellerAccounts, api: Api, make_accounts: Make
) -> None:
    other = make_accounts("spree")
    offer = offer_to(api, other)
    lines = [{"product": "excel-basics", "count": 1, "mode": "relative", "term": "P1Y"}]
    body = {"reseller_id": str(other.reseller), "name": "Theirs", "lines": lines}
    template = api.ok("POST /v1/offer-templates", body)["id"]
    own = seller.post("/partner/templates", {"name": "Mine"}).headers["location"].partition("?")[0].rpartition("/")[2]
    acts = ("login-as", "disconnect", "delete", "restore", "suspend", "resume")
    paths = [f"/partner/clients/{each}/{act}" for each in (other.client, other.reseller, new_id()) for act in acts]
    paths += [f"/partner/offers/{offer}/cancel", f"/partner/templates/{template}/lines"]
    changes = ("remove", "rename", "copy", "lines/0", "lines/0/remove")
    paths += [f"/partner/templates/{template}/{change}" for change in changes]
    assert {path: seller.post(path, LINE).status_code for path in paths} == dict.fromkeys(paths, 404)
    for account, chosen in ((other.client, own), (elbe.client, template), (elbe.reseller, own), ("x", own)):
        sent = {"account_id": str(account), "template_id": str(chosen), "message": ""}
        assert seller.post("/partner/offers/new", sent).status_code == 404
    for path in (f"/partner/clients/{other.client}", f"/partner/templates/{template}"):
        assert seller.get(path).status_code == 404
    assert api.ok(f"GET /v1/offers/{offer}")["state"] == "waiting_for_confirmation"


def test_every_form_is_403_without_its_csrf(seller: PortalClient, elbe: ResellerAccounts) -> None:
    forms = [f"/partner/clients/{elbe.client}/{act}" for act in ("login-as", "disconnect", "delete", "suspend")]
    forms += ["/partner/clients/new", "/partner/clients/connect", "/partner/offers/new", "/partner/templates"]
    forms += [f"/as/{elbe.client}/account/trial", f"/as/{elbe.client}/account/plan"]
    assert {path: seller.http.post(path, data=LINE).status_code for path in forms} == dict.fromkeys(forms, 403)


def test_discount_and_account_book_are_shown_and_a_bad_amount_is_named(seller: PortalClient) -> None:
    for page in ("discount", "account-book"):
        shown = seller.get(f"/partner/{page}")
        assert (shown.status_code, page_of(shown)) == (200, f"partner.{page}")
    wrong = seller.get("/partner/discount?pay=much")
    assert wrong.status_code == 422


def test_clients_see_no_partner_page(elbe: ResellerAccounts, visitor: PortalClient) -> None:
    visitor.sign_in("elbe client")
    for path in ("", "/offers", "/templates", "/discount", "/account-book", "/clients/new", "/clients.csv"):
        assert visitor.get(f"/partner{path}").status_code == 404


def test_reseller_without_a_confirmed_address_makes_no_clients(
    api: Api, elbe: ResellerAccounts, visitor: PortalClient, clock: ManualClock
) -> None:
    api.ok(
        f"PATCH /v1/accounts/{elbe.client}",
        {"admin_email": "boss@weser.example"},
        key=api.key(reseller_id=elbe.reseller),
    )
    api.ok(f"POST /v1/accounts/{elbe.client}/become-reseller")
    clock.advance(timedelta(hours=1))
    set_password(api, UUID(str(elbe.client)))
    assert visitor.sign_in("elbe client").headers["location"] == "/partner"
    refused = visitor.post("/partner/clients/new", {"name": "Neu", "admin_email": "neu@weser.example"})
    assert refused.status_code == 409
