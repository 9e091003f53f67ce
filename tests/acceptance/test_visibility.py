"""What a viewer never gets: every route, event, export, webhook and mail, on one data set with marked values."""

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import product
from typing import Any, Final
from uuid import UUID

import httpx
import pytest
from sqlalchemy import create_engine

from devtools.reference import openapi_document
from kontor.adapters.fakes import ManualClock
from kontor.http import visibility, visible_fields
from kontor.http.browsers import Browser
from kontor.http.keys import hash_key
from kontor.members import sessions
from kontor.members.sessions import Opened
from kontor.portal.app import paths
from kontor.webhooks.event_types import EVENTS
from models.accounts import Account
from tests.conftest import Servers, copied
from tests.support.api import Api, running_server
from tests.support.api_fixtures import build_deps
from tests.support.market import TRADE_VALUES, Market, Party, open_market, text_of
from workers.web_app import build

CLIENT_FIELDS: Final = re.compile(
    r'"(\w*wholesale\w*|reseller_fee|discount|percent|tiers?|turnover|promo_codes?|margin|balance|cost|below_cost|net|how'
    r"|terms|raw|suppressed|discount_as_of|charge\.\w+|payment\.\w+)\""
)
"""Names of fields and events that a client never gets (contract.md 7)."""
RESELLER_FIELDS: Final = re.compile(r'"(raw|worker)":')
PROVIDER_KEYS: Final = "SELECT id FROM api_keys WHERE reseller_id IS NULL AND account_id IS NULL"
NOTHING: Final = [str(UUID(int=1))]
FIXED: Final = {"name": ["market", "default"], "code": ["market"]}


@dataclass(frozen=True, slots=True)
class Onlooker:
    """Who looks, with which key, and what must not reach it."""

    name: str
    key: str
    forbidden: frozenset[str]
    fields: re.Pattern[str]

    def leaks(self, text: str) -> list[str]:
        """Return what reached it all the same."""
        return sorted({mark for mark in self.forbidden if mark in text} | set(self.fields.findall(text)))


@pytest.fixture(scope="module")
def market(servers: Servers, template: str) -> Iterator[Market]:
    """The data set, behind a server."""
    with copied(servers, template) as url, ThreadPoolExecutor(4) as threads:
        engine, clock = create_engine(url), ManualClock()
        deps = build_deps(engine, clock, threads)
        app = build(deps)
        with (
            running_server(app) as base,
            httpx.Client(base_url=base, timeout=30, verify=False) as http,
            open_market(Api(http, deps, app), clock) as world,
        ):
            yield world
        engine.dispose()


@pytest.fixture(scope="module")
def onlookers(market: Market) -> list[Onlooker]:
    """Both resellers and both of their clients, with keys of every scope."""
    provider = {str(row[0]) for row in market.rows(PROVIDER_KEYS)}
    looking: list[Onlooker] = []
    for party, other in product(market.parties.values(), repeat=2):
        if party is other:
            continue
        theirs = provider | other.secrets
        reseller_key = market.api.key(reseller_id=UUID(party.reseller))
        client_key = market.api.key(account_id=UUID(party.client))
        looking.append(Onlooker(party.word, reseller_key, frozenset(theirs), RESELLER_FIELDS))
        to_client = theirs | set(TRADE_VALUES) | {"Zephyr", "Client that moves", market.mover}
        looking.append(Onlooker(f"client of {party.word}", client_key, frozenset(to_client), CLIENT_FIELDS))
    return looking


