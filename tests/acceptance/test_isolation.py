"""Data of another reseller is invisible to a bound key: every route of the OpenAPI document is tried."""

import re
from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID, uuid4

import pytest

from devtools.reference import openapi_document
from kontor.accounts import client_import
from kontor.accounts.payloads import FileRow
from kontor.audit import Actor
from kontor.http.browsers import Browser
from kontor.members import sessions
from kontor.members.sessions import Opened
from kontor.portal.app import paths
from models.accounts import Account
from tests.support.api import Api, ResellerAccounts
from tests.support.charges import stated_charge

LINE = {"product": "excel-basics", "count": 5, "mode": "absolute", "term": "P1Y"}
PROVIDERS = {"name", "code", "product"}
"""Path parts that name what belongs to the provider: queues, schedules, programmes, products."""

OTHERS_IN_BODY: dict[str, Callable[[ResellerAccounts, dict[str, str]], dict[str, Any]]] = {
    "POST /v1/offers": lambda theirs, _: {
        "reseller_id": str(theirs.reseller),
        "account_id": str(theirs.client),
        "lines": [LINE],
    },
    "POST /v1/offer-templates": lambda theirs, _: {
        "reseller_id": str(theirs.reseller),
        "name": "Mine",
        "lines": [LINE],
    },
    "POST /v1/keys": lambda theirs, _: {"name": "x", "scopes": ["read"], "account_id": str(theirs.client)},
    "POST /v1/webhook-endpoints": lambda theirs, _: {
        "url": "https://hooks.example/in",
        "events": ["*"],
        "reseller_id": str(theirs.reseller),
    },
}
NAMES_NOBODY = {
    "GET /v1/tasks",
    "GET /v1/queues",
    "GET /v1/schedules",
    "GET /v1/clock",
    "POST /v1/clock",
    "POST /v1/accounts",
    "POST /v1/jobs",
    "POST /v1/jobs/batch",
    "POST /v1/jobs/bulk",
    "POST /v1/discount-runs",
    "POST /v1/leases",
}
"""Routes that name nobody's resources: jobs get the tenant of their key, the rest is the provider's."""


def operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """(method, path, operation) of every call of `/v1`."""
    for path, item in openapi_document()["paths"].items():
        for method, operation in item.items():
            if path.startswith("/v1/"):
                yield method.upper(), path, operation


def create_resources(api: Api, accounts: ResellerAccounts, word: str) -> dict[str, str]:
    """Create one of everything a reseller can have; returns ids by path parameter."""
    key = api.key()
    body = {"reseller_id": str(accounts.reseller), "name": word, "lines": [LINE]}
    template = api.ok("POST /v1/offer-templates", body, key=key)["id"]
    new = {"reseller_id": str(accounts.reseller), "account_id": str(accounts.client), "template_id": template}
    offer = api.ok("POST /v1/offers", new, key=key)["id"]
    hook = {"url": "https://hooks.example/in", "events": ["*"], "reseller_id": str(accounts.reseller)}
    endpoint = api.ok("POST /v1/webhook-endpoints", hook, key=key)["id"]
    job = {"task": "probe.echo", "args": {}, "tenant": str(accounts.reseller)}
    member = {"email": f"{word}@member.example", "role": "viewer"}
    new_key = {"name": "theirs", "scopes": ["read"], "account_id": str(accounts.client)}
    return {
        "account_id": str(accounts.client),
        "reseller_id": str(accounts.reseller),
        "template_id": template,
        "offer_id": offer,
        "endpoint_id": endpoint,
        "job_id": api.ok("POST /v1/jobs", job, key=key)["id"],
        "key_id": api.ok("POST /v1/keys", new_key, key=key)["id"],
        "run_id": str(uuid4()),
        "gap_id": str(uuid4()),
        "mail_id": api.ok(f"GET /v1/mails?account={accounts.client}", key=key)["items"][0]["id"],
        "product": "excel-basics",
        "charge_id": str(charged(api, accounts)),
        "payment_id": paid(api, accounts),
        "unmatched_id": str(uuid4()),
        "domain": claimed(api, accounts),
        **ordered(api, accounts),
        "member_id": api.ok(f"POST /v1/accounts/{accounts.client}/members", member, key=key)["id"],
        "lease_id": str(uuid4()),
    }


