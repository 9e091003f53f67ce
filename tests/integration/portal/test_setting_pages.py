"""Keys, webhooks, people and brand on the reseller's pages."""

import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from io import BytesIO

import httpx
import pytest
from PIL import Image
from sqlalchemy import Engine

from kontor.adapters.fakes import ManualClock
from kontor.http.context import Deps
from tests.support.api import Api, ResellerAccounts
from tests.support.api_fixtures import build_deps
from tests.support.portal import PortalClient, error_of, page_of

RECORDS: dict[str, list[str]] = {}
HOOK = "https://hooks.example/in"


async def answer(name: str, tenant: str = "") -> tuple[str, ...]:
    """Answer with the TXT records of this test."""
    return tuple(RECORDS.get(name, ()))


@pytest.fixture
def deps(engine: Engine, clock: ManualClock) -> Iterator[Deps]:
    """A web process over http that asks this test for TXT records."""
    RECORDS.clear()
    with ThreadPoolExecutor(4) as threads:
        yield replace(build_deps(engine, clock, threads), public_url="http://127.0.0.1", txt=answer)


@pytest.fixture
def seller(elbe: ResellerAccounts, visitor: PortalClient) -> PortalClient:
    """The reseller, signed in."""
    assert visitor.sign_in("elbe").headers["location"] == "/partner"
    return visitor


def secret_of(answer: httpx.Response) -> str:
    """The secret that a page shows once."""
    shown = re.search(r'class="secret">([^<]+)<', answer.text)
    return shown[1] if shown else ""


def picture(size: int = 600) -> bytes:
    """A PNG."""
    out = BytesIO()
    Image.new("RGB", (size, size), "#2457d6").save(out, "PNG")
    return out.getvalue()


def test_key_of_a_client_is_shown_once_and_never_decides(
    seller: PortalClient, elbe: ResellerAccounts, api: Api
) -> None:
    sent = {"name": "Instance", "account_id": str(elbe.client), "scope.read": "1", "scope.work": "1", "tasks": "vps.*"}
    made = seller.post("/partner/keys", sent)
    secret = secret_of(made)
    assert (made.status_code, secret.startswith("kontor_")) == (200, True)
    assert secret not in seller.get("/partner/keys").text
    (key,) = api.ok("GET /v1/keys", key=api.key(reseller_id=elbe.reseller))["items"][1:]
    assert (key["account_id"], key["scopes"]) == (str(elbe.client), ["read", "work:vps.*"])
    assert api.call(f"GET /v1/accounts/{elbe.client}", key=secret).status_code == 200
    assert seller.post(f"/partner/keys/{key['id']}/revoke").status_code == 303
    assert api.call(f"GET /v1/accounts/{elbe.client}", key=secret).status_code == 401


def test_field_of_a_key_is_named_when_it_is_refused(seller: PortalClient) -> None:
    empty = seller.post("/partner/keys", {"name": "", "scope.read": "1"})
    assert (empty.status_code, error_of(empty, "name") != "") == (422, True)
    nothing = seller.post("/partner/keys", {"name": "x"})
    assert (nothing.status_code, error_of(nothing, "scopes") != "") == (422, True)
    past = seller.post("/partner/keys", {"name": "x", "scope.read": "1", "expires_at": "2020-01-01"})
    assert (past.status_code, error_of(past, "expires_at") != "") == (422, True)
    decide = seller.post("/partner/keys", {"name": "x", "scope.decide": "1"})
    assert decide.status_code == 422


def test_keys_and_people_are_the_owners_alone(seller: PortalClient, elbe: ResellerAccounts, api: Api) -> None:
    assert page_of(seller.get("/partner/team")) == "partner.team"
    assert page_of(seller.get("/partner/keys")) == "partner.keys"
    seller.post("/logout")
    seller.sign_in("elbe client")
    for page in ("keys", "team", "webhooks", "brand", "brand/preview"):
        assert seller.get(f"/partner/{page}").status_code == 404


def test_endpoint_is_made_tested_rotated_replayed_and_removed(
    seller: PortalClient, elbe: ResellerAccounts, api: Api
) -> None:
    made = seller.post("/partner/webhooks", {"url": HOOK, "events": "offer.accepted account.connected"})
    first = secret_of(made)
    assert (made.status_code, first.startswith("whsec_")) == (200, True)
    (endpoint,) = api.ok(f"GET /v1/webhook-endpoints?reseller={elbe.reseller}")["items"]
    page = f"/partner/webhooks/{endpoint['id']}"
    assert endpoint["events"] == ["account.connected", "offer.accepted"] or len(endpoint["events"]) == 2
    assert seller.post(f"{page}/test").status_code == 303
    assert seller.get(page).text.count("data-delivery=") == 1
    assert secret_of(seller.get(page)) == ""
    rotated = seller.post(f"{page}/rotate")
    assert (rotated.status_code, secret_of(rotated) not in ("", first)) == (200, True)
    assert seller.post(f"{page}/replay").status_code == 303
    again = seller.post("/partner/webhooks", {"url": HOOK, "events": "offer.accepted account.connected"})
    assert again.status_code == 409
    assert seller.post(f"{page}/remove").status_code == 303
    assert seller.get(page).status_code == 404


