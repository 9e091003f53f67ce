"""A sandbox beside live accounts: a year of it takes a minute, and nothing of it reaches what is live."""

import hashlib
import json
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import psycopg
import pytest

from kontor.adapters.database_url import libpq_url
from tests.acceptance.test_up import KONTOR, Up, clean_environment, first_key
from tests.support.polling import wait_for

PROGRAMME = """
name: Cloud
locale: en
currency: EUR
timezone: UTC
terms: {version: "1"}
sender: {name: Cloud, address: noreply@cloud.example}
plans:
  free: {name: Free}
  basic: {name: Basic, price: "19.00"}
discount:
  kind: turnover
  families: [server]
  tiers: [{name: Bronze, from: 100, percent: {server: 10}}]
products:
  server: {name: Server, family: server, price: "80.00"}
  vps:
    name: VPS
    price: "8.00"
    provisioning: {create: vps.create, terminate: vps.terminate}
"""
BUSINESS = (
    "accounts", "account_book", "charges", "clock", "discounts", "domain_events", "mails", "mail_recipients",
    "offers", "orders", "payments", "programmes", "services", "statements", "task_types", "webhook_endpoints",
    "webhook_deliveries",
)  # fmt: skip
DAY, MONTH = timedelta(days=1), timedelta(days=31)


class Caller:
    """One key's calls."""

    def __init__(self, up: Up, key: str) -> None:
        self.http = httpx.Client(base_url=up.url, headers={"Authorization": f"Bearer {key}"}, timeout=90, verify=False)

    def __call__(self, line: str, body: Any = None) -> httpx.Response:
        method, target = line.split(" ", 1)
        return self.http.request(method, f"/v1/{target}", json=body)

    def ok(self, line: str, body: Any = None) -> Any:
        answer = self(line, body)
        assert answer.is_success, answer.text
        return answer.json()

    def apply(self) -> None:
        headers = {"Content-Type": "application/yaml"}
        answer = self.http.post("/v1/programmes/cloud", content=PROGRAMME, headers=headers)
        assert answer.is_success, answer.text

    def reseller(self, name: str) -> str:
        new = {"programme": "cloud", "name": name, "admin_email": f"desk@{name.lower()}.example"}
        account: str = self.ok("POST accounts", new)["id"]
        self.ok(f"POST accounts/{account}/become-reseller")
        return account

    def client(self, reseller: str, name: str) -> str:
        new = {"name": name, "admin_email": f"admin@{name.lower()}.example"}
        account: str = self.ok(f"POST resellers/{reseller}/clients", new)["id"]
        return account


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    """Kontor with a sandbox."""
    with ExitStack() as stack:
        up = Up(tmp_path_factory.mktemp("sandbox") / "data", "--sandbox")
        stack.callback(lambda: up.process.poll() is None and up.end(signal.SIGTERM))
        yield up


@pytest.fixture(scope="module")
def live(up: Up) -> Iterator[Caller]:
    caller = Caller(up, first_key(up))
    with caller.http:
        yield caller


@pytest.fixture(scope="module")
def tried(up: Up) -> Iterator[Caller]:
    caller = Caller(up, json.loads((up.data_dir / "sandbox-key.json").read_text())["api_key"])
    with caller.http:
        yield caller


def fingerprints(up: Up) -> dict[str, str]:
    """A hash of each business table of the live database."""
    url = libpq_url(json.loads((up.data_dir / "servers.json").read_text())["database_url"])
    with psycopg.connect(url) as connection:
        hashes = {}
        for table in BUSINESS:
            rows = connection.execute(f"SELECT md5(string_agg(t::text, '' ORDER BY t::text)) FROM {table} t").fetchone()
            assert rows is not None
            hashes[table] = rows[0] or ""
        return hashes


def caught(up: Up) -> str:
    """A hash of the names of the mails that the live deployment sent."""
    return hashlib.sha256("".join(sorted(path.name for path in (up.data_dir / "mail").rglob("*"))).encode()).hexdigest()