def begun_import(api: Api, reseller: UUID) -> str:
    """Begin an import of clients; return its id."""
    with api.deps.sessions() as session:
        row = FileRow(2, {"name": "Imported", "admin_email": "imported@kunden.example"})
        ctx = api.deps.context(api.deps.jobs)
        begun = client_import.enqueue(ctx, session, session.get_one(Account, reseller), [row], uuid4(), Actor("test"))
        session.commit()
    return str(begun)


def ordered(api: Api, accounts: ResellerAccounts) -> dict[str, str]:
    """Order a product for the client; return the order and its service."""
    body = {"product": "excel-basics", "order_ref": "O", "account_id": str(accounts.client)}
    order = api.ok(f"POST /v1/resellers/{accounts.reseller}/orders", body)["id"]
    (service,) = api.ok(f"GET /v1/services?reseller={accounts.reseller}")["items"]
    return {"order_id": order, "service_id": service["id"]}


def paid(api: Api, accounts: ResellerAccounts) -> str:
    """Post a payment of the reseller."""
    body = {"amount": {"amount": "10.00", "currency": "EUR"}, "paid_at": api.deps.clock.now().isoformat()}
    path = f"/v1/resellers/{accounts.reseller}/payments"
    return str(api.ok(f"POST {path}", {**body, "reference": "P", "kind": "payment"})["id"])


def claimed(api: Api, accounts: ResellerAccounts) -> str:
    """Let the reseller claim a domain for its client."""
    domain = f"learn-{accounts.client}.example"
    api.ok(f"PUT /v1/accounts/{accounts.client}/brand", {"domain": domain})
    return domain


def charged(api: Api, accounts: ResellerAccounts) -> UUID:
    """Create a charge that the reseller pays for its client, and its statement."""
    with api.deps.sessions() as session:
        charge = stated_charge(session, api.deps.clock, accounts.client, "excel-basics")
        session.commit()
    return charge.id


@pytest.fixture
def two_resellers(
    api: Api, make_accounts: Callable[[str], ResellerAccounts]
) -> tuple[ResellerAccounts, ResellerAccounts, dict[str, str]]:
    """My accounts, the other accounts, and the other reseller's resources by parameter name."""
    mine, theirs = make_accounts("elbe"), make_accounts("weser")
    return mine, theirs, create_resources(api, theirs, "Basics")


def bound_keys(api: Api, mine: ResellerAccounts) -> dict[str, str]:
    """Keys with every scope, bound to the reseller and to the account."""
    return {
        "reseller": api.key(reseller_id=mine.reseller),
        "account": api.key(account_id=mine.client),
    }


def test_every_route_with_an_id_answers_404_for_another_reseller(
    api: Api, two_resellers: tuple[ResellerAccounts, ResellerAccounts, dict[str, str]]
) -> None:
    mine, _, theirs = two_resellers
    failures: list[str] = []
    tried = 0
    for bound, key in bound_keys(api, mine).items():
        for method, path, _ in operations():
            parts = set(re.findall(r"{(\w+)}", path)) - PROVIDERS
            assert parts <= theirs.keys(), f"{path}: add {parts} to this test"
            if not parts:
                continue
            target = re.sub(r"{(\w+)}", lambda match: theirs[match[1]], path)
            answer = api.call(f"{method} {target}", None if method == "GET" else {}, key=key)
            tried += 1
            if answer.status_code != 404:
                failures.append(f"{bound} {method} {path}: {answer.status_code} {answer.text[:100]}")

    assert failures == []
    assert tried >= 60


