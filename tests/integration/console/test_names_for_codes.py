"""No page of the console shows a code of a programme where the programme has a name for it (programme.md 3.6)."""

import re
from collections.abc import Callable
from html import unescape
from typing import Any

from kontor.http.context import Deps
from kontor.programme import files
from models.discounts import CurrentDiscount, DiscountRecord
from tests.support.api import Api
from tests.support.console import ConsoleClient

As = Callable[[str], ConsoleClient]
NAMES = {
    "zz-none": "Nothing to pay",
    "zz-paid": "All the year round",
    "zz_counted": "Counted things",
    "zz-fam": "Family of seats",
    "zz-seat": "One seat more",
    "zz-talk": "Recorded talks",
    "Zz tier": "Golden circle",
}
"""Names in English by code, and by the general name of a tier."""
NO_READING = re.compile(r"<(script|style)\b.*?</\1>|<[^>]*>", re.DOTALL)
PROGRAMME = """
name: Shop of everything
locale: en
currency: EUR
timezone: Europe/Berlin
white_label: true
accounts: {legal_entity_required: false}
terms: {version: "1", url: "https://shop.example/terms"}
sender: {name: Shop of everything, address: noreply@shop.example}
plans:
  zz-none: {name: Frei, names: {en: Nothing to pay}, limits: {zz_counted: 5}}
  zz-paid: {name: Jahr, names: {en: All the year round}, price: "10.00", limits: {zz_counted: 50}}
metrics: {zz_counted: {name: Dinge, names: {en: Counted things}}}
families: {zz-fam: {name: Sitze, names: {en: Family of seats}}}
offers: {expire_after_days: 30}
discount:
  kind: turnover
  families: [zz-fam]
  tiers: [{name: Zz tier, names: {en: Golden circle}, from: 10, percent: {zz-fam: 5}}]
subscriptions:
  account: {talk-retail: {name: Talks, fee: "20.00", shared: true}}
  reseller: {talk-wholesale: {name: Talks, fee: "10.00", multiple: true}}
products:
  zz-seat: {name: Sitz, names: {en: One seat more}, family: zz-fam, price: "5.00"}
  zz-talk:
    name: Gespräch
    names: {en: Recorded talks}
    account_subscription: talk-retail
    reseller_subscription: talk-wholesale
    managed_by: admin
    shared: true
promo_codes: {WELCOME: {percent: 10, products: [zz-seat]}}
"""


def furnished(api: Api, deps: Deps) -> list[str]:
    """A reseller and a client to whose pages every kind of code belongs; returns the paths of these pages."""
    with deps.sessions() as session:
        files.apply(session, "zz-shop", PROGRAMME, now=deps.clock.now(), actor="test")
        session.commit()
    new = {"programme": "zz-shop", "name": "Elbe", "admin_email": "elbe@elbe.example"}
    reseller = api.ok("POST /v1/accounts", new)["id"]
    api.ok(f"POST /v1/accounts/{reseller}/become-reseller")
    client = api.ok(f"POST /v1/resellers/{reseller}/clients", {"name": "One", "admin_email": "one@one.example"})["id"]
    money = {"amount": "100.00", "currency": "EUR"}
    payment: dict[str, Any] = {"amount": money, "paid_at": "2026-03-01T12:00:00Z", "reference": "r", "kind": "payment"}
    api.ok(f"POST /v1/resellers/{reseller}/payments", payment)
    api.ok(f"POST /v1/accounts/{client}/usage", {"metric": "zz_counted", "value": 6, "at": "2026-03-02T11:00:00Z"})
    api.ok(f"PUT /v1/accounts/{client}/subscription", {"plan": "zz-paid"})
    api.ok(f"POST /v1/accounts/{client}/products", {"product": "zz-talk"})
    api.ok(f"POST /v1/resellers/{reseller}/orders", {"product": "zz-seat", "order_ref": "1"})
    api.ok(f"PUT /v1/accounts/{client}/instance", {"url": "https://customer.example/hook"})
    line = {"product": "zz-seat", "count": 3, "mode": "absolute", "term": "P1Y"}
    offer = api.ok("POST /v1/offers", {"reseller_id": reseller, "account_id": client, "lines": [line]})["id"]
    facts = {"reseller_id": reseller, "turnover": 100, "tier": "Zz tier", "percent": {"zz-fam": 5}}
    now = deps.clock.now()
    with deps.sessions() as session:
        session.add(DiscountRecord(**facts, day=now.date(), at=now))
        session.add(CurrentDiscount(**facts, programme="zz-shop", day=now.date(), changed_at=now))
        session.commit()
    accounts = [f"/console/accounts/{account}" for account in (reseller, client)]
    discount = f"/console/resellers/{reseller}/discount"
    return ["/console/accounts", *accounts, f"/console/offers/{offer}", discount, f"{discount}?pay=5"]


def test_pages_show_names_and_no_code_when_the_programme_has_names(signed_in: As, api: Api, deps: Deps) -> None:
    paths, someone = furnished(api, deps), signed_in("admin")
    read = {path: unescape(NO_READING.sub(" ", someone.get(path).text)) for path in paths}
    shown_codes = {(path, code) for path, text in read.items() for code in (*NAMES, "zz-shop") if code in text}
    assert shown_codes == set()
    together = " ".join(read.values())
    assert [name for name in (*NAMES.values(), "Shop of everything") if name not in together] == []
    assert "Shop of everything" in someone.get("/console/programmes").text
