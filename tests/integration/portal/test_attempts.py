"""What attackers try on the portal (portal.md 6.4): each attempt is refused, and the right person still gets in."""

from collections import defaultdict
from collections.abc import Iterator
from urllib.parse import urlsplit

import httpx
import pytest

from kontor.portal.app import paths
from tests.support.api import Api, ResellerAccounts
from tests.support.portal import PASSWORD, PortalClient, mailed_path

EVIL = "evil.example"


@pytest.fixture
def stranger(api: Api) -> Iterator[PortalClient]:
    """Another browser."""
    with httpx.Client(base_url=api.http.base_url, timeout=30, verify=False) as http:
        yield PortalClient(http)


def test_every_form_is_refused_without_its_csrf_secret(
    elbe: ResellerAccounts, visitor: PortalClient, stranger: PortalClient
) -> None:
    visitor.sign_in("elbe")
    foreign = stranger.csrf()
    ids: dict[str, object] = defaultdict(lambda: elbe.client, token="x", number=0)
    accepted = []
    for route, path in paths():
        if route.method != "POST":
            continue
        target = path.format_map(ids)
        for form in ({}, {"csrf": ""}, {"csrf": foreign}):
            status = visitor.http.post(target, data=form).status_code
            if status != 403:
                accepted.append((target, status))
    assert accepted == []


def test_form_from_another_site_is_refused_when_only_the_cookie_comes_along(
    elbe: ResellerAccounts, visitor: PortalClient
) -> None:
    visitor.sign_in("elbe client")
    headers = {"Origin": f"https://{EVIL}", "Referer": f"https://{EVIL}/", "Sec-Fetch-Site": "cross-site"}
    assert visitor.http.post("/account/trial", data={}, headers=headers).status_code == 403
    assert visitor.http.post("/logout", data={"csrf": "guess"}, headers=headers).status_code == 403
    assert visitor.get("/account").status_code == 200


def test_planted_cookies_do_not_survive_a_sign_in(
    elbe: ResellerAccounts, visitor: PortalClient, stranger: PortalClient
) -> None:
    stranger.sign_in("elbe")
    planted = stranger.http.cookies["session"]
    visitor.csrf()
    visitor.http.cookies.set("session", "planted-by-somebody", domain="127.0.0.1", path="/")
    assert visitor.sign_in("elbe client").status_code == 303
    assert visitor.http.cookies["session"] not in {planted, "planted-by-somebody"}
    assert visitor.http.cookies.get("ticket") in {None, ""}
    visitor.http.cookies.set("session", planted, domain="127.0.0.1", path="/")
    csrf = visitor.csrf("/account/password")
    visitor.http.post("/login", data={"csrf": csrf, "identifier": "elbe client", "password": PASSWORD})
    assert stranger.get("/partner").status_code == 303


def test_no_page_may_be_framed_by_others(elbe: ResellerAccounts, visitor: PortalClient) -> None:
    visitor.sign_in("elbe")
    for path in ("/login", "/partner", "/account", "/account/security", "/account/security/totp", "/nowhere"):
        headers = visitor.get(path).headers
        assert "frame-ancestors 'none'" in headers["content-security-policy"], path
        assert headers["x-frame-options"] == "DENY", path


@pytest.mark.parametrize("path", [f"//{EVIL}", f"https://{EVIL}", f"/\\{EVIL}", f"/%09/{EVIL}\t", f"\\\\{EVIL}"])
def test_no_redirect_leads_to_another_host(elbe: ResellerAccounts, visitor: PortalClient, api: Api, path: str) -> None:
    visitor.http.post("/login/link", data={"csrf": visitor.csrf(), "identifier": "elbe client", "next": path})
    link = mailed_path(api, "sign-in-link")
    signed = visitor.http.post(link, data={"csrf": visitor.csrf(link)})
    assert signed.headers["location"] == "/account"
    already = visitor.http.get("/login", params={"next": path})
    chosen = visitor.post("/account/switch", {"account_id": str(elbe.client), "next": path}, page="/account/password")
    assert (already.headers["location"], chosen.headers["location"]) == ("/account", "/account")


def test_strangers_who_guess_do_not_lock_out_the_person_who_signed_in_before(
    elbe: ResellerAccounts, visitor: PortalClient, stranger: PortalClient
) -> None:
    visitor.sign_in("elbe client")
    visitor.post("/logout")
    for identifier in ("elbe client", "admin@elbe.example", "ELBE  client"):
        guesses = [stranger.sign_in(identifier, f"a wrong password {number}").status_code for number in range(6)]
        assert 429 in guesses
    assert stranger.sign_in("elbe client").status_code == 429
    assert visitor.sign_in("elbe client").status_code == 303


def test_every_link_of_a_mail_works_once(elbe: ResellerAccounts, visitor: PortalClient, api: Api) -> None:
    member = {"email": "jana@weser.example", "role": "staff"}
    api.ok(f"POST /v1/accounts/{elbe.client}/members", member)
    invitation = mailed_path(api, "member-invited")
    assert api.http.post(invitation, data={"password": PASSWORD}).status_code == 200
    assert api.http.post(invitation, data={"password": "another password here"}).status_code == 410
    made = urlsplit(api.ok(f"POST /v1/accounts/{elbe.client}/portal-sessions", {})["url"]).path
    assert visitor.http.post(made, data={"csrf": visitor.csrf(made)}).status_code == 303
    visitor.post("/logout")
    assert visitor.http.post(made, data={"csrf": visitor.csrf()}).status_code == 200
    assert visitor.get("/account").status_code == 303
    for path in (f"{made}x", made.replace("/sign-in/", "/invite/"), made.replace("/sign-in/", "/activate/")):
        assert visitor.get(path).status_code == 404


def test_host_header_is_neither_served_nor_written_into_links(
    elbe: ResellerAccounts, visitor: PortalClient, api: Api
) -> None:
    for host in (EVIL, f"127.0.0.1.{EVIL}", f"127.0.0.1@{EVIL}", f"127.0.0.1:80@{EVIL}", f"[::1].{EVIL}"):
        answer = visitor.http.get("/login", headers={"Host": host})
        assert (answer.status_code, answer.text) == (421, ""), host
    forwarded = {"X-Forwarded-Host": EVIL, "Forwarded": f"host={EVIL}", "X-Forwarded-Proto": "https", "X-Host": EVIL}
    sent = {"csrf": visitor.csrf(), "identifier": "elbe client"}
    answers = [
        visitor.http.post("/login/link", data=sent, headers=forwarded),
        visitor.http.get("/account", headers=forwarded),
        visitor.http.get("/login", headers=forwarded),
    ]
    for answer in answers:
        assert EVIL not in f"{answer.headers.get('location', '')}{answer.text}"
    made = api.call(f"POST /v1/accounts/{elbe.client}/portal-sessions", {}, headers=forwarded).json()["url"]
    assert EVIL not in made
