"""Links to a changed address and the evidence of decisions, over HTTP."""

import re
from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

from kontor.accounts import activation, address_links, domains
from kontor.accounts.address_links import LIFETIME, AddressRole
from kontor.adapters.fakes import ManualClock
from kontor.audit import Actor
from kontor.context import Context
from kontor.http.visibility import Viewer
from kontor.offers.notifications import OFFER_RULES
from kontor.offers.schemas import BriefEvidenceOut
from kontor.offers.views import offer_out
from models.accounts import Account
from models.mails import Mail
from models.offers import Offer
from tests.integration.api.test_pages import LINE, deliver
from tests.support.api import Api, ResellerAccounts

DOMAIN = "learn.elbe.example"


def test_evidence_is_shown_to_operator_and_client_and_only_its_way_to_the_reseller(
    api: Api, make_accounts: Callable[[str], ResellerAccounts]
) -> None:
    mine = make_accounts("elbe")
    new = {"reseller_id": str(mine.reseller), "account_id": str(mine.client), "lines": [LINE]}
    offer_id = api.ok("POST /v1/offers", new)["id"]
    path = deliver(api.deps, UUID(offer_id))
    agent = {"User-Agent": "A browser"}
    assert api.http.post(path, data={"decision": "accept"}, headers=agent).status_code == 200
    reseller = api.key("read", reseller_id=mine.reseller)
    for key in (api.key("read"), api.key("read", account_id=mine.client)):
        evidence = api.ok(f"GET /v1/offers/{offer_id}", key=key)["events"][-1]["evidence"]
        assert (evidence["via"], evidence["address"], evidence["set_by"]) == ("link", "admin@elbe.example", "operator")
        assert (evidence["origin"], evidence["user_agent"]) == ("127.0.0.1", "A browser")
        assert (evidence["link_host"], evidence["domain_set_by"]) == ("kontor.example", None)
    events = api.ok(f"GET /v1/offers/{offer_id}", key=reseller)["events"]
    assert [event["evidence"] for event in events] == [None, None, {"via": "link"}]
    with api.deps.sessions() as session:
        offer = session.get_one(Offer, UUID(offer_id))
        shown = offer_out(session, offer, api.deps.clock.now(), Viewer.RESELLER).events[-1].evidence
    assert shown == BriefEvidenceOut(via="link")


def test_former_address_objects_with_one_press_and_an_operator_frees_the_offers(
    api: Api, clock: ManualClock, make_accounts: Callable[[str], ResellerAccounts]
) -> None:
    mine = make_accounts("elbe")
    new = {"reseller_id": str(mine.reseller), "account_id": str(mine.client), "lines": [LINE]}
    offer_id = api.ok("POST /v1/offers", new)["id"]
    deliver(api.deps, UUID(offer_id))
    reseller = api.key("read", "enqueue", reseller_id=mine.reseller)
    api.ok(f"PATCH /v1/accounts/{mine.client}", {"admin_email": "mine@elbe.example"}, key=reseller)
    until = clock.now() + LIFETIME
    paths = [
        f"/{page}/{address_links.make_token(api.deps.tokens, role, mine.client, 2, until)}"
        for role, page in ((AddressRole.NEW, "confirm"), (AddressRole.OLD, "object"))
    ]
    for path in paths:
        page = api.http.get(path)
        assert page.status_code == 200
        assert re.findall(r"<(?:input|select|textarea)", page.text) == []
        assert api.http.post(path).status_code == 200
        assert api.http.post(path).status_code == 200
        assert api.http.get(path + "x").status_code == 404
    assert api.ok(f"GET /v1/offers/{offer_id}")["held_by"] == "objection"
    refused = api.call(f"POST /v1/offers/{offer_id}/accept")
    assert (refused.status_code, refused.json()["code"]) == (409, "offer_held")
    free = f"POST /v1/accounts/{mine.client}/free-offers"
    assert api.call(free, {"reason": "Called them"}, key=reseller).status_code == 403
    assert api.ok(free, {"reason": "Called them"}) == {"offers": 1}
    assert api.call(free, {"reason": "Called them"}).json()["code"] == "not_held"
    assert api.ok(f"POST /v1/offers/{offer_id}/accept")["state"] == "accepted"
    clock.advance(LIFETIME + timedelta(seconds=1))
    assert api.http.get(paths[1]).status_code == 410


