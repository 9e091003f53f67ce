"""The form that connects an existing account to a reseller: what it does is said before, and why it is refused."""

from collections.abc import Callable

import httpx

from kontor.http.context import Deps
from tests.integration.console.test_lists import Trade, trade
from tests.integration.console.test_operator_forms import ERROR, As, audited, confirm, send
from tests.support.api import Api, ResellerAccounts

__all__ = ["trade"]


def test_account_is_connected_to_a_reseller_once_with_what_happens_shown_before(
    signed_in: As, api: Api, deps: Deps, trade: Trade
) -> None:
    person = signed_in("operator")
    new = {"programme": "hosting", "name": "Kama", "admin_email": "kama@kama.example"}
    account = api.ok("POST /v1/accounts", new)["id"]
    path = f"/console/accounts/{account}/connect"
    assert f'href="{path}"' in person.get(f"/console/accounts/{account}").text
    assert ERROR.findall(send(person, path, {"reseller": "nobody"}).text) == ["reseller"]
    assert ERROR.findall(send(person, path, {"reseller": "oka"}).text) == ["reseller"], "a client is no reseller"
    preview = send(person, path, {"reseller": "neva"})
    assert "Kama becomes a client of Neva" in preview.text
    assert api.ok(f"GET /v1/accounts/{account}")["reseller_id"] is None, "a preview connects nothing"
    done = confirm(person, path, {"reseller": "neva"}, preview)
    assert done.headers["location"] == f"/console/accounts/{account}?done=connected"
    assert confirm(person, path, {"reseller": "neva"}, preview).headers["location"] == done.headers["location"]
    assert api.ok(f"GET /v1/accounts/{account}")["reseller_id"] == trade.reseller
    assert ("operator:operator@kontor.example", "asked by phone") in audited(deps, "account.connect")
    assert f'href="{path}"' not in person.get(f"/console/accounts/{account}").text


def test_account_with_a_reseller_of_another_programme_or_a_reseller_itself_is_not_connected(
    signed_in: As, api: Api, trade: Trade, make_accounts: Callable[[str], ResellerAccounts]
) -> None:
    person, elbe = signed_in("operator"), make_accounts("elbe")
    other = api.ok("POST /v1/accounts", {"programme": "learning", "name": "Saale", "admin_email": "s@saale.example"})[
        "id"
    ]

    def refused(account: object, reseller: str) -> httpx.Response:
        return send(person, f"/console/accounts/{account}/connect", {"reseller": reseller})

    foreign = refused(other, "neva")
    assert (foreign.status_code, ERROR.findall(foreign.text)) == (422, ["reseller"])
    taken = refused(trade.client, "volga")
    assert (taken.status_code, "another reseller" in taken.text) == (409, True)
    itself = refused(trade.other, "neva")
    assert (itself.status_code, "is a reseller" in itself.text) == (409, True)
    api.ok(f"DELETE /v1/accounts/{other}")
    gone = refused(other, str(elbe.reseller))
    assert (gone.status_code, "deleted" in gone.text) == (409, True)
    assert api.ok(f"GET /v1/accounts/{trade.client}")["reseller_id"] == trade.reseller


def test_viewer_connects_no_account(signed_in: As, api: Api, trade: Trade) -> None:
    new = {"programme": "hosting", "name": "Kama", "admin_email": "kama@kama.example"}
    account = api.ok("POST /v1/accounts", new)["id"]
    person = signed_in("viewer")
    assert person.post(f"/console/accounts/{account}/connect", {"reseller": "neva", "reason": "x"}).status_code == 403