def targets(market: Market, method: str) -> Iterator[str]:
    """Every `METHOD /path` of the API with every id of the data set."""
    ids: dict[str, list[str]] = {
        **FIXED,
        "product": ["line"],
        **{name: [str(UUID(int=1))] for name in ("run_id", "gap_id", "lease_id")},
    }
    ids["service_id"] = [str(row[0]) for row in market.rows("SELECT id FROM services")]
    ids["key_id"] = [str(row[0]) for row in market.rows("SELECT id FROM api_keys LIMIT 3")]
    ids["charge_id"] = [str(row[0]) for row in market.rows("SELECT id FROM charges")]
    ids["account_id"] = [market.mover]
    for party in market.parties.values():
        ids["product"] = [*ids["product"], f"own-{party.word}"]
        ids["account_id"] += [party.client, party.reseller]
        ids.setdefault("reseller_id", []).append(party.reseller)
        for name, values in party.ids.items():
            ids.setdefault(name, []).extend(values[:12])
    for path, item in openapi_document()["paths"].items():
        parameters = re.findall(r"{(\w+)}", path)
        if path.startswith("/v1/") and method.lower() in item:
            for chosen in product(*(ids[name] for name in parameters)):
                yield f"{method} {path.format(**dict(zip(parameters, chosen, strict=True)))}"


def test_no_read_route_gives_a_viewer_what_it_never_gets(market: Market, onlookers: list[Onlooker]) -> None:
    leaks: dict[str, list[str]] = {}
    read: dict[str, int] = {}
    for target, onlooker in product(targets(market, "GET"), onlookers):
        answer = market.api.call(target, key=onlooker.key)
        read[onlooker.name] = read.get(onlooker.name, 0) + answer.is_success
        if shown := onlooker.leaks(text_of(answer)):
            leaks[f"{onlooker.name}: {target}"] = shown

    assert leaks == {}
    assert read["alpha"] > 40
    assert read["client of alpha"] > 20


def pages_of(market: Market, account_id: str) -> Iterator[tuple[str, str]]:
    """Every page of the portal with every id of the data set, as the owner of an account gets it."""
    deps = market.api.deps
    with deps.sessions() as session:
        account = session.get_one(Account, account_id)
        new = sessions.open_session(session, Opened((account,)), Browser("127.0.0.1"), deps.clock.wall_time())
        session.commit()
    ids: dict[str, set[str]] = {"token": {"x"}, "number": {"0"}, "member_id": set(NOTHING), "offer_id": set()}
    ids |= {"template_id": set(), "account_id": {market.mover}, "client_id": {market.mover}, "order_id": set()}
    ids |= {"key_id": set(NOTHING), "product": {"line"}, "import_id": set(), "month": {market.month}}
    for name, table in (("service_id", "services"), ("endpoint_id", "webhook_endpoints"), ("charge_id", "charges")):
        ids[name] = {str(row[0]) for row in market.rows(f"SELECT id FROM {table}")}
    for party in market.parties.values():
        for name in ids.keys() & party.ids.keys():
            ids[name] |= set(party.ids[name][:6])
        ids["account_id"] |= {party.client, party.reseller}
        ids["client_id"] |= {party.client, party.reseller}
    for route, path in paths():
        names = re.findall(r"{(\w+)}", path)
        if route.method == "GET":
            for chosen in product(*(sorted(ids[name]) for name in names)):
                target = path.format(**dict(zip(names, chosen, strict=True)))
                answer = market.api.http.get(target, headers={"Cookie": f"__Host-session={new.secret}"})
                yield f"{target} {answer.status_code}", text_of(answer)


def test_no_page_of_the_portal_gives_its_visitor_what_it_never_gets(market: Market, onlookers: list[Onlooker]) -> None:
    by_name, leaks, seen = {onlooker.name: onlooker for onlooker in onlookers}, dict[str, list[str]](), set[str]()
    for party in market.parties.values():
        for name, account in ((party.word, party.reseller), (f"client of {party.word}", party.client)):
            for target, text in pages_of(market, account):
                seen |= {name} if target.endswith(" 200") else set()
                if shown := sorted(mark for mark in by_name[name].forbidden if mark in text):
                    leaks[f"{name}: {target}"] = shown

    assert leaks == {}
    assert seen == by_name.keys()


