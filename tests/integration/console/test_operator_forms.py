"""Operators' forms: previewed where money moves, refused with the field named, done once however often sent."""

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

import httpx
from sqlalchemy import select, text

from kontor.http.context import Deps
from models.accounts import Account
from models.control import AuditEntry
from tests.integration.console.test_lists import Trade, trade
from tests.support.api import Api, ResellerAccounts
from tests.support.console import HIDDEN, ConsoleClient

__all__ = ["trade"]

As = Callable[[str], ConsoleClient]
ERROR = re.compile(r'id="error-([\w.]+)"')


def send(
    person: ConsoleClient, path: str, data: Mapping[str, str], shown: httpx.Response | None = None
) -> httpx.Response:
    """Fill in a form as it is shown; send it."""
    page = (shown or person.get(path)).text
    return person.http.post(path, data={**dict(HIDDEN.findall(page)), "reason": "asked by phone", **data})


def confirm(person: ConsoleClient, path: str, data: Mapping[str, str], shown: httpx.Response) -> httpx.Response:
    """Confirm a preview as it is shown."""
    assert shown.status_code == 200, shown.text
    return send(person, path, {**data, "confirm": "1"}, shown)


def made(api: Api, answer: httpx.Response) -> dict[str, Any]:
    """What a form made, of the page that it led to."""
    assert answer.status_code == 303, answer.text
    place = answer.headers["location"].replace("/console", "/v1").partition("?")[0]
    return dict(api.ok(f"GET {place}"))


def balance(api: Api, reseller: str) -> Decimal:
    return Decimal(api.ok(f"GET /v1/resellers/{reseller}/account-book")["balance"]["amount"])


def audited(deps: Deps, action: str) -> list[tuple[str, str | None]]:
    with deps.sessions() as session:
        query = select(AuditEntry.actor, AuditEntry.reason).where(AuditEntry.action == action)
        return [(actor, reason) for actor, reason in session.execute(query)]


def test_account_of_each_kind_is_made_and_a_taken_name_is_refused_beside_its_field(
    signed_in: As, api: Api, deps: Deps, trade: Trade
) -> None:
    person, path = signed_in("operator"), "/console/accounts/new"
    new = {
        "programme": "hosting",
        "kind": "regular",
        "name": "Kama",
        "admin_email": "kama@kama.example",
        "party": "person",
    }
    account = made(api, send(person, path, new))
    assert (account["name"], account["kind"], account["plan"]) == ("Kama", "regular", "free")
    again = send(person, path, {**new, "locale": "ru"})
    assert (again.status_code, ERROR.findall(again.text)) == (422, ["name"])
    assert ('value="kama@kama.example"' in again.text, '<option value="ru" selected>' in again.text) == (True, True)
    client = {**new, "name": "Don", "kind": "client"}
    assert ERROR.findall(send(person, path, client).text) == ["reseller"]
    assert made(api, send(person, path, {**client, "reseller": "neva"}))["reseller_id"] == trade.reseller
    reseller = {**new, "name": "Ural", "kind": "reseller", "party": "company"}
    assert made(api, send(person, path, reseller))["kind"] == "reseller"
    assert ERROR.findall(send(person, path, {**new, "name": " ", "reason": ""}).text) == ["name", "reason"]
    assert audited(deps, "account.create") == [("operator:operator@kontor.example", "asked by phone")] * 3


def test_form_sent_twice_makes_one_account_and_leads_to_it_again(signed_in: As, deps: Deps, trade: Trade) -> None:
    person, path = signed_in("operator"), "/console/accounts/new"
    shown = person.get(path)
    new = {
        "programme": "hosting",
        "kind": "regular",
        "name": "Kama",
        "admin_email": "kama@kama.example",
        "party": "person",
    }
    first, second = send(person, path, new, shown), send(person, path, new, shown)
    assert (first.status_code, second.status_code) == (303, 303)
    assert first.headers["location"] == second.headers["location"]
    with deps.sessions() as session:
        assert len(session.scalars(select(Account).where(Account.name == "Kama")).all()) == 1


def test_payment_is_previewed_then_recorded_once(signed_in: As, api: Api, trade: Trade) -> None:
    person, path = signed_in("operator"), f"/console/resellers/{trade.reseller}/payments/new"
    before = balance(api, trade.reseller)
    new = {"amount": "1234.50", "kind": "payment", "paid_at": "2026-03-01", "reference": "B-1"}
    preview = send(person, path, new)
    assert "Payment of 1,234.50 RUB, which counts for Neva on 2026-03-01." in preview.text
    assert f'<a href="/console/accounts/{trade.reseller}">Neva</a>' in preview.text
    assert balance(api, trade.reseller) == before, "a preview enters nothing"
    done = confirm(person, path, new, preview)
    assert done.status_code == 303, done.text
    assert confirm(person, path, new, preview).headers["location"] == done.headers["location"]
    assert balance(api, trade.reseller) == before + Decimal("1234.50")
    repeated = send(person, path, new)
    assert "entered before" in repeated.text
    assert confirm(person, path, new, repeated).headers["location"].endswith("?done=payment-known")
    assert balance(api, trade.reseller) == before + Decimal("1234.50")


