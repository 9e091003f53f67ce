"""Each field of a job filter survives each form."""

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from urllib.parse import parse_qsl

import pytest
from pydantic import ValidationError

from kontor.bulk.payloads import JobsBulk
from kontor.bulk.routes import BulkFilter
from kontor.engine.admin.job_filter import CONDITIONS, JobFilter, conditions
from kontor.jobs.schemas import JobFilterMembers, JobListQuery
from kontor.jobs.service import with_defaults
from kontor.kernel.states import BulkAction, JobState
from tests.support.job_filters import HIGH, MOMENT, VALUES, filter_on

FIELDS = tuple(JobFilter.model_fields)
CHOSEN = tuple(name for name, condition in CONDITIONS.items() if condition.param is not None)
BOUNDS = {"reseller", "hidden_tasks", "floor", "before"}
"""Computed by the caller and the search, so in no query string."""
MEMBERS: dict[str, tuple[str, object]] = {
    "state": ("states", ["dead", "retrying"]),
    "task": ("task", VALUES["task"]),
    "queue": ("queue", VALUES["queue"]),
    "tenant": ("tenants", "elbe"),
    "external_id": ("external_id", VALUES["external_id"]),
    "created_after": ("created_after", "2026-03-02T12:00:30.500000Z"),
    "created_before": ("created_before", "2026-03-02T12:00:30.500000Z"),
}


def reread(query_string: str) -> JobFilter:
    return JobFilter.parse(parse_qsl(query_string, keep_blank_values=True))


@pytest.mark.parametrize("name", CHOSEN)
def test_field_survives_the_query_string(name: str) -> None:
    assert reread(filter_on(name).to_query_string()) == filter_on(name)


def test_every_field_but_the_bounds_is_in_the_query_string() -> None:
    assert set(FIELDS) - set(CHOSEN) == BOUNDS
    assert reread(filter_on(*CHOSEN).to_query_string()) == filter_on(*CHOSEN)


@pytest.mark.parametrize("name", [name for name in FIELDS if name != "before"])
def test_field_survives_the_json_of_a_bulk_run(name: str) -> None:
    assert JobFilter.load(json.loads(json.dumps(filter_on(name).dump()))) == filter_on(name)


def test_progress_is_not_part_of_the_json() -> None:
    assert set(filter_on().dump()) == set(FIELDS) - {"before"}


@pytest.mark.parametrize("name", FIELDS)
def test_field_survives_the_payload_of_a_bulk_job(name: str) -> None:
    payload = JobsBulk.model_validate({"action": "retry", "run": str(HIGH), name: VALUES[name]})
    stored = json.loads(payload.model_dump_json())
    assert JobsBulk.model_validate(stored).remaining(HIGH) == JobFilter(before=HIGH).replace(**{name: VALUES[name]})


@pytest.mark.parametrize("name", FIELDS)
def test_field_adds_a_condition_with_its_values(name: str) -> None:
    unfiltered, _ = conditions(JobFilter())
    where, values = conditions(filter_on(name))
    assert where.startswith(f"{unfiltered} AND ")
    assert values
    assert all(f"%({key})s" in where for key in values)


@pytest.mark.parametrize("name", CHOSEN)
def test_field_is_described(name: str) -> None:
    assert filter_on(name).describe()
    assert filter_on(name).is_narrow == (not name.startswith("created_"))


def test_description_names_each_value() -> None:
    assert filter_on("states", "tenants", "created_after", "args").describe() == [
        "state dead or retrying", "tenant elbe or spree", "created from 2026-03-02T12:00 UTC",
        "args.offer_id = 7", "args.a=b&c = ",
    ]  # fmt: skip
    assert JobFilter(tenants=()).describe() == ["no tenant"]


@pytest.mark.parametrize("member", MEMBERS)
def test_member_of_the_api_reaches_the_filter(member: str) -> None:
    name, value = MEMBERS[member]
    for model in (JobListQuery, BulkFilter):
        document = json.dumps({member: value})
        chosen = model.model_validate_json(document).job_filter((), None)
        assert {field for field in FIELDS if getattr(chosen, field) != getattr(JobFilter(), field)} == {name}


def test_list_and_bulk_action_of_the_api_have_the_same_members() -> None:
    assert set(JobFilterMembers.model_fields) == set(MEMBERS)
    assert set(JobListQuery.model_fields) - {"limit", "cursor"} == set(BulkFilter.model_fields) - {"args"}


def test_tenant_of_another_reseller_matches_no_job() -> None:
    chosen = JobListQuery(tenant="spree").job_filter((), ("elbe",))
    assert chosen.tenants == ()
    with pytest.raises(ValueError, match="no tenant"):
        chosen.to_query_string()


@pytest.mark.parametrize("member", ["fingerprints", "state"])
def test_unknown_field_is_refused_when_stored_by_another_release(member: str) -> None:
    with pytest.raises(ValidationError):
        JobFilter.load({member: "x"})


def test_run_stored_by_an_earlier_release_loads() -> None:
    stored: dict[str, Any] = {
        "states": ["dead"], "task": None, "queue": None, "tenants": ["a"],
        "created_after": "2026-03-02T12:00:00+00:00", "created_before": None, "args": [["offer_id", "7"]],
        "floor": "019c0000-0000-7000-8000-000000000002",
    }  # fmt: skip
    loaded = JobFilter.load(stored)
    assert loaded.dump() == {**stored, "fingerprint": None, "error": None}
    payload = JobsBulk.model_validate({"action": "retry", "run": str(HIGH), **stored})
    assert (payload.action, payload.remaining(HIGH)) == (BulkAction.RETRY, loaded.replace(before=HIGH))


def test_time_with_an_offset_keeps_its_instant_in_the_query_string() -> None:
    local = MOMENT.astimezone(timezone(timedelta(hours=2)))
    chosen = JobFilter.parse([("after", local.isoformat())])
    assert chosen.created_after == MOMENT
    assert reread(chosen.to_query_string()) == chosen


def test_external_id_has_no_default_span() -> None:
    chosen = with_defaults(JobFilter(external_id="A-1"), datetime(2026, 4, 1, tzinfo=UTC), real_time=True)
    assert (chosen.created_after, chosen.floor, chosen.states) == (None, None, frozenset())


def test_group_of_errors_has_no_default_span_and_no_archive() -> None:
    now = datetime(2026, 4, 1, tzinfo=UTC)
    grouped = with_defaults(JobFilter(fingerprint="f00d"), now, real_time=True)
    assert (grouped.created_after, grouped.floor) == (None, None)
    assert JobState.CANCELLED not in grouped.states
    searched = with_defaults(JobFilter(task="offers.deliver"), now, real_time=True)
    assert searched.created_after == now - timedelta(days=7)
    assert searched.floor is not None


def test_replacing_an_unknown_field_is_refused() -> None:
    with pytest.raises(ValidationError):
        JobFilter().replace(tenant="a")
