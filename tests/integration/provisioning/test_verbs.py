"""What is asked of a service: by a job, one at a time, in the states that allow it (provisioning.md 3)."""

from uuid import UUID

import pytest

from kontor.engine import cancellation
from kontor.kernel.database import psycopg_connection
from kontor.kernel.states import ServiceState
from tests.support.fees import OPENING
from tests.support.services import ServiceScenario


def jobs(world: ServiceScenario, service: str) -> list[tuple[str, str]]:
    """What was asked of a service, oldest first."""
    return [(job["verb"], job["state"]) for job in reversed(world.service(service)["jobs"])]


def test_state_changes_when_the_job_has_succeeded(world: ServiceScenario) -> None:
    service = world.active()
    asked = world.ask(service, "suspend", reason="abuse")
    assert (asked["state"], asked["action"]["verb"]) == ("active", "suspend")
    world.finish("suspend")
    suspended = world.service(service)
    assert (suspended["state"], suspended["suspended_by"], suspended["action"]) == ("suspended", ["operator"], None)
    assert world.refused(f"POST /v1/services/{service}/suspend") == (409, "illegal_transition")
    world.ask(service, "resume")
    world.finish("resume")
    world.ask(service, "terminate")
    world.finish("terminate")
    assert world.state(service) == "ended"
    for verb in ("renew", "suspend", "resume", "terminate", "retry"):
        answer = world.call(f"POST /v1/services/{service}/{verb}", {})
        assert (answer.status_code, answer.json()["state"]) == (409, ServiceState.ENDED)
    arrows = [(event["from"], event["to"]) for event in world.service(service)["events"]]
    assert arrows[1:] == [("pending", "active"), ("active", "suspended"), ("suspended", "active"), ("active", "ended")]
    assert world.events("service.") == [f"service.{name}" for name in ("active", "suspended", "resumed", "ended")]
    assert len(world.books.fees.mails("service-suspended")) == 1


def test_verb_waits_behind_another_and_is_judged_when_its_turn_comes(world: ServiceScenario) -> None:
    service = world.active()
    world.ask(service, "terminate")
    waiting = world.ask(service, "renew")
    assert (waiting["action"]["verb"], world.balance()) == ("terminate", "46.00")
    world.ask(service, "suspend")
    world.finish("terminate")
    assert jobs(world, service) == [
        ("create", "succeeded"),
        ("terminate", "succeeded"),
        ("renew", "cancelled"),
        ("suspend", "cancelled"),
    ]
    assert "ended" in world.service(service)["jobs"][0]["error"]
    assert (world.balance(), world.lease()) == ("73.00", None)


def test_second_verb_runs_after_the_first(world: ServiceScenario) -> None:
    service = world.active()
    world.ask(service, "suspend")
    world.ask(service, "resume")
    world.finish("suspend")
    assert world.service(service)["action"]["verb"] == "resume"
    world.finish("resume")
    assert world.state(service) == "active"


@pytest.mark.parametrize("verb", ["renew", "suspend", "change"])
def test_state_stands_and_cost_is_credited_when_a_job_fails(world: ServiceScenario, verb: str) -> None:
    service = world.active()
    if verb == "change":
        world.ok(f"PATCH /v1/services/{service}", {"quantity": 2})
    else:
        world.ask(service, verb)
    world.finish(verb, error="out of order")
    after = world.service(service)
    assert (after["state"], after["action"], after["quantity"], after["paid_until"]) == (
        "active",
        None,
        1,
        "2026-01-01",
    )
    assert (after["jobs"][0]["state"], world.balance()) == ("failed", "73.00")
    assert len(world.books.fees.mails("service-failed")) == 1


def test_failed_terminate_stays_under_way_and_runs_again(world: ServiceScenario) -> None:
    service = world.active()
    job = world.ask(service, "terminate")["action"]["job"]
    world.finish("terminate", error="still mounted")
    assert (world.state(service), world.service(service)["action"]["job"]) == ("active", job)
    assert "job.dead" in world.events("job.")
    world.ask(service, "retry")
    world.finish("terminate")
    assert world.state(service) == "ended"


def test_services_are_suspended_and_resumed_with_their_account(world: ServiceScenario) -> None:
    ours, theirs = world.active(account_id=None), world.active()
    world.ask(theirs, "suspend")
    world.finish("suspend")
    world.ok(f"POST /v1/accounts/{world.reseller}/suspend", {"reason": "fraud"})
    world.books.work()
    world.finish("suspend")
    assert (world.state(ours), world.service(theirs)["suspended_by"]) == ("suspended", ["account", "operator"])
    assert world.refused(f"POST /v1/services/{ours}/resume") == (409, "illegal_transition")
    world.ok(f"POST /v1/accounts/{world.reseller}/resume", {"reason": "cleared"})
    world.books.work()
    world.finish("resume")
    assert (world.state(ours), world.service(theirs)["suspended_by"]) == ("active", ["operator"])
    assert world.lease() is None