def test_only_the_newest_activation_link_works(
    api: Api, clock: ManualClock, make_accounts: Callable[[str], ResellerAccounts]
) -> None:
    mine = make_accounts("elbe")
    api.ok(f"POST /v1/accounts/{mine.client}/activation")
    until = clock.now() + activation.ACTIVATION_LIFETIME
    tokens = [activation.make_token(api.deps.tokens, mine.client, 1, until, serial) for serial in (1, 2)]
    assert [api.http.post(f"/activate/{token}").status_code for token in tokens] == [410, 200]
    with api.deps.sessions() as session:
        assert session.get_one(Account, mine.client).activated_at == clock.now()


def accepted_by_mailed_link(api: Api, mine: ResellerAccounts, change: dict[str, object] | None) -> dict[str, object]:
    """The evidence of a decision by the link of the mail, after which the reseller changed the client's brand."""
    new = {"reseller_id": str(mine.reseller), "account_id": str(mine.client), "lines": [LINE]}
    offer_id = api.ok("POST /v1/offers", new)["id"]
    deliver(api.deps, UUID(offer_id))
    with api.deps.sessions() as session:
        links = OFFER_RULES["offer-received"].links
        assert links is not None
        path = links(session, api.deps.tokens, Mail(refs={"offer_id": offer_id}))["decision"]
    if change is not None:
        api.ok(f"PUT /v1/accounts/{mine.client}/brand", change, key=api.key(reseller_id=mine.reseller))
    assert api.http.post(path, data={"decision": "accept"}).status_code == 200
    evidence: dict[str, object] = api.ok(f"GET /v1/offers/{offer_id}")["events"][-1]["evidence"]
    return evidence


def verified_domain(api: Api, mine: ResellerAccounts) -> None:
    """Let the reseller set a verified domain for its client's links."""
    api.ok(f"PUT /v1/accounts/{mine.client}/brand", {"domain": DOMAIN}, key=api.key(reseller_id=mine.reseller))
    with api.deps.sessions() as session:
        account = session.get_one(Account, mine.client)
        domains.verify_manually(Context(api.deps.jobs), session, DOMAIN, account, Actor("test"))
        session.commit()


def test_evidence_names_the_resellers_domain_when_the_link_was_mailed_with_it(
    api: Api, make_accounts: Callable[[str], ResellerAccounts]
) -> None:
    mine = make_accounts("elbe")
    verified_domain(api, mine)
    evidence = accepted_by_mailed_link(api, mine, None)
    assert (evidence["via"], evidence["link_host"], evidence["domain_set_by"]) == ("link", DOMAIN, "reseller")


def test_evidence_names_the_resellers_domain_when_it_was_taken_back_before_the_decision(
    api: Api, make_accounts: Callable[[str], ResellerAccounts]
) -> None:
    mine = make_accounts("elbe")
    verified_domain(api, mine)
    evidence = accepted_by_mailed_link(api, mine, {"domain": None})
    assert (evidence["link_host"], evidence["domain_set_by"]) == (DOMAIN, "reseller")


def test_evidence_names_the_providers_host_when_the_domain_was_set_after_the_mail(
    api: Api, make_accounts: Callable[[str], ResellerAccounts]
) -> None:
    mine = make_accounts("elbe")
    evidence = accepted_by_mailed_link(api, mine, {"domain": DOMAIN})
    assert (evidence["link_host"], evidence["domain_set_by"]) == ("kontor.example", None)
