"""Operators sign in by an OpenID Connect provider that the test runs."""

import base64
import json
from collections.abc import Iterator, Mapping
from dataclasses import replace

import httpx
import pytest
from joserfc.jwk import ECKey
from sqlalchemy import select

from kontor.adapters.fakes import ManualClock
from kontor.adapters.oidc import OidcProvider
from kontor.http.context import Deps
from kontor.kernel.identity import ProviderSettings
from models.people import Operator
from tests.support.api import running_server
from tests.support.console import ConsoleClient, create_operator
from tests.support.oidc_provider import CLIENT_ID, CLIENT_SECRET, Provider, path_of, running_provider
from workers.web_app import build

ROLES = {"operator": "operator", "leads": "admin"}
START = "/console/login/provider"
FOREIGN_CLAIMS: tuple[tuple[Mapping[str, object], str], ...] = (
    ({"role": ["staff"]}, "no role"),
    ({"role": None}, "no role"),
    ({"email_verified": False}, "verified"),
    ({"email": "not an address"}, "no valid e-mail"),
    ({"nonce": "of another sign-in"}, "of another sign-in"),
    ({"aud": "another client"}, "another client"),
    ({"aud": [CLIENT_ID, "another"], "azp": "another"}, "another client"),
    ({"iss": "https://evil.example"}, "another issuer"),
    ({"exp": 1}, "expired"),
    ({"exp": None}, "expired"),
    ({"iat": 4_000_000_000}, "in the future"),
    ({"sub": ""}, "without a subject"),
)


@pytest.fixture
def provider(clock: ManualClock) -> Iterator[Provider]:
    """A provider whose person is Anna, an operator."""
    with running_provider(clock) as running:
        yield running


@pytest.fixture
def browser(deps: Deps, provider: Provider, clock: ManualClock) -> Iterator[ConsoleClient]:
    """A browser at a console that uses the provider."""
    settings = ProviderSettings(provider.issuer, CLIENT_ID, CLIENT_SECRET, "role", ROLES)
    app = build(replace(deps, identity_provider=OidcProvider(settings, clock.wall_time)))
    with running_server(app) as url, httpx.Client(base_url=url, timeout=30, verify=False) as http:
        app.state.deps = replace(app.state.deps, console_url=url)
        yield ConsoleClient(http)


def back_from_provider(browser: ConsoleClient, next_page: str = "") -> str:
    """Go to the provider, and return the path that it sends the browser back to."""
    there = browser.http.get(f"{START}?next={next_page}").headers["location"]
    return path_of(httpx.get(there).headers["location"])


def operators(deps: Deps) -> list[tuple[str, str]]:
    with deps.sessions() as session:
        return [(row.email, row.role) for row in session.scalars(select(Operator).order_by(Operator.email))]


def test_person_is_made_an_operator_with_the_role_of_the_claim(
    deps: Deps, browser: ConsoleClient, provider: Provider
) -> None:
    assert START in browser.get("/console/login").text
    answer = browser.http.get(back_from_provider(browser, "/console/jobs"))
    assert (answer.status_code, answer.headers["location"]) == (303, "/console/jobs")
    assert browser.http.get("/console/jobs").status_code == 200
    assert operators(deps) == [("anna@kontor.example", "operator")]
    asked = provider.asked[0]
    assert (asked["code_challenge_method"], asked["scope"]) == ("S256", "openid email profile")


def test_role_follows_the_claim_at_each_sign_in_but_the_last_admin_stays(
    deps: Deps, browser: ConsoleClient, provider: Provider
) -> None:
    provider.claims["role"] = "leads"
    assert browser.http.get(back_from_provider(browser)).status_code == 303
    provider.claims["role"] = "operator"
    assert browser.http.get(back_from_provider(browser)).status_code == 303
    assert operators(deps) == [("anna@kontor.example", "admin")]
    create_operator(deps, "admin")
    assert browser.http.get(back_from_provider(browser)).status_code == 303
    assert dict(operators(deps))["anna@kontor.example"] == "operator"
    assert provider.asked[-1]["prompt"] == "login"


def test_verified_address_links_the_operator_once_and_the_subject_counts_from_then_on(
    deps: Deps, browser: ConsoleClient, provider: Provider
) -> None:
    provider.claims["email"] = create_operator(deps, "viewer")
    assert browser.http.get(back_from_provider(browser)).status_code == 303
    provider.claims["email"] = "renamed@kontor.example"
    assert browser.http.get(back_from_provider(browser)).status_code == 303
    assert operators(deps) == [("viewer@kontor.example", "operator")]
    provider.claims |= {"email": "viewer@kontor.example", "sub": "somebody else"}
    assert browser.http.get(back_from_provider(browser)).status_code == 403


def test_claims_that_are_not_for_this_sign_in_open_nothing(
    deps: Deps, browser: ConsoleClient, provider: Provider
) -> None:
    for claims, reason in FOREIGN_CLAIMS:
        provider.claims = dict(claims)
        refused = browser.http.get(back_from_provider(browser))
        assert (refused.status_code, reason in refused.text) == (403, True), claims
    assert operators(deps) == []


def unsigned(provider: Provider) -> str:
    payload = provider.signed("x").split(".")[1]
    header = base64.urlsafe_b64encode(json.dumps({"alg": "none"}).encode()).rstrip(b"=").decode()
    return f"{header}.{payload}."


def test_token_that_the_provider_did_not_sign_opens_nothing(
    deps: Deps, browser: ConsoleClient, provider: Provider
) -> None:
    provider.signing_key = ECKey.generate_key("P-256", {"kid": "1"}, private=True)
    assert browser.http.get(back_from_provider(browser)).status_code == 403
    for token in (unsigned(provider), "x", "a.b.c"):
        provider.token = token
        refused = browser.http.get(back_from_provider(browser))
        assert (refused.status_code, "not signed by the provider" in refused.text) == (403, True)
    assert operators(deps) == []


def test_answer_counts_only_in_the_browser_that_asked_and_only_once(
    deps: Deps, browser: ConsoleClient, provider: Provider
) -> None:
    back = back_from_provider(browser)
    with httpx.Client(base_url=browser.http.base_url, verify=False) as other:
        assert other.get(back).status_code == 403
    assert browser.http.get(back.replace("state=", "state=x")).status_code == 403
    assert browser.http.get(back).status_code == 303
    assert browser.http.get(back).status_code == 403


def test_disabled_operator_stays_out(deps: Deps, browser: ConsoleClient, provider: Provider) -> None:
    browser.http.get(back_from_provider(browser))
    with deps.sessions() as session:
        session.scalars(select(Operator)).one().disabled_at = deps.clock.now()
        session.commit()
    assert browser.http.get("/console").status_code == 303
    refused = browser.http.get(back_from_provider(browser))
    assert (refused.status_code, "disabled" in refused.text) == (403, True)


def test_provider_that_does_not_answer_is_said_on_the_page(browser: ConsoleClient, provider: Provider) -> None:
    back = back_from_provider(browser)
    provider.issuer = "http://127.0.0.1:1"
    for path in (START, back):
        refused = browser.http.get(path)
        assert (refused.status_code, "another issuer" in refused.text) == (403, True)


def test_pages_of_the_provider_are_not_there_without_one(visitor: ConsoleClient) -> None:
    assert START not in visitor.get("/console/login").text
    assert visitor.http.get(START).status_code == 404
    assert visitor.http.get(f"{START}/callback?code=x&state=y").status_code == 404
