"""Trials and usage over real HTTP, as in the contract."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from kontor.adapters.fakes import ManualClock
from kontor.programme import files
from tests.support.api import Api
from workers.migrations import ROOT

AT = "2026-03-02T12:00:00Z"
Make = Callable[[str], tuple[str, str]]


@pytest.fixture
def make(api: Api) -> Make:
    """Create a reseller of `booking` with one client, by name; returns their ids."""
    with api.deps.sessions() as session:
        path = ROOT / "examples" / "programmes" / "booking.yaml"
        files.apply(session, "booking", path.read_text(), now=api.deps.clock.now(), actor="test")
        session.commit()

    def made(name: str) -> tuple[str, str]:
        new = {"programme": "booking", "name": name, "admin_email": f"{name}@shop.example"}
        reseller = api.ok("POST /v1/accounts", new)["id"]
        api.ok(f"POST /v1/accounts/{reseller}/become-reseller")
        new_client = {"name": f"{name} client", "admin_email": f"admin@{name}.example"}
        return reseller, api.ok(f"POST /v1/resellers/{reseller}/clients", new_client)["id"]

    return made


def report(amount: int, **more: Any) -> dict[str, Any]:
    return {"metric": "appointments", "delta": amount, "at": AT, **more}


def test_account_shows_its_trial_and_usage(api: Api, make: Make, clock: ManualClock) -> None:
    reseller, client = make("elbe")
    path = f"/v1/accounts/{client}"
    assert api.ok(f"GET {path}")["trial"] == {"state": "none", "ends_at": None}

    started = api.call(f"POST {path}/trial")
    assert (started.status_code, started.json()) == (201, {"ends_at": "2026-03-09T12:00:00Z"})
    answer = api.call(f"POST {path}/usage", report(51))
    assert answer.status_code == 202
    assert answer.json() == {"metric": "appointments", "value": 51, "limit": None, "repeated": False}

    shown = api.ok(f"GET {path}")
    assert shown["trial"] == {"state": "running", "ends_at": "2026-03-09T12:00:00Z"}
    assert (shown["usage"], shown["read_only"]) == ({"appointments": {"value": 51, "limit": None}}, False)
    clock.advance(timedelta(days=7))
    over = {"usage": {"appointments": {"value": 51, "limit": 50}}, "read_only": True, "plan": "free"}
    for listed in (f"/v1/resellers/{reseller}/clients", f"/v1/accounts?reseller={reseller}"):
        (account,) = api.ok(f"GET {listed}")["items"]
        assert account["trial"]["state"] == "expired"
        assert {name: account[name] for name in over} == over
    again = api.call(f"POST {path}/trial")
    assert (again.status_code, again.json()["code"]) == (409, "trial_used")


def test_reseller_and_client_start_trials_and_only_the_provider_reports_usage(api: Api, make: Make) -> None:
    mine, theirs = make("elbe"), make("weser")
    keys = [api.key("enqueue", reseller_id=UUID(mine[0])), api.key("enqueue", account_id=UUID(mine[1]))]
    for key in keys:
        assert api.call(f"POST /v1/accounts/{mine[1]}/usage", report(1), key=key).status_code == 403
        assert api.call(f"POST /v1/accounts/{mine[1]}/usage", {"nonsense": 1}, key=key).status_code == 403
        assert api.call(f"POST /v1/accounts/{theirs[1]}/usage", report(1), key=key).status_code == 404
        assert api.call(f"POST /v1/accounts/{theirs[1]}/trial", key=key).status_code == 404
    read_only = api.key("read", account_id=UUID(mine[1]))
    assert api.call(f"POST /v1/accounts/{mine[1]}/trial", key=read_only).status_code == 403
    assert api.call(f"POST /v1/accounts/{mine[1]}/trial", key=keys[1]).status_code == 201
    assert api.call(f"POST /v1/accounts/{mine[0]}/trial", key=keys[0]).status_code == 201


@pytest.mark.parametrize(
    ("change", "loc"),
    [
        ({"metric": "seats"}, "metric"),
        ({"at": "2026-03-02T13:00:01Z"}, "at"),
        ({"at": "2026-03-02T13:00:00"}, "at"),
        ({"delta": 1.5}, "delta"),
        ({"delta": 10**15}, "delta"),
        ({"delta": None}, ""),
        ({"value": 3}, ""),
        ({"delta": None, "value": -1}, "value"),
        ({"report_id": ""}, "report_id"),
        ({"by": "me"}, "by"),
    ],
)
def test_invalid_report_is_refused_with_its_field(api: Api, make: Make, change: dict[str, Any], loc: str) -> None:
    _, client = make("elbe")
    body = {name: value for name, value in (report(1) | change).items() if value is not None}
    answer = api.call(f"POST /v1/accounts/{client}/usage", body)
    assert answer.status_code == 422
    assert [error["loc"] for error in answer.json()["errors"]] == [loc]


def test_duplicate_report_is_marked_as_repeated(api: Api, make: Make) -> None:
    _, client = make("elbe")
    path = f"POST /v1/accounts/{client}/usage"
    assert api.ok(path, report(7, report_id="r-1"))["repeated"] is False
    again = api.ok(path, report(9, report_id="r-1"))
    assert (again["value"], again["limit"], again["repeated"]) == (7, 50, True)
