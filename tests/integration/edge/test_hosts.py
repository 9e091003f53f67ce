"""What each host serves, the headers of every answer, and who may ask for metrics and certificates."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from uuid import UUID

import httpx
import pytest

from kontor.accounts import activation, domains
from kontor.audit import Actor
from kontor.context import Context
from kontor.http import hosts
from kontor.http.context import Deps
from kontor.kernel.edge import DEFENCES, HSTS
from kontor.kernel.states import OfferEvent
from kontor.offers.notifications import make_decision_token
from kontor.offers.transitions import transition
from models.accounts import Account
from models.offers import Offer
from tests.support.api import Api, ResellerAccounts, create_reseller_with_client, running_server
from tests.support.wiring import apply_example
from workers.web_app import build

DOMAIN = "learn.elbe.example"
LINE = {"product": "excel-basics", "count": 5, "mode": "relative", "term": "P1Y"}
WORDS = ("kontor", "swagger", "learning")
"""Names of Kontor and of the provider, in lower case."""


@dataclass(frozen=True, slots=True)
class Site:
    """A client of another host's: sends any Host header to the running application."""

    http: httpx.Client
    mine: ResellerAccounts
    others: ResellerAccounts
    deps: Deps

    def get(self, host: str, path: str, **headers: str) -> httpx.Response:
        """Get a path on a host."""
        return self.http.get(path, headers={"Host": host, **headers})

    def activation_path(self, account_id: UUID) -> str:
        """The path of a fresh activation link."""
        with self.deps.sessions() as session:
            version = session.get_one(Account, account_id).email_version
        expires_at = self.deps.clock.wall_time() + timedelta(days=1)
        return f"/activate/{activation.make_token(self.deps.tokens, account_id, version, expires_at)}"


@pytest.fixture
def site(api: Api, deps: Deps) -> Iterator[Site]:
    """Two resellers, of which one has a verified domain, on a deployment whose staff has a host of its own."""
    with deps.sessions() as session:
        apply_example(session, "learning", deps.clock)
        session.commit()
    mine, others = create_reseller_with_client(api, "elbe"), create_reseller_with_client(api, "weser")
    api.ok(f"PUT /v1/accounts/{mine.client}/brand", {"domain": DOMAIN})
    with deps.sessions() as session:
        account = session.get_one(Account, mine.client)
        domains.verify_manually(Context(deps.jobs), session, DOMAIN, account, Actor("test"))
        session.commit()
    apart = replace(deps, public_url="https://kontor.example", console_url="https://staff.kontor.example")
    app = build(apart)
    apart_hosts = app.state.hosts
    with running_server(app) as url, httpx.Client(base_url=url, timeout=30, verify=False) as http:
        app.state.hosts = apart_hosts
        yield Site(http, mine, others, deps)


SERVED = (
    ("staff.kontor.example", "/console/login", 200),
    ("staff.kontor.example", "/", 302),
    ("staff.kontor.example", "/openapi.json", 200),
    ("staff.kontor.example", "/v1/jobs", 404),
    ("staff.kontor.example", "/offers/x", 404),
    ("kontor.example", "/console/login", 404),
    ("kontor.example", "/metrics", 404),
    ("kontor.example", "/", 303),
    *(("kontor.example", path, 303) for path in ("/account", "/partner", "/updates")),
    *((host, "/login", 200) for host in ("kontor.example", DOMAIN)),
    *(("staff.kontor.example", path, 404) for path in ("/login", "/account", "/partner", "/as/x/account")),
    *((DOMAIN, path, 404) for path in ("/partner", "/signup", "/as/x/account")),
    *((DOMAIN, path, 303) for path in ("/", "/account", "/updates")),
    ("kontor.example", "/v1/jobs", 401),
    ("kontor.example:443", "/openapi.json", 200),
    ("kontor.example", "/internal/tls-allowed", 404),
    *((DOMAIN, path, 404) for path in ("/console", "/console/login", "/docs", "/openapi.json", "/v1/jobs")),
    *((DOMAIN, path, 404) for path in ("/metrics", "/console/static/console.css", "/unknown", "/offers/x")),
    *((host, "/", 421) for host in ("evil.example", "learn.weser.example", "", "127.0.0.1", "[::1]")),
    *((host, "/healthz", 200) for host in (DOMAIN, "evil.example", "kontor.example")),
    ("evil.example", "/readyz", 200),
)


def test_host_serves_its_own_pages_only(site: Site) -> None:
    for host, path, status in SERVED:
        forwarded = {"X-Forwarded-For": "192.0.2.1"} if path.startswith("/internal") else {}
        answered = site.get(host, path, **forwarded)

        assert answered.status_code == status, (host, path, answered.status_code)
        assert DEFENCES.keys() <= answered.headers.keys(), (host, path)
        assert "set-cookie" not in answered.headers or host.startswith("staff") or path == "/login"
        if status == 421:
            assert answered.content == b""
        if host == DOMAIN:
            said = f"{answered.headers} {answered.text}".lower()
            assert not [word for word in WORDS if word in said], (path, said)
        elif host.endswith("kontor.example"):
            assert answered.headers["strict-transport-security"] == HSTS