def test_no_write_route_gives_a_viewer_what_it_never_gets_and_each_write_names_its_key(
    market: Market, onlookers: list[Onlooker]
) -> None:
    by_name, leaks, done = {onlooker.name: onlooker for onlooker in onlookers}, dict[str, list[str]](), set[str]()
    unrecorded: list[str] = []
    for party in market.parties.values():
        for name, (line, body) in product((party.word, f"client of {party.word}"), writes(party)):
            before = acts_of(market, by_name[name].key)
            answer = market.api.call(line, body, key=by_name[name].key)
            done |= {name} if answer.is_success else set()
            if answer.is_success and "/v1/jobs" not in line and acts_of(market, by_name[name].key) != before + 1:
                unrecorded.append(f"{name}: {line}")
            if shown := by_name[name].leaks(answer.text):
                leaks[f"{name}: {line}"] = shown

    assert leaks == {}
    assert unrecorded == []
    assert done == by_name.keys()


def acts_of(market: Market, key: str) -> int:
    """Return how many rows of the audit log name a key, refusals aside."""
    query = f"""
        SELECT count(*) FROM audit_log AS a JOIN api_keys AS k ON a.actor = 'key:' || k.id
        WHERE k.secret_hash = '{hash_key(key)}' AND a.action <> 'access.refused'"""
    return int(market.rows(query)[0][0])


def writes(party: Party) -> list[tuple[str, Any]]:
    """Return what a reseller, and in part its client, may write."""
    client, reseller, own = party.client, party.reseller, f"own-{party.word}"
    lines = [{"product": own, "count": 1, "mode": "relative", "term": "P1Y"}]
    new_key = {"name": "again", "scopes": ["read"], "account_id": client}
    return [
        (f"PATCH /v1/accounts/{client}", {"locale": "de"}),
        (f"POST /v1/accounts/{client}/products", {"product": "line"}),
        (f"PATCH /v1/accounts/{client}/products/line", {"retail_fee": {"amount": "1.00", "currency": "EUR"}}),
        (f"PUT /v1/accounts/{client}/subscription", {"plan": "pro"}),
        (f"PUT /v1/accounts/{client}/brand", {"name": f"Brand of {party.word}"}),
        (f"PUT /v1/accounts/{client}/instance", {"url": f"https://customer.example/{client}"}),
        (f"PATCH /v1/resellers/{reseller}/products/{own}", {"name": f"Own {party.word} renamed"}),
        (f"POST /v1/resellers/{reseller}/orders", {"product": "handset", "order_ref": f"ORDER-{party.word}-2"}),
        ("POST /v1/offers", {"reseller_id": reseller, "account_id": client, "lines": lines}),
        ("POST /v1/offer-templates", {"reseller_id": reseller, "name": "Another", "lines": lines}),
        (f"POST /v1/offers/{party.ids['offer_id'][1]}/accept", {}),
        (f"POST /v1/offers/{party.ids['offer_id'][1]}/cancel", {}),
        ("POST /v1/keys", new_key),
        ("POST /v1/jobs?wait=0.1", {"task": "probe.echo", "args": {}}),
        ("POST /v1/jobs/bulk", {"action": "cancel", "filter": {}, "dry_run": True}),
    ]


def test_arguments_of_kontors_own_tasks_reach_operators_alone(market: Market, onlookers: list[Onlooker]) -> None:
    for onlooker in onlookers:
        jobs = market.api.ok("GET /v1/jobs", key=onlooker.key)["items"]
        assert {job["task"] for job in jobs if job["args"] or job["result"]} <= {"probe.echo"}
    alpha = market.parties["alpha"]
    [delivery] = market.ok(f"GET /v1/jobs?task=offers.deliver&args.offer_id={alpha.ids['offer_id'][0]}")["items"]
    search = f"GET /v1/jobs?args.offer_id={delivery['args']['offer_id']}"

    assert market.api.ok(search, key=onlookers[0].key)["items"] == []


