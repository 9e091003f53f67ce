"""Updates and badge in the customer's own product: a token that reaches nothing else, framed by the instance alone."""

from datetime import timedelta
from urllib.parse import urlsplit

import httpx
import pytest

from kontor.adapters.fakes import ManualClock
from tests.integration.portal.test_account_pages import offer_to
from tests.support.api import Api, ResellerAccounts
from tests.support.portal import HIDDEN, PASSWORD, mailed_path, page_of

INSTANCE = "https://customer.example"


def embed(api: Api, account: object, **body: object) -> str:
    """The path of a new embedded page."""
    made = api.ok(f"POST /v1/accounts/{account}/portal-sessions", {"embed": True, **body})
    return str(urlsplit(made["url"]).path)


def set_instance(api: Api, account: object) -> None:
    api.ok(f"PUT /v1/accounts/{account}/instance", {"url": f"{INSTANCE}/hooks/kontor"})


@pytest.fixture
def offer(api: Api, elbe: ResellerAccounts) -> str:
    """An open offer to the client."""
    return offer_to(api, elbe)


def test_offer_is_decided_in_a_frame_without_cookies_and_with_proof(
    api: Api, elbe: ResellerAccounts, offer: str
) -> None:
    path = embed(api, elbe.client)
    shown = api.http.get(path, headers={"Cookie": "session=planted; ticket=planted; language=fr"})
    assert (shown.status_code, page_of(shown), 'lang="de"' in shown.text) == (200, "embed.show", True)
    page = api.http.get(f"{path}/updates/{offer}")
    assert f'action="{path}/updates/{offer}/decide"' in page.text
    form = dict(HIDDEN.findall(page.text))
    done = api.http.post(f"{path}/updates/{offer}/decide", data={"csrf": form["csrf"], "decision": "accept"})
    assert (done.status_code, done.headers["location"]) == (303, f"{path}/updates/{offer}?done=accepted")
    after = api.http.get(done.headers["location"])
    assert 'data-state="accepted"' in after.text
    assert not [answer for answer in (shown, page, done, after) if "set-cookie" in answer.headers]
    proof = api.ok(f"GET /v1/offers/{offer}")["events"][-1]["evidence"]
    assert (proof["via"], proof["address"]) == ("portal", "admin@elbe.example")
    again = api.http.post(f"{path}/updates/{offer}/decide", data={"csrf": form["csrf"], "decision": "reject"})
    assert again.status_code == 409


def test_only_the_instances_origin_may_frame_the_pages(api: Api, elbe: ResellerAccounts, offer: str) -> None:
    path = embed(api, elbe.client)
    api.ok(f"DELETE /v1/accounts/{elbe.client}/instance")
    assert "frame-ancestors 'none'" in api.http.get(path).headers["content-security-policy"]
    set_instance(api, elbe.client)
    for page in (path, f"{path}/updates/{offer}", f"{path}/updates/{elbe.client}"):
        headers = api.http.get(page).headers
        assert f"frame-ancestors {INSTANCE}" in headers["content-security-policy"]
        assert "script-src" not in headers["content-security-policy"]
        assert "x-frame-options" not in headers
    for page in ("/login", "/embed/forged", f"{path}x"):
        headers = api.http.get(page).headers
        assert ("frame-ancestors 'none'" in headers["content-security-policy"], headers["x-frame-options"]) == (
            True,
            "DENY",
        )


def test_token_reaches_nothing_but_its_accounts_updates(
    api: Api, elbe: ResellerAccounts, offer: str, make_accounts: object
) -> None:
    path = embed(api, elbe.client)
    token = path.rpartition("/")[2]
    other = make_accounts("havel")  # type: ignore[operator]  # a factory fixture
    theirs = embed(api, other.client)
    assert offer not in api.http.get(theirs).text
    assert api.http.get(f"{theirs}/updates/{offer}").status_code == 404
    decided = {"csrf": theirs.rpartition("/")[2], "decision": "accept"}
    assert api.http.post(f"{theirs}/updates/{offer}/decide", data=decided).status_code == 404
    for suffix in ("/account", "/account/members", "/../account", "/updates", "/decide", "/partner"):
        assert api.http.get(path + suffix).status_code == 404
    assert api.http.get(f"/sign-in/{token}").status_code == 404
    assert api.http.post(f"/sign-in/{token}").status_code in {403, 404}
    for page in ("/account", "/updates"):
        for cookie in (f"session={token}", f"ticket={token}"):
            assert api.http.get(page, headers={"Cookie": cookie}).status_code == 303
    assert api.call("GET /v1/accounts", key=token).status_code == 401
    signs_in = api.ok(f"POST /v1/accounts/{elbe.client}/portal-sessions", {})["url"].rpartition("/")[2]
    assert api.http.get(f"/embed/{signs_in}").status_code == 404


def test_form_is_refused_when_it_does_not_bring_the_token_back(api: Api, elbe: ResellerAccounts, offer: str) -> None:
    path = embed(api, elbe.client)
    for csrf in ({}, {"csrf": ""}, {"csrf": embed(api, elbe.client).rpartition("/")[2]}):
        answer = api.http.post(f"{path}/updates/{offer}/decide", data={**csrf, "decision": "accept"})
        assert answer.status_code == 403
    assert api.ok(f"GET /v1/offers/{offer}")["state"] == "waiting_for_confirmation"


