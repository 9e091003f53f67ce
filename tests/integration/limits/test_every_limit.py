"""Every limit of security.md 2, hit from outside: refused with its headers and counted, or held, folded, delayed."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from devtools.source import ROOT
from kontor.adapters.fakes import ManualClock
from kontor.audit import Actor
from kontor.kernel import limits as table
from kontor.kernel.limits import LIMITS, Limit
from kontor.limits import service as limits
from models.mails import Mail
from tests.support.api import Api, ResellerAccounts
from tests.support.console import ConsoleClient

LINES = [{"product": "excel-basics", "count": 1, "mode": "absolute", "term": "P1Y"}]
PROBE = {"task": "probe.echo", "args": {}}
HIT_ELSEWHERE = {
    "mails_to_address": "tests/integration/mails/test_folding.py",
    "names_at_once": "tests/integration/limits/test_names.py",
    "waiting": "tests/integration/limits/test_rates.py",
    "body_bytes": "tests/integration/edge/test_bodies.py",
    "waiting_process": "tests/unit/services/test_call_limits.py",
    "sign_in_links": "tests/integration/portal/test_sign_in.py",
    "merge_requests": "tests/integration/portal/test_merge_requests.py",
    "offer_mails_again": "tests/integration/portal/test_partner_offers.py",
}
"""Limits of what is under way at once, which take threads to hit, of folded mails, and of pages."""
HELD = ("mails_to_strangers_first_week", "mails_to_strangers")


@dataclass(frozen=True, slots=True)
class Scene:
    """A reseller with a client, its key, and a browser nobody has signed in with."""

    api: Api
    accounts: ResellerAccounts
    key: str
    browser: ConsoleClient

    def lower(self, limit: Limit, value: int | None) -> None:
        """Set the limit for all; None restores the default."""
        with self.api.deps.sessions() as session:
            limits.set_limit(session, limit.name, value, Actor("test"), self.api.deps.clock.now())
            session.commit()

    def call(self, line: str, body: Any = None) -> httpx.Response:
        """Call as the reseller."""
        return self.api.call(line, body, key=self.key)

    def new_client(self, number: int) -> httpx.Response:
        """Make a client at an address of its own."""
        body = {"name": f"Client {number}", "admin_email": f"c{number}@weser.example"}
        return self.call(f"POST /v1/resellers/{self.accounts.reseller}/clients", body)

    def states(self, template: str) -> list[str]:
        """The states of the mails of a template, oldest first."""
        with self.api.deps.sessions() as session:
            return list(session.scalars(select(Mail.state).where(Mail.template == template).order_by(Mail.id)))


@pytest.fixture
def scene(api: Api, make_accounts: Callable[[str], ResellerAccounts]) -> Iterator[Scene]:
    accounts = make_accounts("elbe")
    key = api.key("read", "enqueue", reseller_id=accounts.reseller)
    with httpx.Client(base_url=api.http.base_url, timeout=30, verify=False) as http:
        yield Scene(api, accounts, key, ConsoleClient(http))


def offer(scene: Scene) -> httpx.Response:
    """Send an offer to the client."""
    body = {"reseller_id": str(scene.accounts.reseller), "account_id": str(scene.accounts.client), "lines": LINES}
    return scene.call("POST /v1/offers", body)


def address(scene: Scene, number: int) -> httpx.Response:
    """Change the client's address."""
    return scene.call(f"PATCH /v1/accounts/{scene.accounts.client}", {"admin_email": f"a{number}@elbe.example"})


def endpoint(scene: Scene, number: int) -> httpx.Response:
    """Make a webhook endpoint."""
    return scene.call("POST /v1/webhook-endpoints", {"url": f"https://hook.example/{number}", "events": ["*"]})


def rate(scene: Scene, *scopes: str) -> httpx.Response:
    """Send requests of a fresh key until one is refused."""
    key = scene.api.key(*scopes)
    answers = (scene.api.call("GET /v1/tasks", key=key) for _ in range(20))
    return next(answer for answer in answers if answer.status_code == 429)


