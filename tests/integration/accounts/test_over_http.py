"""Accounts, clients and brands over real HTTP, as in the contract."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import select

from kontor.accounts import activation
from kontor.adapters.fakes import ManualClock
from kontor.operators import keys
from kontor.programme import files
from models.accounts import Account
from models.keys import Scope
from models.mails import Mail
from tests.support.api import Api
from workers.migrations import ROOT

Ask = Callable[..., httpx.Response]
PASSWORD = "open sesame please"


def caller(api: Api, **bound: Any) -> Ask:
    """Build a request function with a new key of all scopes."""
    with api.deps.sessions() as session:
        made = keys.create(session, "test", list(Scope), api.deps.clock.now(), **bound)
        session.commit()
    headers = {"Authorization": f"Bearer {made.secret}"}

    def ask(method: str, path: str, body: Any = None) -> httpx.Response:
        return api.http.request(method, path, json=body, headers=headers)

    return ask


@pytest.fixture
def ask(api: Api) -> Ask:
    """Requests with an unbound key; all example programmes are applied."""
    with api.deps.sessions() as session:
        for path in (ROOT / "examples" / "programmes").glob("*.yaml"):
            text, now = path.read_text(), api.deps.clock.now()
            files.apply(session, path.stem, text, now=now, actor="test")
        session.commit()
    return caller(api)


def make(ask: Ask, name: str, programme: str = "learning", **more: Any) -> dict[str, Any]:
    body = {"programme": programme, "name": name, "admin_email": f"{uuid4().hex}@x.example", **more}
    answer = ask("POST", "/v1/accounts", body)
    assert answer.status_code == 201, answer.text
    account: dict[str, Any] = answer.json()
    return account


def make_reseller(ask: Ask, name: str) -> dict[str, Any]:
    account = make(ask, name)
    answer = ask("POST", f"/v1/accounts/{account['id']}/become-reseller")
    assert answer.status_code == 200, answer.text
    return account


def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


def test_account_has_the_fields_of_the_contract(ask: Ask) -> None:
    made = make(ask, "Salon", "booking")
    assert {
        "id",
        "programme",
        "name",
        "kind",
        "reseller_id",
        "admin_email",
        "locale",
        "timezone",
        "plan",
        "trial",
        "usage",
        "read_only",
        "suspended",
        "deleted_at",
        "created_at",
    } <= made.keys()
    assert made["trial"] == {"state": "none", "ends_at": None}
    assert made["usage"] == {"appointments": {"value": 0, "limit": 50}}
    assert made["created_at"].endswith("Z")
    assert ask("GET", f"/v1/accounts/{made['id']}").json() == made


def test_taken_name_is_a_conflict_and_a_bad_field_is_named(ask: Ask) -> None:
    make(ask, "Salon")
    body = {"programme": "learning", "name": "SALON", "admin_email": "a@x.example"}
    assert code(ask("POST", "/v1/accounts", body)) == (409, "name_taken")
    bad = ask("POST", "/v1/accounts", {**body, "name": "x", "admin_email": "nobody"})
    assert bad.status_code == 422
    assert [error["loc"] for error in bad.json()["errors"]] == ["admin_email"]


def test_lists_are_paged_and_filtered(ask: Ask) -> None:
    owner = make_reseller(ask, "R")
    for name in ("C1", "C2"):
        body = {"name": name, "admin_email": f"{name}@c.example"}
        assert ask("POST", f"/v1/resellers/{owner['id']}/clients", body).status_code == 201
    first = ask("GET", f"/v1/accounts?reseller={owner['id']}&limit=1").json()
    assert [client["name"] for client in first["items"]] == ["C1"]
    rest = ask("GET", f"/v1/accounts?reseller={owner['id']}&limit=1&cursor={first['next']}").json()
    assert [client["name"] for client in rest["items"]] == ["C2"]
    assert rest["next"] is None
    mine = ask("GET", f"/v1/resellers/{owner['id']}/clients").json()
    assert [client["name"] for client in mine["items"]] == ["C1", "C2"]


def test_person_is_refused_where_only_companies_may_resell(ask: Ask, api: Api) -> None:
    with api.deps.sessions() as session:
        strict = [
            programme
            for programme in ("booking", "hosting", "learning", "telephony")
            if api.deps.programmes.current(session, programme).accounts.legal_entity_required
        ]
    person = make(ask, "Jo", strict[0], party="person")
    refused = ask("POST", f"/v1/accounts/{person['id']}/become-reseller")
    assert code(refused) == (403, "party_refused")


def test_account_becomes_a_reseller_and_reverts(ask: Ask) -> None:
    owner = make_reseller(ask, "R")
    base = f"/v1/accounts/{owner['id']}"
    assert code(ask("POST", f"{base}/become-reseller")) == (409, "already_reseller")
    body = {"name": "C", "admin_email": "c@c.example"}
    client = ask("POST", f"/v1/resellers/{owner['id']}/clients", body).json()
    assert (client["kind"], client["reseller_id"]) == ("client", owner["id"])
    assert code(ask("POST", f"{base}/revert-reseller", {})) == (409, "has_clients")
    assert code(ask("DELETE", base)) == (409, "has_clients")
    back = ask("POST", f"{base}/revert-reseller", {"disconnect_clients": True})
    assert (back.status_code, back.json()["kind"]) == (200, "regular")
    assert code(ask("POST", f"{base}/revert-reseller")) == (409, "not_a_reseller")
    assert ask("GET", f"/v1/accounts/{client['id']}").json()["kind"] == "regular"


def test_client_that_becomes_a_reseller_learns_which_reseller_it_left(ask: Ask) -> None:
    owner = make_reseller(ask, "R")
    body = {"name": "C", "admin_email": "c@c.example"}
    client = ask("POST", f"/v1/resellers/{owner['id']}/clients", body).json()
    answer = ask("POST", f"/v1/accounts/{client['id']}/become-reseller")
    assert answer.status_code == 200
    assert answer.json()["reseller_id"] is None
    assert answer.json()["disconnected_from"] == owner["id"]


def test_failed_connections_are_counted_and_then_locked(ask: Ask, api: Api) -> None:
    owner = make_reseller(ask, "R")
    make(ask, "Salon", password=PASSWORD)
    path = f"/v1/resellers/{owner['id']}/clients/connect"
    for name in ("Salon", "Nobody", "", "\x00", "x" * 5_000):
        assert code(ask("POST", path, {"name": name, "password": "wrong"})) == (403, "bad_credentials")
    locked = ask("POST", path, {"name": "Salon", "password": PASSWORD})
    assert code(locked) == (429, "locked")
    assert locked.headers["Retry-After"] == "900"


def test_client_is_connected_and_disconnected(ask: Ask) -> None:
    owner, other = make_reseller(ask, "R"), make_reseller(ask, "Other")
    account = make(ask, "Salon", password=PASSWORD)
    foreign = make(ask, "Far", "booking", password=PASSWORD)
    body = {"name": "salon", "password": PASSWORD}
    connected = ask("POST", f"/v1/resellers/{owner['id']}/clients/connect", body)
    assert (connected.status_code, connected.json()["reseller_id"]) == (200, owner["id"])
    taken = ask("POST", f"/v1/resellers/{other['id']}/clients/connect", body)
    assert code(taken) == (409, "has_reseller")
    body = {"name": foreign["name"], "password": PASSWORD}
    assert code(ask("POST", f"/v1/resellers/{other['id']}/clients/connect", body)) == (
        409,
        "programme_mismatch",
    )
    path = f"/v1/resellers/{other['id']}/clients/{account['id']}/disconnect"
    assert ask("POST", path).status_code == 404
    free = ask("POST", f"/v1/resellers/{owner['id']}/clients/{account['id']}/disconnect")
    assert (free.status_code, free.json()["kind"]) == (200, "regular")


def test_account_is_deleted_and_restored(ask: Ask) -> None:
    account = make(ask, "Salon")
    path = f"/v1/accounts/{account['id']}"
    gone = ask("DELETE", path)
    assert (gone.status_code, gone.json()["deleted_at"]) == (200, account["created_at"])
    assert code(ask("PATCH", path, {"name": "Other"})) == (409, "account_deleted")
    back = ask("POST", f"{path}/restore")
    assert (back.status_code, back.json()["deleted_at"]) == (200, None)
    assert code(ask("POST", f"{path}/restore")) == (409, "not_deleted")


def test_brand_of_a_client_is_set_by_the_reseller_only(ask: Ask, api: Api) -> None:
    owner = make_reseller(ask, "R")
    body = {"name": "C", "admin_email": "c@c.example"}
    client = ask("POST", f"/v1/resellers/{owner['id']}/clients", body).json()
    path = f"/v1/accounts/{client['id']}/brand"
    brand = {
        "name": None,
        "logo_url": "https://c.example/logo.png",
        "colours": {"primary": "#aa0000"},
        "favicon_url": None,
        "domain": "learn.c.example",
        "from_address": "info@c.example",
        "support": {"email": "help@c.example"},
    }
    theirs = caller(api, reseller_id=client["reseller_id"])
    put = theirs("PUT", path, brand)
    assert put.status_code == 200, put.text
    assert brand.items() <= put.json().items()
    own = caller(api, account_id=client["id"])
    assert own("PUT", path, brand).status_code == 403
    assert own("GET", path).status_code == 200
    refused = theirs("PUT", path, {**brand, "logo_url": "http://c.example/logo.png"})
    assert [error["loc"] for error in refused.json()["errors"]] == ["logo_url"]


def test_client_changes_its_own_name_address_and_password(ask: Ask, api: Api) -> None:
    owner = make_reseller(ask, "R")
    body = {"name": "C", "admin_email": "c@c.example"}
    client = ask("POST", f"/v1/resellers/{owner['id']}/clients", body).json()
    own = caller(api, account_id=client["id"])
    path = f"/v1/accounts/{client['id']}"
    change = {"name": "D", "admin_email": "d@d.example", "password": PASSWORD, "timezone": "Asia/Tokyo"}
    changed = own("PATCH", path, change)
    assert changed.status_code == 200, changed.text
    assert (changed.json()["name"], changed.json()["timezone"]) == ("D", "Asia/Tokyo")
    assert own("PATCH", path, {"suspended": True}).status_code == 403
    assert own("DELETE", path).status_code == 403
    theirs = caller(api, reseller_id=owner["id"])
    assert theirs("GET", path).json()["name"] == "D"


def test_activation_page_activates_only_on_post(ask: Ask, api: Api, clock: ManualClock) -> None:
    owner = make_reseller(ask, "R")
    body = {"name": "C", "admin_email": "c@c.example"}
    client = ask("POST", f"/v1/resellers/{owner['id']}/clients", body).json()
    with api.deps.sessions() as session:
        mail = session.scalars(select(Mail).where(Mail.template == "activation")).one()
        links = activation.MAIL_RULES["activation"].links
        assert links is not None
        path = links(session, api.deps.tokens, mail)["activation"]
    for method in ("GET", "HEAD", "GET"):
        shown = api.http.request(method, path)
        assert shown.status_code == 200
        assert shown.headers["Referrer-Policy"] == "no-referrer"
        assert shown.headers["Cache-Control"] == "no-store"
    with api.deps.sessions() as session:
        assert session.get_one(Account, client["id"]).activated_at is None
    assert api.http.post(path).status_code == 200
    assert api.http.post(path).status_code == 409
    assert api.http.get(path).status_code == 410
    assert api.http.get(path + "x").status_code == 404
    with api.deps.sessions() as session:
        assert session.get_one(Account, client["id"]).activated_at == clock.now()
    assert code(ask("POST", f"/v1/accounts/{client['id']}/activation")) == (409, "already_activated")