def test_page_is_over_after_an_hour_and_when_address_or_account_change(
    api: Api, elbe: ResellerAccounts, clock: ManualClock
) -> None:
    set_instance(api, elbe.client)
    old, clock_start = embed(api, elbe.client), clock.now()
    clock.advance(timedelta(minutes=59))
    assert api.http.get(old).status_code == 200
    clock.advance(timedelta(minutes=1))
    expired = api.http.get(old)
    assert (expired.status_code, "elbe" in expired.text, 'name="password"' in expired.text) == (410, True, False)
    assert f"frame-ancestors {INSTANCE}" in expired.headers["content-security-policy"]
    assert "set-cookie" not in expired.headers
    assert clock.now() - clock_start == timedelta(hours=1)
    new = embed(api, elbe.client)
    api.ok(f"POST /v1/accounts/{elbe.client}/suspend", {"reason": "test"})
    assert api.http.get(new).status_code == 403
    api.ok(f"POST /v1/accounts/{elbe.client}/resume", {"reason": "test"})
    api.ok(f"PATCH /v1/accounts/{elbe.client}", {"admin_email": "new@weser.example"})
    assert api.http.get(new).status_code == 410


def test_viewer_reads_and_does_not_decide_in_a_frame(api: Api, elbe: ResellerAccounts, offer: str) -> None:
    api.ok(f"POST /v1/accounts/{elbe.client}/members", {"email": "jana@weser.example", "role": "viewer"})
    api.http.post(mailed_path(api, "member-invited"), data={"password": PASSWORD})
    path = embed(api, elbe.client, member="jana@weser.example")
    page = api.http.get(f"{path}/updates/{offer}")
    assert (page.status_code, "<form" in page.text) == (200, False)
    sent = {"csrf": path.rpartition("/")[2], "decision": "accept"}
    assert api.http.post(f"{path}/updates/{offer}/decide", data=sent).status_code == 403


def badge(api: Api, account: object, token: str, **headers: str) -> httpx.Response:
    return api.http.get(f"/v1/accounts/{account}/badge", params={"token": token}, headers=headers)


def test_badge_is_read_with_the_public_token_and_is_cacheable(api: Api, elbe: ResellerAccounts, offer: str) -> None:
    own = api.call(f"GET /v1/accounts/{elbe.client}", key=api.key(account_id=elbe.client)).json()
    token = own["badge_token"]
    first = badge(api, elbe.client, token)
    assert (first.status_code, first.json()) == (200, {"count": 1})
    assert first.headers["cache-control"].startswith("public, max-age=")
    same = badge(api, elbe.client, token, **{"If-None-Match": first.headers["etag"]})
    assert (same.status_code, same.content) == (304, b"")
    api.ok(f"POST /v1/offers/{offer}/cancel")
    changed = badge(api, elbe.client, token, **{"If-None-Match": first.headers["etag"]})
    assert (changed.status_code, changed.json()) == (200, {"count": 0})
    bearer = api.http.get(f"/v1/accounts/{elbe.client}/badge", headers={"Authorization": f"Bearer {token}"})
    assert bearer.json() == {"count": 0}
    assert api.ok(f"GET /v1/accounts/{elbe.client}/badge") == {"count": 0}


def test_badge_token_reads_nothing_else(api: Api, elbe: ResellerAccounts, make_accounts: object) -> None:
    token = api.ok(f"GET /v1/accounts/{elbe.client}")["badge_token"]
    other = make_accounts("havel")  # type: ignore[operator]  # a factory fixture
    for account in (elbe.reseller, other.client):
        assert badge(api, account, token).status_code == 401
    assert badge(api, elbe.client, "badge_forged").status_code == 401
    for line in ("GET /v1/accounts", f"GET /v1/accounts/{elbe.client}", f"GET /v1/accounts/{elbe.client}/updates"):
        assert api.call(line, key=token).status_code == 401
    assert api.http.post(f"/v1/accounts/{elbe.client}/badge", params={"token": token}).status_code in {401, 405}
    reseller = api.call(f"GET /v1/accounts/{elbe.client}", key=api.key(reseller_id=elbe.reseller)).json()
    assert "badge_token" not in reseller
    api.ok(f"POST /v1/accounts/{elbe.client}/suspend", {"reason": "test"})
    assert badge(api, elbe.client, token).status_code == 403


def test_badge_is_readable_by_pages_of_the_instance_alone(api: Api, elbe: ResellerAccounts) -> None:
    token = api.ok(f"GET /v1/accounts/{elbe.client}")["badge_token"]
    api.ok(f"DELETE /v1/accounts/{elbe.client}/instance")
    assert "access-control-allow-origin" not in badge(api, elbe.client, token, Origin=INSTANCE).headers
    set_instance(api, elbe.client)
    mine = badge(api, elbe.client, token, Origin=INSTANCE)
    assert (mine.headers["access-control-allow-origin"], mine.headers["vary"]) == (INSTANCE, "Origin")
    assert "access-control-allow-credentials" not in mine.headers
    for origin in (
        "https://evil.example",
        "null",
        "http://customer.example",
        f"{INSTANCE}:8443",
        f"{INSTANCE}.evil.example",
    ):
        assert "access-control-allow-origin" not in badge(api, elbe.client, token, Origin=origin).headers
    asked = api.http.options(f"/v1/accounts/{elbe.client}/badge", headers={"Origin": INSTANCE})
    assert (asked.status_code, asked.headers["access-control-allow-headers"]) == (204, "authorization")
