"""Files planned and applied over HTTP; versions as their readers see them."""

from collections.abc import Iterator

import pytest

from kontor.adapters.fakes import ManualClock
from tests.support.api import Api
from tests.support.api_fixtures import api, deps
from tests.support.fees import HOUSE, FeeScenario
from tests.support.worker import running_worker

__all__ = ["api", "deps"]
DEARER = HOUSE.replace('fee: "3.33"', 'fee: "5.00"')


@pytest.fixture
def world(api: Api, clock: ManualClock) -> Iterator[FeeScenario]:
    """A programme applied over HTTP, a worker, and an unbound key with every scope."""
    with running_worker(api.deps) as worker:
        yield FeeScenario(api, worker, clock, api.key())


def send(world: FeeScenario, path: str, source: str, key: str | None = None) -> tuple[int, dict[str, object]]:
    answer = world.api.http.post(
        path,
        content=source.encode(),
        headers={"Authorization": f"Bearer {key or world.key}", "Content-Type": "application/yaml"},
    )
    return answer.status_code, answer.json()


def test_file_is_planned_then_applied_and_its_versions_are_listed(world: FeeScenario) -> None:
    status, plan = send(world, "/v1/programmes/house?dry_run=true", HOUSE)
    assert (status, plan["applied"], plan["version"]) == (200, False, 1)
    assert world.call("GET /v1/programmes/house").status_code == 404
    assert send(world, "/v1/programmes/house", HOUSE)[1]["applied"] is True
    reseller = world.reseller("house", "Weser")
    status, plan = send(world, "/v1/programmes/house?reason=dearer", DEARER)
    assert (status, plan["applied"], plan["version"]) == (200, True, 2)
    assert plan["consequences"] == {
        "over_limit": 0,
        "read_only": 0,
        "mails": {"price-change": 1},
        "charges": {
            "now": {"amount": "0.00", "currency": "EUR"},
            "then": {"amount": "0.00", "currency": "EUR"},
        },
        "assignments": 0,
        "offers": 0,
        "templates": 0,
        "trials": 0,
        "tiers_moved": 0,
    }
    listed = world.api.ok("GET /v1/programmes/house/versions", key=world.key)["items"]
    assert [(each["version"], each["reason"]) for each in listed] == [(2, "dearer"), (1, None)]
    assert all(len(each["hash"]) == 64 for each in listed)
    assert all(each["effective_at"] == each["applied_at"] for each in listed)
    old = world.api.ok("GET /v1/programmes/house?version=1&against=2", key=world.key)
    assert old["document"]["subscriptions"]["reseller"]["line-wholesale"]["fee"] == "3.33"
    assert [change["path"] for change in old["changes"]] == ["subscriptions.reseller.line-wholesale.fee"]
    world.settle()
    assert [str(mail.account_id) for mail in world.mails("price-change")] == [reseller]


def test_bad_file_and_key_without_the_scope_are_refused(world: FeeScenario) -> None:
    status, problem = send(world, "/v1/programmes/house", HOUSE.replace("currency: EUR", "currency: EUX"))
    assert (status, problem["code"]) == (422, "bad_programme")
    assert send(world, "/v1/programmes/house?effective=2026-01-01T00:00:00", HOUSE)[0] == 422
    bound = world.api.key("read", "enqueue")
    assert send(world, "/v1/programmes/house", HOUSE, bound)[0] == 403
