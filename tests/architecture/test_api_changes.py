"""The API breaks no client of the last release, unless the version says so (docs/reference/versions.md)."""

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest

from devtools.api_changes import KEPT, breaking, shape, version
from devtools.reference import openapi_document

DOCUMENT = openapi_document()
SHAPE = shape(DOCUMENT)
ACCOUNT = "/v1/accounts/{account_id}"


def may_break(released: str, present: str) -> bool:
    """Whether a version may break clients of a released one: a new major one, before 1.0 a new minor one."""
    before, after = ([int(part) for part in each.split(".")[:2]] for each in (released, present))
    return after[0] > before[0] or (after[0] == before[0] == 0 and after[1] > before[1])


def test_nothing_that_clients_use_is_gone_or_narrower_than_in_the_last_release() -> None:
    kept = json.loads(KEPT.read_text())
    changes = breaking(kept["document"], SHAPE)

    assert changes == [] or may_break(kept["release"], version()), changes


def schema(document: dict[str, Any], name: str) -> dict[str, Any]:
    """The properties of a schema."""
    properties: dict[str, Any] = document["components"]["schemas"][name]
    return properties


BREAKS: list[tuple[Callable[[dict[str, Any]], Any], str]] = [
    (lambda new: new["paths"].pop(ACCOUNT), f"GET {ACCOUNT} is gone"),
    (lambda new: new["paths"][ACCOUNT].pop("patch"), f"PATCH {ACCOUNT} is gone"),
    (lambda new: new["webhooks"].pop("offer.accepted"), "webhook offer.accepted is gone"),
    (lambda new: schema(new, "AccountOut")["properties"].pop("plan"), f"GET {ACCOUNT}: answer 200.plan is gone"),
    (
        lambda new: schema(new, "AccountOut")["properties"].update(plan={"type": "integer"}),
        f"GET {ACCOUNT}: answer 200.plan has another type",
    ),
    (lambda new: schema(new, "AccountPatch")["properties"].pop("locale"), f"PATCH {ACCOUNT}: body.locale is gone"),
    (lambda new: schema(new, "AccountIn")["required"].append("locale"), "POST /v1/accounts: body.locale is required"),
    (
        lambda new: schema(new, "Party")["enum"].remove("person"),
        "POST /v1/accounts: body.party no longer takes 'person'",
    ),
    (lambda new: new["paths"]["/v1/jobs"]["post"]["responses"].pop("202"), "POST /v1/jobs: answer 202 is gone"),
    (
        lambda new: new["paths"]["/v1/accounts"]["get"]["parameters"].clear(),
        "GET /v1/accounts: parameter external_id is gone",
    ),
    (
        lambda new: schema(new, "ChargeEventData")["properties"].pop("total"),
        "webhook charge.voided.data.total is gone",
    ),
]


@pytest.mark.parametrize(("change", "said"), BREAKS)
def test_change_is_reported_when_it_breaks_a_client(change: Callable[[dict[str, Any]], Any], said: str) -> None:
    new = copy.deepcopy(SHAPE)
    change(new)

    assert said in breaking(SHAPE, new)


def test_additions_and_texts_break_nothing() -> None:
    new = copy.deepcopy(DOCUMENT)
    schema(new, "AccountOut")["properties"]["colour"] = {"type": "string"}
    schema(new, "AccountPatch")["properties"]["colour"] = {"type": "string"}
    new["paths"]["/v1/colours"] = new["paths"]["/v1/accounts"]
    new["paths"][ACCOUNT]["get"]["description"] = "Otherwise."

    assert breaking(SHAPE, new) == []


@pytest.mark.parametrize(
    ("released", "present", "allowed"),
    [("0.1.0", "0.1.1", False), ("0.1.0", "0.2.0", True), ("1.2.0", "1.3.0", False), ("1.2.0", "2.0.0", True)],
)
def test_version_says_whether_clients_may_break(released: str, present: str, allowed: bool) -> None:
    assert may_break(released, present) is allowed