def test_every_mark_of_the_data_set_is_shown_to_an_operator(market: Market) -> None:
    everything = "\n".join(text_of(market.api.call(target, key=market.key)) for target in targets(market, "GET"))
    marks = {mark for party in market.parties.values() for mark in party.secrets} | {*TRADE_VALUES, "Zephyr"}

    assert {mark for mark in marks if mark not in everything} == set()


def test_every_event_that_happened_says_who_sees_each_of_its_data(market: Market) -> None:
    rows = market.rows("SELECT DISTINCT type, jsonb_object_keys(data) FROM domain_events")
    unmarked = {
        f"{event}.{name}"
        for event, name in rows
        if event not in visible_fields.EVENTS or name not in visibility.readers_of(visible_fields.EVENTS[event])
    }

    assert unmarked == set()
    assert {"charge.created", "discount.changed", "offer.accepted", "quota.exceeded"} <= {event for event, _ in rows}


def test_every_event_that_happened_is_as_its_schema_says(market: Market) -> None:
    happened = market.rows("SELECT type, data FROM domain_events")
    assert [EVENTS[name].data.model_validate(data) for name, data in happened]


def test_no_webhook_or_call_to_an_instance_tells_its_receiver_what_it_never_gets(
    market: Market, onlookers: list[Onlooker]
) -> None:
    by_name = {onlooker.name: onlooker for onlooker in onlookers}
    for party in market.parties.values():
        hooked = market.posted(f"https://hooks.example/{party.word}").decode()
        called = market.posted(f"https://customer.example/{party.client}").decode()

        assert "charge.created" in hooked
        assert f"own-{party.word}" in called
        assert by_name[party.word].leaks(hooked) == []
        assert by_name[f"client of {party.word}"].leaks(called) == []


def test_no_mail_or_page_tells_a_client_what_it_never_gets(market: Market, onlookers: list[Onlooker]) -> None:
    by_name = {onlooker.name: onlooker for onlooker in onlookers}
    for party in market.parties.values():
        address = market.ok(f"GET /v1/accounts/{party.client}")["admin_email"]
        mailed = market.mailed(address)
        links = re.findall(r"https?://[^/\s]+(/offers/[^\s\"<]+)", mailed)
        pages = "\n".join(market.api.http.get(link).text for link in dict.fromkeys(links))

        assert f"message {party.word}" in mailed
        assert f"Own {party.word}" in pages
        assert by_name[f"client of {party.word}"].leaks(mailed) == []
        assert by_name[f"client of {party.word}"].leaks(pages) == []


def test_next_reseller_reads_nothing_of_the_former_one_and_changes_none_of_it(market: Market) -> None:
    alpha, beta = market.parties.values()
    key = market.api.key(reseller_id=UUID(beta.reseller))

    def call(line: str, body: Any = None) -> tuple[int, Any]:
        answer = market.api.call(line, body, key=key)
        return answer.status_code, answer.json()

    account = f"/v1/accounts/{market.mover}"
    assert call(f"GET {account}")[0] == 200
    assert call(f"GET {account}/updates")[1] == {"items": [], "next": None, "count": 0}
    assert call(f"GET {account}/products")[1]["items"] == []
    assert [row["product"] for row in call(f"GET {account}/licences")[1]["items"]] == []
    assert call(f"PATCH {account}/products/line", {"retail_fee": None})[0] == 404
    mails = call(f"GET /v1/mails?account={market.mover}")[1]["items"]
    assert [row["template"] for row in mails] == ["account-connected"]
    assert {call(f"GET /v1/jobs/{job}")[0] for job in alpha.ids["job_id"]} == {404}
    assert {call(f"POST /v1/offers/{offer}/accept")[0] for offer in alpha.ids["offer_id"]} == {404}
    states = market.rows("SELECT state, reason FROM offers WHERE account_id = :id ORDER BY id", id=market.mover)
    assert [tuple(row) for row in states] == [("accepted", None), ("cancelled", "account_moved")]