def test_address_of_an_endpoint_is_refused_when_it_is_not_https_or_an_event_unknown(seller: PortalClient) -> None:
    private = seller.post("/partner/webhooks", {"url": "http://hooks.example/in", "events": "*"})
    assert (private.status_code, error_of(private, "url") != "") == (422, True)
    assert 'value="http://hooks.example/in"' in private.text
    unknown = seller.post("/partner/webhooks", {"url": HOOK, "events": "offer.stolen"})
    assert (unknown.status_code, error_of(unknown, "events") != "") == (422, True)
    without = seller.http.post("/partner/webhooks", data={"url": HOOK})
    assert without.status_code == 403


def test_brand_is_saved_and_keeps_its_images(seller: PortalClient, elbe: ResellerAccounts, api: Api) -> None:
    sent = {"name": "Elbe Kurse", "colours.primary": "#ffee00", "support.email": "hilfe@elbe.example"}
    assert seller.post("/partner/brand", sent).headers["location"] == "/partner/brand?done=brand-saved"
    files = {"file": ("x.png", picture(), "image/png")}
    data = {"csrf": seller.csrf("/account/password"), "role": "logo"}
    assert seller.http.post("/partner/brand/images", data=data, files=files).status_code == 303
    assert seller.post("/partner/brand", {**sent, "name": "Elbe Schule"}).status_code == 303
    brand = api.ok(f"GET /v1/accounts/{elbe.reseller}/brand")
    assert (brand["name"], brand["colours"], brand["logo"] is not None) == ("Elbe Schule", {"primary": "#ffee00"}, True)
    shown = seller.get("/partner/brand").text
    assert ('data-contrast="low"' in shown, 'data-image="logo"' in shown) == (True, True)
    assert seller.http.post("/partner/brand/images", data=data).status_code == 303
    assert api.ok(f"GET /v1/accounts/{elbe.reseller}/brand")["logo"] is None


@pytest.mark.parametrize(
    "content",
    [
        b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
        b"GIF89a<script>alert(1)</script>",
        b"<html><script>alert(1)</script></html>",
        b"\x89PNG\r\n\x1a\n broken",
    ],
    ids=["svg", "polyglot", "html", "damaged"],
)
def test_upload_is_refused_when_it_is_no_image(seller: PortalClient, content: bytes) -> None:
    data = {"csrf": seller.csrf("/account/password"), "role": "favicon"}
    files = {"file": ("logo.png", content, "image/png")}
    refused = seller.http.post("/partner/brand/images", data=data, files=files)
    assert (refused.status_code, error_of(refused, "favicon") != "") == (422, True)


def test_upload_becomes_a_picture_of_ours_without_what_was_hidden_in_it(
    seller: PortalClient, elbe: ResellerAccounts, api: Api
) -> None:
    data = {"csrf": seller.csrf("/account/password"), "role": "logo"}
    files = {"file": ("x.png", picture() + b"<script>alert(1)</script>", "text/html")}
    assert seller.http.post("/partner/brand/images", data=data, files=files).status_code == 303
    path = re.findall(r'src="(/images/[0-9a-f]+\.png)" [^>]*data-image', seller.get("/partner/brand").text)[0]
    served = seller.get(path)
    assert (served.headers["content-type"], b"script" in served.content) == ("image/png", False)


def test_setting_is_named_when_it_is_refused(seller: PortalClient) -> None:
    wrong = {"name": "Learning", "colours.text": "blue", "domain": "no domain", "from_address": "x", "support.url": "x"}
    taken = seller.post("/partner/brand", {"name": "Learning"})
    assert (taken.status_code, error_of(taken, "name") != "") == (422, True)
    many = seller.post("/partner/brand", wrong)
    errors = {name: error_of(many, name) != "" for name in ("colours", "domain", "from_address", "support")}
    assert (many.status_code, errors, 'value="blue"' in many.text) == (422, dict.fromkeys(errors, True), True)


def test_domain_is_verified_by_the_button_and_its_mail_records_are_shown(
    seller: PortalClient, elbe: ResellerAccounts, api: Api
) -> None:
    sent = {"domain": "kurse.elbe.example", "from_address": "post@kurse.elbe.example"}
    seller.post("/partner/brand", sent)
    place = {"domain": "kurse.elbe.example"}
    assert seller.post("/partner/brand/domains", place).status_code == 303
    assert 'data-state="waiting"' in seller.get("/partner/brand").text
    (domain,) = api.ok(f"GET /v1/domains?account={elbe.reseller}")["items"]
    RECORDS[domain["record"]["name"]] = [domain["record"]["value"]]
    RECORDS["kurse.elbe.example"] = ["google-site=1", "v=spf1 include:mail.example -all"]
    RECORDS["_dmarc.kurse.elbe.example"] = ["v=DMARC1; p=quarantine"]
    assert seller.post("/partner/brand/domains", place).headers["location"] == "/partner/brand?done=domain-checked"
    shown = seller.get("/partner/brand").text
    assert 'data-state="verified"' in shown
    assert [text in shown for text in ("include:mail.example", "p=quarantine", "google-site")] == [True, True, False]
    assert seller.post("/partner/brand/domains", {"domain": "other.example"}).status_code == 404


