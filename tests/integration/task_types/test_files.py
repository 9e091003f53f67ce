"""Task files: read with errors at their line, planned, applied once."""

import pytest

from kontor.engine.catalogue import Catalogue
from kontor.task_types import files
from kontor.task_types.files import Applying, InvalidTaskFile, TaskPlan
from kontor.task_types.service import TaskTypes
from tasks.catalogue import PAYLOADS
from tasks.schedules import declared_schedules
from tests.support.api import Api

FILE = """\
tasks:
  vps.create:
    args:
      type: object
      properties: {plan: {type: string}, factor: {type: number, multipleOf: 0.5}}
    handler: {push: "https://provisioner.example/kontor"}
    compensate: vps.delete
  vps.delete:
    args: {properties: {all: {type: boolean}}}
    handler: pull
schedules:
  nightly: {task: vps.delete, args: {all: true}, cron: "0 3 * * *", timezone: Europe/Berlin, misfire: once}
"""


def apply(api: Api, text: str, *, dry_run: bool = False) -> TaskPlan:
    """Apply a file named vps."""
    applying = Applying(TaskTypes(Catalogue(PAYLOADS), api.deps.secret_box), ("upkeep.retention",))
    with api.deps.sessions() as session:
        plan = applying.apply(session, "vps", files.read(text), api.deps.clock.now(), "cli:me", dry_run=dry_run)
        session.commit()
    return plan


def test_file_changes_nothing_when_it_is_applied_again(api: Api) -> None:
    planned = apply(api, FILE, dry_run=True)
    assert (planned.applied, len(planned.changes), planned.secrets) == (False, 3, {})
    assert api.ok("GET /v1/task-types")["items"] == []
    first = apply(api, FILE)
    assert first.applied
    assert list(first.secrets) == ["vps.create"]
    again = apply(api, FILE)
    assert (again.applied, again.changes, again.secrets) == (False, (), {})
    with api.deps.sessions() as session:
        (nightly,) = declared_schedules(session)
    assert (nightly.name, nightly.task, nightly.args) == ("nightly", "vps.delete", {"all": True})


def test_schedule_goes_when_its_file_no_longer_has_it(api: Api) -> None:
    apply(api, FILE)
    assert apply(api, FILE.partition("schedules:")[0]).changes == ("schedule nightly: gone",)


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ("handler: pull", "handler: pool", 10),
        ("compensate: vps.delete", "compensate: vps.nothing", 7),
        ("type: object", "type: objekt", 4),
        ("vps.create:", "mail.create:", 2),
        ("task: vps.delete", "task: vps.gone", 12),
        ("nightly:", "upkeep.retention:", 12),
        ("schedules:", "plans:", 11),
        ("args: {all: true}", "args: {all: yes please}", 12),
        ("    handler: pull", "    handler: pull\n    lane: account", 13),
        ("    handler: pull", "    handler: pull\n    then: {task: vps.create, args: {plan: 7}}", 11),
        ("    handler: pull", "    handler: pull\n    colour: red", 11),
    ],
)
def test_error_has_its_line_when_a_file_is_wrong(api: Api, old: str, new: str, line: int) -> None:
    with pytest.raises(InvalidTaskFile) as refused:
        apply(api, FILE.replace(old, new, 1))
    assert f"line {line}" in [error.loc for error in refused.value.errors]