def test_reseller_does_not_resume_what_the_provider_suspended(world: ServiceScenario) -> None:
    service = world.active()
    key = world.api.key("read", "enqueue", reseller_id=UUID(world.reseller))
    world.ask(service, "suspend")
    world.finish("suspend")
    assert world.refused(f"POST /v1/services/{service}/resume", key=key) == (403, "forbidden")


def test_more_is_charged_for_the_days_left_and_less_counts_from_the_next_renewal(world: ServiceScenario) -> None:
    service = world.active()
    world.go("2025-12-16")
    changed = world.ok(f"PATCH /v1/services/{service}", {"quantity": 2})
    assert (changed["quantity"], changed["action"]["verb"]) == (1, "change")
    # 30.00 less 10 % for one more, 16 of 31 days: 13.935...
    assert world.balance() == "59.06"
    assert world.finish("change")["quantity"] == 2
    assert world.service(service)["quantity"] == 2
    less = world.ok(f"PATCH /v1/services/{service}", {"quantity": 1, "metadata": {"rack": "4"}})
    assert (less["quantity"], less["next_quantity"], less["action"], less["metadata"]) == (2, 1, None, {"rack": "4"})
    world.ask(service, "renew")
    assert (world.finish("renew")["quantity"], world.service(service)["quantity"]) == (1, 1)


def test_config_is_changed_by_a_job_and_its_secrets_are_masked(world: ServiceScenario) -> None:
    service = world.active(config={"region": "eu"})
    world.ok(f"PATCH /v1/services/{service}", {"config": {"region": "us", "password": "hunter2"}})
    assert world.service(service)["config"] == {"region": "eu"}
    refused = world.refused(f"PATCH /v1/services/{service}", {"config": {"region": "eu"}})
    assert refused == (409, "action_under_way")
    assert world.finish("change")["config"] == {"region": "us", "password": "hunter2"}
    assert world.service(service)["config"] == {"region": "us", "password": "***"}
    assert world.events("service.")[-1] == "service.changed"


def test_client_sees_state_since_paid_until_and_result_alone(world: ServiceScenario) -> None:
    service = world.active(config={"region": "eu"})
    key = world.api.key("read", "enqueue", account_id=UUID(world.client))
    assert set(world.service(service, key)) == {"id", "state", "since", "paid_until", "result"}
    (listed,) = world.ok("GET /v1/services", key=key)["items"]
    assert set(listed) == {"id", "state", "since", "paid_until", "result"}
    events = [
        each for each in world.ok("GET /v1/events", key=key)["items"] if each["type"].startswith(("order", "serv"))
    ]
    assert [(each["type"], set(each["data"])) for each in events] == [
        ("service.active", {"state", "since", "paid_until", "result"})
    ]
    assert world.refused(f"POST /v1/services/{service}/renew", {}, key) == (403, "forbidden")
    assert world.refused(f"GET /v1/resellers/{world.reseller}/orders", key=key)[0] in (403, 404)


def test_other_reseller_sees_no_service_of_this_one(world: ServiceScenario) -> None:
    service = world.active()
    other = world.books.fees.reseller("house", "Saale")
    key = world.api.key("read", "enqueue", reseller_id=UUID(other))
    order = world.service(service)["order_id"]
    for line in (f"GET /v1/services/{service}", f"POST /v1/services/{service}/renew", f"GET /v1/orders/{order}"):
        assert world.refused(line, {} if line.startswith("POST") else None, key)[0] == 404
    assert world.ok("GET /v1/services", key=key)["items"] == []
    assert world.refused(f"GET /v1/services?reseller={world.reseller}", key=key)[0] == 404


def test_cancelled_job_fails_its_service_also_when_the_relay_cancelled_it(world: ServiceScenario) -> None:
    by_hand, by_relay = world.order(), world.order()
    job = world.service(by_hand["service_id"])["action"]["job"]
    world.ok(f"POST /v1/jobs/{job}/cancel", {"reason": "no"})
    assert world.state(by_hand["service_id"]) == "failed"
    job = UUID(world.service(by_relay["service_id"])["action"]["job"])
    with world.books.fees.transaction() as session:
        cancellation.cancel_locked(psycopg_connection(session), job, "queued", None, "cancelled by me", OPENING)
    assert world.state(by_relay["service_id"]) == "pending"
    world.go("2025-12-01")
    assert (world.state(by_relay["service_id"]), world.balance()) == ("failed", "100.00")