def test_brand_of_a_client_is_its_own_and_others_are_404(
    seller: PortalClient, elbe: ResellerAccounts, api: Api, make_accounts: Callable[[str], ResellerAccounts]
) -> None:
    place = f"/partner/clients/{elbe.client}/brand"
    assert page_of(seller.get(place)) == "partner.clients.brand"
    assert seller.post(place, {"colours.primary": "#112233"}).headers["location"] == f"{place}?done=brand-saved"
    assert api.ok(f"GET /v1/accounts/{elbe.client}/brand")["colours"] == {"primary": "#112233"}
    assert api.ok(f"GET /v1/accounts/{elbe.reseller}/brand")["colours"] == {}
    other = make_accounts("spree")
    foreign = f"/partner/clients/{other.client}/brand"
    assert [seller.get(foreign).status_code, seller.post(foreign, {}).status_code] == [404, 404]


def test_preview_shows_a_page_and_every_mail_in_the_brand_in_each_language(seller: PortalClient) -> None:
    seller.post("/partner/brand", {"name": "Elbe Kurse"})
    index = seller.get("/partner/brand/preview").text
    mails = re.findall(r'<option value="([\w-]+)"', index.split('id="in"')[0])
    assert len(mails) > 5
    for language in ("en", "de", "fr", "ru", "ja"):
        page = seller.get(f"/partner/brand/preview/page?in={language}")
        assert (page.status_code, "Elbe Kurse" in page.text, f'lang="{language}"' in page.text) == (200, True, True)
        assert "frame-ancestors 'self'" in page.headers["content-security-policy"]
    for name in mails:
        shown = seller.get(f"/partner/brand/preview/mail?mail={name}&in=de")
        assert (shown.status_code, "sandbox" in shown.headers["content-security-policy"]) == (200, True), name
        assert "script" not in shown.text
    assert seller.get("/partner/brand/preview?mail=dead-jobs").status_code == 404


def test_preview_shows_what_is_typed_and_saves_nothing(
    seller: PortalClient, elbe: ResellerAccounts, make_accounts: Callable[[str], ResellerAccounts]
) -> None:
    seller.post("/partner/brand", {"name": "Elbe Kurse"})
    page = seller.get("/partner/brand?lang=en")
    assert 'formaction="/partner/brand/preview" formtarget="preview"' in page.text
    assert '<iframe class="preview" name="preview" sandbox' in page.text
    assert re.search(r"script-src 'nonce-[^']+'; connect-src 'self'$", page.headers["content-security-policy"])
    typed = {"name": "Weser & Söhne", "colours.primary": "#aa0044", "support.email": "hilfe@weser.example"}
    for language in ("en", "de", "fr", "ru", "ja"):
        shown = seller.post("/partner/brand/preview", {**typed, "in": language})
        assert (shown.status_code, "Weser &amp; Söhne" in shown.text) == (200, True)
        assert (f'lang="{language}"' in shown.text, "hilfe@weser.example" in shown.text) == (True, True)
        assert ("#aa0044" in shown.text, "script" in shown.text) == (True, False)
        assert "frame-ancestors 'self'" in shown.headers["content-security-policy"]
        mail = seller.post("/partner/brand/preview", {**typed, "in": language, "mail": "offer-received"})
        assert (mail.status_code, "Weser &amp; Söhne" in mail.text, "#aa0044" in mail.text) == (200, True, True)
        assert "sandbox" in mail.headers["content-security-policy"]
    assert "Elbe Kurse" in seller.get("/partner/brand/preview/page").text
    wrong = seller.post("/partner/brand/preview", {**typed, "colours.primary": "red", "in": "en"})
    assert (wrong.status_code, "Please enter colours such as #2457d6." in wrong.text) == (422, True)
    assert "frame-ancestors 'self'" in wrong.headers["content-security-policy"]
    assert seller.post("/partner/brand/preview", {**typed, "mail": "dead-jobs"}).status_code == 404
    place = f"/partner/clients/{elbe.client}/brand/preview"
    own = seller.post(place, {"colours.text": "#00331a"})
    assert (own.status_code, "#00331a" in own.text, "Elbe Kurse" in own.text) == (200, True, True)
    assert "#00331a" not in seller.get(f"{place}/page").text
    foreign = f"/partner/clients/{make_accounts('spree').client}/brand/preview"
    answers = [seller.post(foreign, typed), *(seller.get(f"{foreign}{each}") for each in ("", "/page", "/mail"))]
    assert [answer.status_code for answer in answers] == [404] * 4