def test_payment_is_refused_with_the_field_named_and_what_was_typed_kept(signed_in: As, api: Api, trade: Trade) -> None:
    person, path = signed_in("operator"), f"/console/resellers/{trade.reseller}/payments/new"
    before, right = balance(api, trade.reseller), {"amount": "77.00", "kind": "refund", "paid_at": "2026-03-01"}
    for named, wrong in (
        ("amount", "10.005"),
        ("amount", "-10"),
        ("amount", ""),
        ("paid_at", "2026-03-09"),
        ("paid_at", "tomorrow"),
        ("kind", "gift"),
        ("reference", "N2"),
    ):
        new = {**right, "reference": "B-1", "confirm": "1", named: wrong}
        refused = send(person, path, new)
        assert (refused.status_code, ERROR.findall(refused.text)) == (422, [named]), wrong
        kept = [f'value="{typed}"' in refused.text for name, typed in new.items() if name in {"amount", "reference"}]
        assert (kept, 'value="asked by phone"' in refused.text) == ([True, True], True), wrong
    assert balance(api, trade.reseller) == before


def test_viewer_sees_no_form_and_sends_none(signed_in: As, api: Api, trade: Trade) -> None:
    person = signed_in("viewer")
    before = balance(api, trade.reseller)
    payment = {"amount": "10.00", "kind": "payment", "paid_at": "2026-03-01", "reference": "B-1", "reason": "mine"}
    sent = {**payment, "token": trade.client, "confirm": "1"}
    for name in ("payments/new", "orders/new", "merge"):
        path = f"/console/resellers/{trade.reseller}/{name}"
        assert (person.http.get(path).status_code, person.post(path, sent).status_code) == (403, 403), name
    assert person.post("/console/accounts/new", sent).status_code == 403
    assert balance(api, trade.reseller) == before
    assert "/payments/new" not in person.get(f"/console/accounts/{trade.reseller}").text


def test_order_shows_price_and_what_is_missing_and_is_placed_once(signed_in: As, api: Api, trade: Trade) -> None:
    person, path = signed_in("operator"), f"/console/resellers/{trade.reseller}/orders/new"
    before = balance(api, trade.reseller)
    new = {"product": "vps-small", "account_id": "oka", "quantity": "2"}
    preview = send(person, path, new)
    assert re.search(r"780\.00 RUB less \d+ %: [\d.]+ RUB, paid by Neva\.", preview.text), preview.text
    assert balance(api, trade.reseller) == before
    done = confirm(person, path, new, preview)
    assert done.status_code == 303, done.text
    assert confirm(person, path, new, preview).headers["location"] == done.headers["location"]
    order = made(api, done)
    assert (order["quantity"], order["account_id"]) == (2, trade.client)
    assert balance(api, trade.reseller) == before - Decimal(order["net"]["amount"])
    much = {"product": "vps-small", "quantity": "99999"}
    short = send(person, path, much)
    assert "are missing" in short.text
    refused = confirm(person, path, much, short)
    assert (refused.status_code, "Missing:" in refused.text) == (409, True)
    for named, wrong in (("quantity", "0"), ("account_id", "volga x"), ("promo_code", "NO")):
        answer = send(person, path, {**new, named: wrong})
        assert (answer.status_code, ERROR.findall(answer.text)) == (422, [named])


def test_order_is_shown_again_when_its_price_changed_after_the_preview(signed_in: As, api: Api, trade: Trade) -> None:
    person, path = signed_in("operator"), f"/console/resellers/{trade.reseller}/orders/new"
    new = {"product": "vps-small", "quantity": "1"}
    preview = send(person, path, new)
    changed = confirm(person, path, {**new, "quantity": "2"}, preview)
    assert (changed.status_code, "nothing was done yet" in changed.text, "780.00 RUB" in changed.text) == (
        409,
        True,
        True,
    )
    assert len(api.ok(f"GET /v1/resellers/{trade.reseller}/orders")["items"]) == 1, "the one of the fixture"


def test_merge_is_shown_dry_then_queued_once(signed_in: As, api: Api, deps: Deps, trade: Trade) -> None:
    person, path = signed_in("operator"), f"/console/resellers/{trade.other}/merge"
    assert ERROR.findall(send(person, path, {"into": "nobody"}).text) == ["into"]
    assert ERROR.findall(send(person, path, {"into": "oka"}).text) == ["into"]
    preview = send(person, path, {"into": "neva"})
    assert "Volga is merged into Neva, for good." in preview.text
    assert "1 payments" in preview.text
    count = text("SELECT count(*) FROM jobs WHERE task = 'resellers.merge'")
    with deps.sessions() as session:
        assert session.scalar(count) == 0
    done = confirm(person, path, {"into": "neva"}, preview)
    assert done.status_code == 303, done.text
    assert confirm(person, path, {"into": "neva"}, preview).headers["location"] == done.headers["location"]
    with deps.sessions() as session:
        assert session.scalar(count) == 1
    assert ("operator:operator@kontor.example", "asked by phone") in audited(deps, "reseller.merge")