def guess(scene: Scene, accounts: int) -> httpx.Response:
    """Fail to sign in to so many accounts in turn until that is refused."""
    for number in range(60):
        answer = scene.browser.sign_in(f"nobody{accounts}-{number % accounts}@kontor.example", "a guess")
        if answer.status_code == 429:
            return answer
    raise AssertionError


BEYOND: dict[str, tuple[int, Callable[[Scene], httpx.Response]]] = {
    "activation_mails": (1, lambda scene: scene.call(f"POST /v1/accounts/{scene.accounts.client}/activation")),
    "address_changes": (1, lambda scene: [address(scene, number) for number in (1, 2)][-1]),
    "clients": (1, lambda scene: scene.new_client(1)),
    "offers_open": (1, lambda scene: [offer(scene) for _ in (1, 2)][-1]),
    "offers_sent": (1, lambda scene: [offer(scene) for _ in (1, 2)][-1]),
    "webhook_endpoints": (1, lambda scene: [endpoint(scene, number) for number in (1, 2)][-1]),
    "api_rate": (1, lambda scene: rate(scene, "read")),
    "api_rate_operators": (1, lambda scene: rate(scene, "read", "operate")),
    "jobs_unfinished": (1, lambda scene: scene.call("POST /v1/jobs/batch", {"jobs": [PROBE] * 2})),
    "sign_in_account": (3, lambda scene: guess(scene, 1)),
    "sign_in_network": (9, lambda scene: guess(scene, 60)),
}
"""By limit: the value set for the test, and the call beyond it."""


def test_every_limit_of_the_table_is_hit() -> None:
    assert [limit.name for limit in LIMITS if limit.name not in {*BEYOND, *HELD, *HIT_ELSEWHERE}] == []
    assert [path for path in HIT_ELSEWHERE.values() if not (ROOT / path).is_file()] == []


def test_caller_is_refused_with_headers_and_counted_when_it_exceeds(scene: Scene) -> None:
    for name, (value, exceed) in BEYOND.items():
        limit = table.limit_named(name)
        scene.lower(limit, value)
        assert_refused(scene, limit, value, exceed(scene))
        scene.lower(limit, None)


def assert_refused(scene: Scene, limit: Limit, allowed: int, refused: httpx.Response) -> None:
    name = limit.name
    assert refused.status_code == 429, refused.text
    seconds = int(refused.headers["Retry-After"])
    assert 1 <= seconds <= (limit.window or timedelta(hours=1)).total_seconds()
    window = "" if limit.window is None else f";w={int(limit.window.total_seconds())}"
    assert refused.headers["RateLimit-Policy"] == f'"{name}";q={allowed}{window}'
    assert refused.headers["RateLimit"] == f'"{name}";r=0;t={seconds}'
    assert (refused.headers["RateLimit-Limit"], refused.headers["RateLimit-Remaining"]) == (str(allowed), "0")
    if refused.headers["Content-Type"] == "application/problem+json":
        problem = refused.json()
        assert (problem["code"], problem["limit"], problem["allowed"]) == ("too_many", name, allowed)
    scraped = scene.api.http.get("/metrics").text
    counted = re.search(rf'^kontor_limit_refusals_total{{limit="{name}"}} (\S+)$', scraped, re.MULTILINE)
    assert counted is not None
    assert float(counted[1]) >= 1


@pytest.mark.parametrize("limit", [table.STRANGERS_FIRST_WEEK, table.STRANGERS], ids=lambda limit: limit.name)
def test_mails_to_strangers_wait_and_are_said_when_there_are_too_many(
    scene: Scene, limit: Limit, clock: ManualClock
) -> None:
    if limit is table.STRANGERS:
        clock.advance(timedelta(days=8))
    scene.lower(limit, 1 if limit is table.STRANGERS else 2)
    answers = [scene.new_client(number) for number in (1, 2, 3)]
    assert [answer.status_code for answer in answers] == [201] * 3
    assert [answer.json()["mail"] for answer in answers] == ["sent", "held", "held"]
    assert scene.states("activation") == ["queued", "queued", "held_limit", "held_limit"]
    assert "kontor_mails_held 2.0" in scene.api.http.get("/metrics").text
