"""Domains over HTTP, and the schedule that looks them up."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from kontor.accounts.payloads import DomainsCheck
from kontor.adapters.network import FixedTxt
from kontor.engine.testing import InlineWorker
from kontor.kernel.ports import DnsUnavailable
from tasks.registry import all_handlers
from tests.support.api import Api, ResellerAccounts
from tests.support.wiring import handler_deps

DOMAIN = "kurse.elbe.example"


def publish(api: Api, zone: dict[str, list[str]] | None) -> None:
    """Let the API see this zone; None: DNS gives no answer."""

    async def txt(name: str, tenant: str) -> tuple[str, ...]:
        if zone is None:
            raise DnsUnavailable(name, "timed out")
        return tuple(zone.get(name, ()))

    api.app.state.deps = replace(api.deps, txt=txt)


def claim(api: Api, account: object) -> dict[str, Any]:
    """Let a reseller claim the domain; return the claim."""
    api.ok(f"PUT /v1/accounts/{account}/brand", {"from_address": f"info@{DOMAIN}"})
    (shown,) = api.ok(f"GET /v1/domains?account={account}")["items"]
    return dict(shown)


def test_each_claimant_sees_and_checks_its_own_claim_alone(
    api: Api, make_accounts: Callable[[str], ResellerAccounts]
) -> None:
    first, second = make_accounts("elbe"), make_accounts("spree")
    mine, theirs = claim(api, first.reseller), claim(api, second.reseller)
    assert mine["record"]["value"] != theirs["record"]["value"]
    publish(api, {mine["record"]["name"]: [mine["record"]["value"]]})
    own, foreign = (api.key("read", "enqueue", reseller_id=each.reseller) for each in (first, second))
    check = f"POST /v1/domains/{DOMAIN}/check"
    assert api.ok(check, key=own)["verified"] is True
    assert api.ok(check, key=foreign)["verified"] is False
    unnamed = api.call(check)
    assert (unnamed.status_code, unnamed.json()["code"]) == (422, "account_required")
    assert api.ok(f"{check}?account={first.reseller}")["verified"] is True
    assert api.call(f"{check}?account={first.reseller}", key=foreign).status_code == 404
    assert [each["account_id"] for each in api.ok("GET /v1/domains", key=own)["items"]] == [str(first.reseller)]
    assert len(api.ok("GET /v1/domains")["items"]) == 2
    assert api.call("GET /v1/domains", key=api.key(account_id=first.client)).status_code == 403
    assert api.call("POST /v1/domains/nobody.example/check", key=own).status_code == 404


def test_check_says_that_dns_gave_no_answer_and_keeps_the_verification(
    api: Api, make_accounts: Callable[[str], ResellerAccounts]
) -> None:
    reseller = make_accounts("elbe").reseller
    record = claim(api, reseller)["record"]
    publish(api, {record["name"]: [record["value"]]})
    assert api.ok(f"POST /v1/domains/{DOMAIN}/check")["verified"] is True
    publish(api, None)
    shown = api.ok(f"POST /v1/domains/{DOMAIN}/check")
    assert (shown["verified"], "timed out" in shown["last_error"]) == (True, True)


def test_domains_of_a_client_are_those_of_its_own_brand(
    api: Api, make_accounts: Callable[[str], ResellerAccounts]
) -> None:
    made = make_accounts("elbe")
    claim(api, made.reseller)
    api.ok(f"PUT /v1/accounts/{made.client}/brand", {"domain": "lernen.weser.example"})
    (shown,) = api.ok(f"GET /v1/domains?account={made.client}")["items"]
    assert (shown["domain"], shown["account_id"]) == ("lernen.weser.example", str(made.reseller))


def test_schedule_verifies_a_domain_when_its_record_is_published(
    api: Api, make_accounts: Callable[[str], ResellerAccounts]
) -> None:
    record = claim(api, make_accounts("elbe").reseller)["record"]
    txt = FixedTxt({record["name"]: [record["value"]]})
    deps = replace(handler_deps(api.deps.context(api.deps.jobs)), txt=txt)
    with InlineWorker(api.deps.engine, all_handlers(deps), api.deps.clock) as worker, api.deps.sessions() as session:
        job = worker.jobs.enqueue(session, DomainsCheck())
        session.commit()
        worker.drain()
    assert api.ok(f"GET /v1/jobs/{job.id}")["result"] == {"checked": 1, "changed": 1}
    assert api.ok("GET /v1/domains")["items"][0]["verified"] is True
    assert api.ok("GET /v1/mails")["items"][0]["template"] == "domain-verified"