def test_system_is_connected_with_its_secret_shown_once(signed_in: As, api: Api, deps: Deps, trade: Trade) -> None:
    person, path = signed_in("operator"), f"/console/accounts/{trade.client}/instance"
    refused = send(person, path, {"url": "http://127.0.0.1/hook"})
    assert (refused.status_code, ERROR.findall(refused.text)) == (422, ["url"])
    shown = person.get(path)
    done = send(person, path, {"url": "https://oka.example/hook"}, shown)
    (secret,) = re.findall(r"whsec_[\w+/=]+", done.text)
    again = send(person, path, {"url": "https://oka.example/hook"}, shown)
    assert (again.status_code, "whsec_" in again.text) == (303, False)
    assert api.ok(f"GET /v1/accounts/{trade.client}/instance")["url"] == "https://oka.example/hook"
    with deps.sessions() as session:
        assert (
            session.scalar(text("SELECT count(*) FROM audit_log WHERE detail::text LIKE :it"), {"it": f"%{secret}%"})
            == 0
        )


def test_brand_is_set_by_the_field_and_images_stay(signed_in: As, api: Api, trade: Trade) -> None:
    person, path = signed_in("operator"), f"/console/accounts/{trade.reseller}/brand"
    wrong = {"name": "Hosting", "colours.primary": "red", "from_address": "nobody"}
    assert set(ERROR.findall(send(person, path, wrong).text)) == {"colours.primary", "from_address"}
    assert ERROR.findall(send(person, path, {"name": "Hosting"}).text) == ["name"], "the provider's own name"
    good = {"name": "Neva Cloud", "colours.primary": "#114488", "support.email": "help@neva.example"}
    assert send(person, path, good).status_code == 303
    brand = api.ok(f"GET /v1/accounts/{trade.reseller}/brand")
    assert (brand["name"], brand["colours"]["primary"], brand["support"]["email"]) == tuple(good.values())
    assert 'value="Neva Cloud"' in person.get(path).text


def test_offer_is_previewed_with_its_changes_then_sent_once_and_delivered_again(
    signed_in: As, api: Api, deps: Deps, make_accounts: Callable[[str], ResellerAccounts]
) -> None:
    elbe = make_accounts("elbe")
    person, path = signed_in("operator"), f"/console/accounts/{elbe.client}/offer"
    product = api.ok(f"GET /v1/resellers/{elbe.reseller}/products")["items"][0]["product"]
    new = {"product": product, "count": "5", "mode": "absolute", "term": "P1Y", "message": "As agreed"}

    def offers() -> list[dict[str, Any]]:
        return list(api.ok(f"GET /v1/offers?account={elbe.client}")["items"])

    assert ERROR.findall(send(person, path, {"message": "hello"}).text) == ["template_id"]
    refused = send(person, path, {**new, "count": "many"})
    assert (refused.status_code, ERROR.findall(refused.text)) == (422, ["count"])
    preview = send(person, path, new)
    assert "0 → 5 licences." in preview.text
    assert offers() == [], "a preview sends nothing"
    done = confirm(person, path, new, preview)
    assert done.status_code == 303, done.text
    assert confirm(person, path, new, preview).headers["location"] == done.headers["location"]
    (offer,) = offers()
    assert (offer["message"], offer["state"]) == ("As agreed", "waiting")
    again = f"/console/offers/{offer['id']}/deliver"
    with deps.sessions() as session:
        session.execute(
            text("UPDATE jobs SET state = 'dead', reason = 'failed', attempt = 8 WHERE task = 'offers.deliver'")
        )
        session.commit()
    assert person.post(again).status_code == 422
    assert person.post(again, {"reason": "the system is back"}).status_code == 303
    with deps.sessions() as session:
        assert session.scalar(text("SELECT state FROM jobs WHERE task = 'offers.deliver'")) == "queued"
    api.ok(f"POST /v1/offers/{offer['id']}/cancel")
    assert person.post(again, {"reason": "once more"}).status_code == 409


def test_form_without_its_token_or_of_a_gone_account_is_refused(signed_in: As, api: Api, trade: Trade) -> None:
    person = signed_in("operator")
    path = f"/console/resellers/{trade.reseller}/payments/new"
    assert person.post(path, {"amount": "1.00", "reason": "x"}).status_code == 403
    assert person.http.get(f"/console/accounts/{trade.reseller}/offer").status_code == 404
    assert person.http.get(f"/console/resellers/{trade.client}/orders/new").status_code == 404
