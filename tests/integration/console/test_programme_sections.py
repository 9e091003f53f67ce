"""Forms of the programme file: the next text, its plan, and errors beside their field."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping

import pytest
from sqlalchemy import select, update

from kontor.http.context import Deps
from models.accounts import Account
from models.control import AuditEntry
from tests.integration.console.conftest import As
from tests.support.api import Api
from tests.support.fees import HOUSE, HOUSE_LINE
from tests.support.html_forms import form_to
from tests.support.programme_forms import ROOT, apply, apply_file, difference, errors, fill, newest


def test_a_form_leads_to_the_plan_and_its_version_has_that_change_alone(signed_in: As, deps: Deps) -> None:
    before, person = apply_file(deps, "booking"), signed_in("admin")
    path = f"{ROOT}/booking/plans/basic"
    planned = fill(person, path, {"price": "21.00", "names.de": "Grund"})
    assert "<del>-    price: &#34;19.00&#34;" in planned.text
    assert "plans.basic.price: 19.00 -&gt; 21.00" in planned.text
    assert newest(deps, "booking") == before
    done = fill(person, path, {"reason": "asked by sales"}, planned.text)
    assert (done.status_code, done.headers["location"]) == (303, f"{ROOT}/booking/plans?applied=2")
    assert "Applied as version 2." in person.get(done.headers["location"]).text
    assert difference(before, newest(deps, "booking")) == [
        "-    names: {de: Basis, fr: Essentiel, ru: Базовый, ja: ベーシック}",
        '-    price: "19.00"                # a month; quotes keep the decimals as they are written',
        "+    names: {de: Grund, fr: Essentiel, ru: Базовый, ja: ベーシック}",
        '+    price: "21.00"                # a month; quotes keep the decimals as they are written',
    ]
    with deps.sessions() as session:
        query = select(AuditEntry).where(AuditEntry.action == "programme.apply").order_by(AuditEntry.seq.desc())
        entry = session.scalars(query).first()
        assert entry is not None
        assert (entry.actor, entry.reason, entry.target) == (
            "operator:admin@kontor.example",
            "asked by sales",
            "booking",
        )


ADDED: Mapping[str, tuple[str, Mapping[str, str], list[str]]] = {
    "plans": (
        "plans",
        {"code": "pro", "price": "99.00", "metric": "sms", "limit": "unlimited", "names.ja": "プロ"},
        ["+  pro:", "+    names:", "+      ja: プロ", '+    price: "99.00"', "+    limits:", "+      sms: unlimited"],
    ),
    "product": (
        "products",
        {"code": "cloud", "name": "Cloud: one", "kind": "main", "family": "vps", "term": "P1Y", "terms:P1Y": "true"},
        [
            "+  cloud:", '+    name: "Cloud: one"', "+    kind: main", "+    family: vps", "+    terms: [P1Y]",
            "+    term: P1Y",
        ],
    ),
    "fee": (
        "account-subscriptions",
        {"code": "x", "fee": "5.00"},
        ["+", "+subscriptions:", "+  account:", "+    x:", '+      fee: "5.00"'],
    ),
    "tier": (
        "tiers",
        {"name": "Half", "from": "1500", "percent.vps": "4", "percent.dedicated": "1", "percent.ssl": "1"},
        ["+    - {name: Half, from: 1500, percent: {vps: 4, dedicated: 1, ssl: 1}}"],
    ),
    "promo code": (
        "promo-codes",
        {"code": "ВЕСНА/27", "percent": "12.5", "products:ssl-domain": "true", "until": "2027-05-31"},
        ["+  ВЕСНА/27:", "+    percent: 12.5", "+    products: [ssl-domain]", "+    until: 2027-05-31"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", ADDED)
def test_an_entry_is_added_changed_back_and_removed(case: str, signed_in: As, deps: Deps) -> None:
    before, person = apply_file(deps, "hosting"), signed_in("admin")
    slug, typed, lines = ADDED[case]
    done = apply(person, f"{ROOT}/hosting/new/{slug}", typed)
    assert done.status_code == 303, done.text
    assert difference(before, newest(deps, "hosting")) == lines
    name = typed.get("code") or typed["name"]
    listed = person.get(f"{ROOT}/hosting/{slug}").text
    place = re.search(rf'href="([^"]+)">{re.escape(name)}</a>', listed)
    assert place is not None
    assert person.get(place[1]).status_code == 200
    gone = apply(person, f"{place[1]}/remove", {})
    assert gone.status_code == 303, gone.text
    assert newest(deps, "hosting") == before


@pytest.mark.parametrize(
    ("path", "typed", "beside"),
    [
        ("plans/basic", {"price": "-1", "names.de": "x" * 201, "limits.appointments": "many"},
         {"price": "negative", "names.de": "200", "limits.appointments": "whole number"}),
        ("plans/basic", {"price": ""}, {"price": "free plan"}),
        ("plans/basic", {"metric": "No Code", "limit": "1"}, {"metric": "not a valid code"}),
        ("plans/basic", {"metric": "sms", "limit": "many"}, {"limit": "whole number"}),
        ("plans/basic", {"metric": "sms"}, {"limit": "requires a limit"}),
        ("plans/basic", {"features": "no_ads, No"}, {"features": "not a valid code"}),
        ("products/sms-100", {"price": "9,90"}, {"price": "decimal"}),
        ("products/sms-100", {"managed_by": "reseller"},
         {"reseller": "requires the key", "account_subscription": "must have"}),
        ("products/sms-100", {"renewal": "auto"}, {"renewal": "requires the key 'term'"}),
        ("products/sms-100", {"config": "{"}, {"config": "JSON Schema"}),
        ("products/sms-100", {"config": '{"type": "nothing"}'}, {"config": "config"}),
        ("products/sms-100", {"provisioning.create": "make"}, {"provisioning.create": "no name of a task type"}),
        ("products/sms-100", {"name": " "}, {"name": "Fill in"}),
        ("new/products", {"code": "sms-100", "name": "Twice"}, {"code": "already"}),
        ("new/products", {"code": "SMS", "name": "Big"}, {"code": "not a valid code"}),
        ("new/promo-codes", {"code": "x", "percent": "101", "from": "2027-01-02", "until": "2027-01-01"},
         {"percent": "0 to 100", "until": "before the first"}),
    ],
)  # fmt: skip
def test_each_error_stands_beside_its_field_and_what_was_typed_stays(
    path: str, typed: Mapping[str, str], beside: Mapping[str, str], signed_in: As, deps: Deps
) -> None:
    before, person = apply_file(deps, "booking"), signed_in("admin")
    refused = fill(person, f"{ROOT}/booking/{path}", typed)
    assert refused.status_code == 422
    shown = errors(refused)
    assert shown.keys() == beside.keys(), refused.text
    assert all(text in shown[name] for name, text in beside.items())
    values = form_to(refused.text, f"{ROOT}/booking/{path}").values
    assert {name: values[name] for name in typed} == {name: text.strip() for name, text in typed.items()}
    assert newest(deps, "booking") == before


@pytest.mark.parametrize(
    ("path", "typed", "beside"),
    [
        ("tiers/Starter", {"from": "3000"}, {}),
        ("tiers/Partner #1", {"from": "400", "percent.vps": "101", "name": "Starter"},
         {"from": "unsorted", "percent.vps": "0 to 100", "name": "duplicate tier"}),
        ("new/promo-codes", {"code": "welcome10", "percent": "5"}, {"code": "differ only in case"}),
    ],
)  # fmt: skip
def test_errors_of_tables_stand_beside_their_field_or_above(
    path: str, typed: Mapping[str, str], beside: Mapping[str, str], signed_in: As, deps: Deps
) -> None:
    apply_file(deps, "hosting")
    address = f"{ROOT}/hosting/{path.replace(' ', '%20').replace('#', '%23')}"
    refused = fill(signed_in("admin"), address, typed)
    assert refused.status_code == 422
    shown = errors(refused)
    assert shown.keys() == beside.keys()
    assert all(text in shown[name] for name, text in beside.items())
    assert beside or "discount.tiers[1].from: duplicate tier" in html.unescape(refused.text)


def test_what_is_in_use_is_not_removed(signed_in: As, api: Api, deps: Deps) -> None:
    before, person = apply_file(deps, "booking"), signed_in("admin")
    new = {"programme": "booking", "name": "Shop", "admin_email": "a@shop.example", "password": "a" * 12}
    account = api.ok("POST /v1/accounts", new)["id"]
    with deps.sessions() as session:
        session.execute(update(Account).where(Account.id == account).values(plan="basic"))
        session.commit()
    used = fill(person, f"{ROOT}/booking/plans/basic/remove", {})
    assert used.status_code == 409
    assert "Accounts are on the plan(s) basic: keep them in the file." in used.text
    free = fill(person, f"{ROOT}/booking/plans/free/remove", {})
    assert free.status_code == 422
    assert "one plan without a price is required" in free.text
    assert newest(deps, "booking") == before


def test_a_product_that_a_promo_code_names_is_not_removed(signed_in: As, deps: Deps) -> None:
    apply_file(deps, "hosting")
    refused = fill(signed_in("admin"), f"{ROOT}/hosting/products/ssl-domain/remove", {})
    assert refused.status_code == 422
    assert "promo_codes.SSL2026.products[0]: unknown product" in refused.text


def test_nothing_applies_without_a_reason_and_the_form_is_reached_again(signed_in: As, deps: Deps) -> None:
    before, person = apply_file(deps, "booking"), signed_in("admin")
    path = f"{ROOT}/booking/plans/basic"
    planned = fill(person, path, {"price": "21.00"})
    refused = fill(person, path, {"reason": " "}, planned.text)
    assert (refused.status_code, list(errors(refused))) == (422, ["reason"])
    assert "Nothing is applied yet" in refused.text
    assert newest(deps, "booking") == before
    back = fill(person, path, {"edit": "1"}, planned.text)
    assert form_to(back.text, path).values["price"] == "21.00"
    same = fill(person, path, {"price": "19.00"}, back.text)
    assert (same.status_code, "Nothing is changed." in same.text) == (422, True)


def test_only_admins_see_and_send_the_forms(signed_in: As, deps: Deps) -> None:
    apply_file(deps, "booking")
    person = signed_in("operator")
    for path in ("plans", "plans/basic", "new/plans", "plans/basic/remove"):
        assert person.get(f"{ROOT}/booking/{path}").status_code == 403
    for path in ("plans/basic", "new/plans", "plans/basic/remove"):
        assert person.post(f"{ROOT}/booking/{path}", {"price": "1.00"}).status_code == 403


def test_a_product_of_a_reseller_is_shown_with_who_manages_it(signed_in: As, api: Api, deps: Deps) -> None:
    apply_file(deps, "house", HOUSE)
    key = api.key()
    new = {"programme": "house", "name": "Elbe", "admin_email": "a@elbe.example", "password": "a" * 12}
    reseller = str(api.ok("POST /v1/accounts", new, key=key)["id"])
    api.ok(f"POST /v1/accounts/{reseller}/become-reseller", key=key)
    apply_file(deps, "house", HOUSE + HOUSE_LINE.format(reseller=reseller))
    person = signed_in("admin")
    listed = person.get(f"{ROOT}/house/products").text
    assert re.search(rf'href="/console/accounts/{reseller}">Elbe</a>', listed)
    assert f'<a href="/console/accounts/{reseller}">Elbe</a>' in person.get(f"{ROOT}/house/products/house-line").text
    wrong = fill(person, f"{ROOT}/house/products/house-line", {"reseller": "nobody"})
    assert "names no reseller" in errors(wrong)["reseller"]


def test_the_programme_page_leads_to_every_section(signed_in: As, deps: Deps) -> None:
    apply_file(deps, "hosting")
    person = signed_in("admin")
    page = person.get(f"{ROOT}/hosting").text
    counts = dict(re.findall(rf'href="({ROOT}/hosting/[a-z-]+)"[^>]*>[^<(]+\((\d+)\)</a>', page))
    assert {path.rpartition("/")[2]: int(count) for path, count in counts.items()} == {
        "plans": 1, "products": 6, "account-subscriptions": 0, "reseller-subscriptions": 0, "tiers": 17,
        "promo-codes": 2, "campaigns": 1,
    }  # fmt: skip
    for path in counts:
        assert person.get(path).status_code == 200
    assert person.get(f"{ROOT}/hosting/plans/none").status_code == 404
    assert person.get(f"{ROOT}/none/plans").status_code == 404