def test_year_in_the_sandbox_takes_a_minute_and_live_accounts_notice_nothing(
    up: Up, live: Caller, tried: Caller
) -> None:
    live.apply()
    provider = live.reseller("Liveshop")
    live.ok(f"PUT accounts/{live.client(provider, 'Livecustomer')}/subscription", {"plan": "basic"})
    live_mails(live)
    before, mails = fingerprints(up), caught(up)

    begun = time.monotonic()
    tried.apply()
    reseller = tried.reseller("Tryshop")
    client = tried.client(reseller, "Trycustomer")
    tried.ok(f"PUT accounts/{client}/instance", {"url": "https://nowhere.invalid/kontor"})
    tried.ok(f"PUT accounts/{client}/subscription", {"plan": "basic"})
    tried.ok("PUT task-types/vps.create", {"handler": {"pull": True}, "args": {"type": "object"}})
    tried.ok(
        "PUT task-types/vps.terminate", {"handler": {"push": "https://nowhere.invalid/"}, "args": {"type": "object"}}
    )
    service = tried.ok(f"POST resellers/{reseller}/orders", {"product": "vps", "order_ref": "T-1"})["service_id"]
    now = datetime.fromisoformat(tried.ok("GET clock")["now"])
    pay = {"amount": {"amount": "300.00", "currency": "EUR"}, "paid_at": now.isoformat(), "reference": "T-1"}
    tried.ok(f"POST resellers/{reseller}/payments", {**pay, "kind": "payment"})
    for month in range(1, 13):
        moved = tried("POST clock", {"now": (now + month * MONTH).isoformat(), "settle": True})
        assert moved.status_code == 200, moved.text
    took = time.monotonic() - begun

    assert len(tried.ok(f"GET resellers/{reseller}/charges?limit=1000")["items"]) >= 12
    assert tried.ok(f"GET services/{service}")["state"] == "active"
    assert {mail["state"] for mail in tried.ok("GET mails?limit=1000")["items"]} == {"sent"}
    assert fingerprints(up) == before
    assert caught(up) == mails
    assert took < 60


def live_mails(live: Caller) -> None:
    """Wait until the live mails are sent."""
    wait_for(lambda: {mail["state"] for mail in live.ok("GET mails")["items"]} == {"sent"})


def test_key_made_in_the_sandbox_leads_to_the_sandbox_and_no_live_key_does(live: Caller, tried: Caller) -> None:
    new = {"name": "one more", "scopes": ["read"]}
    assert tried.ok("POST keys", new)["secret"].startswith("kontor_test_")
    assert not live.ok("POST keys", new)["secret"].startswith("kontor_test_")
    assert {key["name"] for key in tried.ok("GET keys")["items"]} == {"first start", "one more"}


def test_clock_is_the_sandboxs_alone(live: Caller, tried: Caller) -> None:
    assert (live("GET clock").status_code, tried("GET clock").status_code) == (404, 200)


def test_pages_and_metrics_are_live_whatever_key_is_sent(up: Up, tried: Caller) -> None:
    for path in ("/metrics", "/healthz", "/openapi.json"):
        assert tried.http.get(path).text[:40] == httpx.get(f"{up.url}{path}").text[:40]


def test_reset_empties_the_sandbox_and_nothing_else(up: Up, live: Caller, tried: Caller) -> None:
    live.apply()
    kept = live.reseller("Keptshop")
    live_mails(live)
    before = fingerprints(up)
    done = subprocess.run(
        [KONTOR, "sandbox", "reset", "--json"], env=clean_environment(up.data_dir), capture_output=True, check=True
    )
    assert json.loads(done.stdout)["emptied"] > 0
    assert tried.ok("GET accounts")["items"] == []
    assert datetime.fromisoformat(tried.ok("GET clock")["now"]) - datetime.now(UTC) < timedelta(minutes=1)
    tried.apply()
    tried.client(tried.reseller("Againshop"), "Againcustomer")
    moved = tried("POST clock", {"now": (datetime.now(UTC) + DAY).isoformat(), "settle": True})
    assert moved.status_code == 200, moved.text
    assert fingerprints(up) == before
    assert kept in {account["id"] for account in live.ok("GET accounts")["items"]}