def test_every_route_with_an_id_in_query_or_body_answers_404_for_another_reseller(
    api: Api, two_resellers: tuple[ResellerAccounts, ResellerAccounts, dict[str, str]]
) -> None:
    mine, theirs, resources = two_resellers
    failures: list[str] = []
    key = bound_keys(api, mine)["reseller"]
    for method, path, operation in operations():
        if "{" in path:
            continue
        named = f"{method} {path}"
        filters = {p["name"] for p in operation.get("parameters", [])} & {"reseller", "account"}
        for word in filters:
            value = theirs.reseller if word == "reseller" else theirs.client
            answer = api.call(f"{named}?{word}={value}", key=key)
            if answer.status_code != 404:
                failures.append(f"{named}?{word}: {answer.status_code}")
        if method == "POST" and named in OTHERS_IN_BODY:
            answer = api.call(named, OTHERS_IN_BODY[named](theirs, resources), key=key)
            if answer.status_code != 404:
                failures.append(f"{named}: {answer.status_code} {answer.text[:100]}")
        elif method != "GET":
            assert named in NAMES_NOBODY, f"add {named} to this test"

    assert failures == []


def test_no_list_contains_data_of_another_reseller(
    api: Api, two_resellers: tuple[ResellerAccounts, ResellerAccounts, dict[str, str]]
) -> None:
    mine, theirs, resources = two_resellers
    secrets = {str(theirs.reseller), str(theirs.client)} | {resources[name] for name in resources.keys() - PROVIDERS}
    for bound, key in bound_keys(api, mine).items():
        for method, path, _ in operations():
            if method != "GET" or "{" in path:
                continue
            answer = api.call(f"GET {path}", key=key)
            shown = [secret for secret in secrets if secret in answer.text]
            assert shown == [], (bound, path)
            assert answer.status_code in {200, 403}, (bound, path)


def test_unknown_id_and_id_of_another_reseller_get_the_same_response(
    api: Api, two_resellers: tuple[ResellerAccounts, ResellerAccounts, dict[str, str]]
) -> None:
    mine, _, theirs = two_resellers
    key = bound_keys(api, mine)["reseller"]

    def response_to(account_id: str) -> dict[str, Any]:
        answer = api.call(f"GET /v1/accounts/{account_id}", key=key).json()
        return {name: value for name, value in answer.items() if name != "trace_id"}

    assert response_to(theirs["account_id"]) == response_to(str(uuid4()))


def test_every_page_and_form_with_an_id_is_404_for_another_reseller(
    api: Api, two_resellers: tuple[ResellerAccounts, ResellerAccounts, dict[str, str]]
) -> None:
    mine, _, theirs = two_resellers
    with api.deps.sessions() as session:
        opened = Opened((session.get_one(Account, mine.reseller),))
        new = sessions.open_session(session, opened, Browser("127.0.0.1"), api.deps.clock.wall_time())
        cookie, csrf = {"Cookie": f"__Host-session={new.secret}"}, new.session.csrf
        session.commit()
    ids = {**theirs, "client_id": theirs["account_id"], "number": "0"}
    ids |= {"factor_id": str(uuid4()), "session_id": str(uuid4()), "request_id": str(uuid4())}
    ids["import_id"] = begun_import(api, UUID(theirs["reseller_id"]))
    ids |= {"month": f"{api.deps.clock.now():%Y-%m}"}
    answers, tried = {}, 0
    for route, path in paths():
        parts = set(re.findall(r"{(\w+)}", path)) - {"token"}
        if not parts or "{token}" in path:
            continue
        assert parts <= ids.keys(), f"{path}: add {parts} to this test"
        target = path.format(**ids)
        form = {"csrf": csrf, "confirm": "1", "order_ref": "X", "decision": "accept", "role": "staff"}
        sent = form if route.method == "POST" else None
        answer = api.http.request(route.method, target, headers=cookie, data=sent)
        answers[f"{route.method} {path}"] = answer.status_code
        tried += 1

    assert {line: status for line, status in answers.items() if status != 404} == {}
    assert tried > 25
