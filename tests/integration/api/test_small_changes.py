"""Changes of one field or line over HTTP: an endpoint, a template's line, features and home of an account."""

from collections.abc import Callable

import pytest

from kontor.programme import files
from tests.support.api import Api, ResellerAccounts

LINE = {"product": "excel-basics", "count": 5, "mode": "relative", "term": "P1Y"}


@pytest.fixture
def elbe(make_accounts: Callable[[str], ResellerAccounts]) -> ResellerAccounts:
    return make_accounts("elbe")


def test_endpoint_keeps_its_id_and_secret_when_url_or_events_change(api: Api, elbe: ResellerAccounts) -> None:
    mine = api.key("read", "enqueue", reseller_id=elbe.reseller)
    new = {"url": "https://one.example/hook", "events": ["offer.accepted"]}
    made = api.ok("POST /v1/webhook-endpoints", new, key=mine)
    other = api.ok("POST /v1/webhook-endpoints", {**new, "url": "https://two.example/hook"}, key=mine)
    path = f"/v1/webhook-endpoints/{made['id']}"
    changed = api.ok(f"PATCH {path}", {"events": ["offer.rejected"]}, key=mine)
    assert (changed["id"], changed["url"], changed["events"]) == (made["id"], new["url"], ["offer.rejected"])
    same = {"url": other["url"], "events": other["events"]}
    assert api.call(f"PATCH {path}", same, key=mine).json()["code"] == "endpoint_exists"
    assert api.call(f"PATCH {path}", {"events": ["nothing"]}, key=mine).json()["code"] == "unknown_event"
    assert api.call(f"PATCH {path}", {"url": "http://one.example/"}, key=mine).status_code == 422
    assert api.ok(f"GET {path}", key=mine)["url"] == new["url"]


def test_line_of_a_template_is_added_replaced_and_removed(api: Api, elbe: ResellerAccounts) -> None:
    template = api.ok("POST /v1/offer-templates", {"reseller_id": str(elbe.reseller), "name": "small"})
    path = f"/v1/offer-templates/{template['id']}/lines"
    assert template["lines"] == []
    offer = {"reseller_id": str(elbe.reseller), "account_id": str(elbe.client), "template_id": template["id"]}
    assert api.call("POST /v1/offers", offer).json()["code"] == "no_lines"
    assert api.ok(f"POST {path}", LINE)["lines"] == [LINE]
    assert api.ok(f"POST {path}", {**LINE, "count": 7})["lines"] == [{**LINE, "count": 7}]
    assert api.call(f"POST {path}", {**LINE, "product": "none"}).json()["code"] == "unknown_product"
    assert api.ok(f"DELETE {path}?product=excel-basics")["lines"] == []
    assert api.call(f"DELETE {path}?product=excel-basics").json()["code"] == "unknown_line"


def test_home_of_an_account_is_an_https_url_until_it_is_empty(api: Api, elbe: ResellerAccounts) -> None:
    path = f"/v1/accounts/{elbe.client}"
    home = {"home_url": "https://learn.client.example/"}
    assert api.ok(f"PATCH {path}", home)["home_url"] == home["home_url"]
    refused = api.call(f"PATCH {path}", {"home_url": "javascript:alert(1)"})
    assert (refused.status_code, refused.json()["errors"][0]["loc"]) == (422, "home_url")
    assert api.ok(f"PATCH {path}", {"home_url": ""})["home_url"] is None


PLANS = """
name: Salon
locale: en
currency: EUR
timezone: Europe/Berlin
terms: {version: "1"}
sender: {name: Salon, address: mail@salon.example}
plans:
  free: {features: [calendar]}
  pro: {price: 10.00, features: [sync, no_ads, calendar]}
trial: {days: 7, reminders: [3]}
"""


def test_features_are_those_of_the_plan_and_all_during_the_trial(api: Api) -> None:
    with api.deps.sessions() as session:
        files.apply(session, "salon", PLANS, now=api.deps.clock.now(), actor="test")
        session.commit()
    account = api.ok("POST /v1/accounts", {"programme": "salon", "name": "Rosa", "admin_email": "rosa@salon.example"})
    assert account["features"] == ["calendar"]
    api.ok(f"POST /v1/accounts/{account['id']}/trial")
    assert api.ok(f"GET /v1/accounts/{account['id']}")["features"] == ["calendar", "no_ads", "sync"]


def test_accounts_are_filtered_by_what_they_are_and_have(api: Api, elbe: ResellerAccounts) -> None:
    client, mine = str(elbe.client), api.key("read", reseller_id=elbe.reseller)
    api.ok(f"PATCH /v1/accounts/{elbe.reseller}", {"external_id": "R-7"})

    def listed(query: str, path: str = "/v1/accounts") -> list[str]:
        return [row["id"] for row in api.ok(f"GET {path}?{query}", key=mine)["items"]]

    both = {client, str(elbe.reseller)}
    assert listed("external_id=R-7") == [str(elbe.reseller)]
    assert set(listed("q=ELBE")) == both
    assert listed("name=Elbe%20Client") == listed("admin_email=admin@elbe.example") == [client]
    assert set(listed("plan=free&trial=none&suspended=false&open_offer=false")) == both
    assert (listed("instance=ok"), listed("instance=none")) == ([client], [str(elbe.reseller)])
    assert listed("q=elbe", f"/v1/resellers/{elbe.reseller}/clients") == [client]
    assert listed("over_quota=true") == listed("plan=none") == listed("trial=running") == []
    assert set(listed("read_only=false")) == both
    lines = {"reseller_id": str(elbe.reseller), "account_id": client, "lines": [LINE]}
    api.ok("POST /v1/offers", lines)
    assert listed("open_offer=true") == [client]