def test_page_of_a_client_is_served_on_its_resellers_domain_in_its_brand(site: Site) -> None:
    answered = site.get(DOMAIN, site.activation_path(site.mine.client))

    assert answered.status_code == 200
    assert "elbe" in answered.text
    assert not [word for word in WORDS if word in f"{answered.headers} {answered.text}".lower()]


def test_page_of_anothers_client_is_unknown_on_a_domain_and_changes_nothing(site: Site) -> None:
    path = site.activation_path(site.others.client)
    assert site.get(DOMAIN, path).status_code == 404
    assert site.http.post(path, headers={"Host": DOMAIN}).status_code == 404
    with site.deps.sessions() as session:
        assert session.get_one(Account, site.others.client).activated_at is None
    assert site.get("kontor.example", path).status_code == 200


def test_offer_of_anothers_client_is_unknown_on_a_domain_and_stays_open(site: Site, api: Api) -> None:
    new = {"reseller_id": str(site.others.reseller), "account_id": str(site.others.client), "lines": [LINE]}
    offer_id = UUID(api.ok("POST /v1/offers", new)["id"])
    with site.deps.sessions() as session:
        offer = session.get_one(Offer, offer_id)
        transition(site.deps.context(site.deps.jobs), session, offer, OfferEvent.DELIVERED, "test")
        account = session.get_one(Account, offer.account_id)
        path = f"/offers/{make_decision_token(site.deps.tokens, offer, account)}"
        session.commit()
    assert site.get(DOMAIN, path).status_code == 404
    assert site.http.post(path, headers={"Host": DOMAIN}, data={"decision": "accept"}).status_code == 404
    with site.deps.sessions() as session:
        assert session.get_one(Offer, offer_id).state == "waiting_for_confirmation"


def test_domain_is_asked_of_the_database_once_for_many_requests(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[list[str]] = []
    query = hosts.DomainOwners._query

    def counted(self: hosts.DomainOwners, names: list[str]) -> object:
        asked.append(names)
        return query(self, names)

    monkeypatch.setattr(hosts.DomainOwners, "_query", counted)
    for _ in range(20):
        assert site.get("evil.example", "/").status_code == 421
        assert site.get("kontor.example", "/v1/jobs").status_code == 401
    assert len(asked) <= 2


def test_certificate_is_allowed_for_verified_domains_alone(site: Site) -> None:
    assert site.get("127.0.0.1", f"/internal/tls-allowed?domain={DOMAIN}").status_code == 200
    for domain in ("learn.weser.example", "evil.example", "", "x" * 300):
        assert site.get("127.0.0.1", f"/internal/tls-allowed?domain={domain}").status_code == 404
    forwarded = site.get("127.0.0.1", f"/internal/tls-allowed?domain={DOMAIN}", **{"X-Forwarded-For": "192.0.2.1"})
    assert forwarded.status_code == 421


def test_metrics_are_for_callers_on_this_machine_unless_there_is_a_token(api: Api, deps: Deps) -> None:
    assert api.http.get("/metrics").status_code == 200
    for header in ("X-Forwarded-For", "Forwarded", "Via", "X-Real-IP"):
        assert api.http.get("/metrics", headers={header: "127.0.0.1"}).status_code == 403
    secret = "a token of sixteen or more"
    with (
        running_server(build(replace(deps, metrics_token=secret))) as url,
        httpx.Client(base_url=url, verify=False) as http,
    ):
        assert http.get("/metrics").status_code == 401
        assert http.get("/metrics", headers={"Authorization": "Bearer wrong"}).status_code == 401
        right = {"Authorization": f"Bearer {secret}", "X-Forwarded-For": "192.0.2.1"}
        assert http.get("/metrics", headers=right).status_code == 200


def test_unexpected_error_is_500_and_the_connection_goes_on(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hosts.Hosts, "is_https", lambda *_: 1 / 0)
    failed = api.http.get("/healthz")

    assert (failed.status_code, failed.json()["code"]) == (500, "internal")
    assert DEFENCES.keys() <= failed.headers.keys()
    assert "connection" not in failed.headers
    monkeypatch.undo()
    assert api.http.get("/healthz").status_code == 200


def test_docs_load_every_file_from_this_host(api: Api) -> None:
    page = api.http.get("/docs")
    policy = page.headers["content-security-policy"]

    assert "//" not in page.text
    assert "'unsafe-inline'" not in policy
    assert re.findall(r"<script>|style=|\son\w+=", page.text) == []
    for path in re.findall(r'(?:src|href)="(/[^"]+)"', page.text):
        asset = api.http.get(path)
        assert (asset.status_code, asset.headers["x-content-type-options"]) == (200, "nosniff"), path
