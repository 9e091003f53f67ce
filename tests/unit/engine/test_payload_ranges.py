"""Arguments of Kontor's own tasks are refused outside their sane range, and none of them names who acts."""

from datetime import date, datetime
from typing import Any, get_args
from uuid import UUID

import pytest
from annotated_types import BaseMetadata
from pydantic.fields import FieldInfo

from kontor.bulk.payloads import JobsBulk
from kontor.engine.admin.job_filter import JobFilter
from kontor.engine.catalogue import Payload, validate
from kontor.kernel.errors import Invalid
from tasks.catalogue import PAYLOADS

ID = "019c0000-0000-7000-8000-000000000001"
OTHER = "019c0000-0000-7000-8000-000000000002"
BIG = 2**63
INTERNAL = [payload for payload in PAYLOADS if payload.policy.internal]
UNBOUNDED = (int, float, str, date, datetime)

OUT_OF_RANGE: list[tuple[str, dict[str, Any], str]] = [
    ("accounts.tidy", {"purged": -1}, "args.purged"),
    ("accounts.tidy", {"purged": BIG}, "args.purged"),
    ("resellers.merge", {"reseller_id": ID, "into": ID}, "args"),
    ("jobs.bulk", {"action": "cancel", "run": ID, "actor": "operator:admin@kontor.example"}, "args.actor"),
    ("jobs.bulk", {"action": "cancel", "run": ID, "reason": "forged"}, "args.reason"),
    ("jobs.bulk", {"action": "cancel"}, "args.run"),
    ("jobs.bulk", {"action": "cancel", "run": ID, "done": -1}, "args.done"),
    ("discounts.run", {"programme": "hosting", "range_size": 0}, "args.range_size"),
    ("discounts.run", {"programme": "hosting", "range_size": 1_000_001}, "args.range_size"),
    ("discounts.run", {"programme": "../etc"}, "args.programme"),
    ("discounts.compute", {"run_id": ID, "number": -1}, "args.number"),
    ("discounts.apply", {"run_id": ID, "number": BIG}, "args.number"),
    ("discounts.tell", {"run_id": ID, "number": -1}, "args.number"),
    ("upkeep.retention", {"days": -1}, "args.days"),
    ("upkeep.retention", {"days": 6}, "args.days"),
    ("upkeep.retention", {"days": 10**9}, "args.days"),
    ("console.rollup", {"since": "0001-01-01T00:00:00Z"}, "args.since"),
    ("console.rollup", {"since": "2026-03-02T12:00:00"}, "args.since"),
    ("fees.charge_range", {"programme": "hosting", "day": "9999-12-31", "run_id": ID}, "args.day"),
    ("fees.charge_range", {"programme": "a", "day": "2026-03-02", "run_id": ID, "before_day": "2026-03-03"}, "args"),
    (
        "fees.charge_range",
        {"programme": "hosting", "day": "2026-03-02", "run_id": OTHER, "before_day": "2026-03-02", "before_run_id": ID},
        "args",
    ),
    ("fees.statements", {"programme": "hosting", "due": "9999-12-31T23:59:59Z"}, "args.due"),
    ("fees.statement", {"reseller_id": ID, "month": "2026-03-02"}, "args.month"),
    ("licences.end_grants", {"account_id": ID, "ends_at": "9999-01-01T00:00:00Z"}, "args.ends_at"),
    ("quotas.digest", {"reseller_id": ID, "hour": "2026-03-02T12:30:00Z"}, "args.hour"),
    ("quotas.judge", {"programme": "A" * 65}, "args.programme"),
    ("webhooks.fan_out", {"event_seq": 0}, "args.event_seq"),
]  # fmt: skip


@pytest.mark.parametrize(("task", "args", "loc"), OUT_OF_RANGE)
def test_argument_is_refused_when_it_is_out_of_range(task: str, args: dict[str, Any], loc: str) -> None:
    payload = next(payload for payload in PAYLOADS if payload.policy.name == task)
    with pytest.raises(Invalid) as refused:
        validate(payload, args)
    assert loc in [error.loc for error in refused.value.errors]


def is_bounded(field: FieldInfo) -> bool:
    """Whether a field is an id, a yes or no, an enum, or has a constraint."""
    plain = {field.annotation, *get_args(field.annotation)}
    return not plain & set(UNBOUNDED) or any(isinstance(item, BaseMetadata) for item in _metadata(field))


def _metadata(field: FieldInfo) -> list[Any]:
    nested = [item for part in get_args(field.annotation) for item in getattr(part, "__metadata__", ())]
    inner = [constraint for item in nested for constraint in getattr(item, "metadata", [item])]
    patterns = [item for item in (*field.metadata, *inner) if getattr(item, "pattern", None)]
    return [*field.metadata, *inner, *([BaseMetadata()] if patterns else [])]


@pytest.mark.parametrize("payload", INTERNAL, ids=lambda payload: payload.policy.name)
def test_every_argument_has_a_range_when_the_task_is_internal(payload: type[Payload]) -> None:
    own = {name: field for name, field in payload.model_fields.items() if name not in JobFilter.model_fields}
    assert [name for name, field in own.items() if not is_bounded(field)] == []
    assert not {"actor", "reason", "origin"} & set(payload.model_fields)


def test_bulk_job_of_the_release_before_loses_its_actor_when_it_is_read() -> None:
    stored = {"action": "cancel", "actor": "operator:admin@kontor.example", "reason": "forged", "run": ID}
    assert JobsBulk.model_validate(JobsBulk.upgrade(1, dict(stored))).run == UUID(ID)
