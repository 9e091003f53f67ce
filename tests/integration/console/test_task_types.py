"""Console pages of task types, and pull workers on the Workers page: readable, masked, by name."""

from collections.abc import Callable
from datetime import timedelta
from uuid import uuid4

import pytest

from kontor.engine import outside
from kontor.engine.enqueue import JobRequest
from kontor.engine.outside import NewLease
from kontor.http.context import Deps
from kontor.http.puller_use import PullerUse
from kontor.kernel.database import psycopg_connection
from kontor.task_types import registry
from kontor.task_types.declaration import TaskTypeIn
from kontor.task_types.service import TaskTypes
from tests.support.console import ConsoleClient

As = Callable[[str], ConsoleClient]
SECRET = {"properties": {"password": {"type": "string", "writeOnly": True}}}


@pytest.fixture
def types(deps: Deps) -> TaskTypes:
    """Two types: a push type whose success enqueues a job with a sensitive arg of the pull type."""
    types = TaskTypes(deps.jobs.catalogue, deps.secret_box)
    push = {"handler": {"push": "https://provisioner.example/kontor"}, "compensate": "vps.delete"}
    then = {"then": {"task": "vps.delete", "args": {"password": "hunter2"}}}
    with deps.sessions() as session:
        for name, declared in (("vps.delete", {"handler": "pull", "args": SECRET}), ("vps.create", {**push, **then})):
            types.put(session, name, TaskTypeIn.model_validate(declared), deps.clock.now(), "key:ops")
        registry.refresh(psycopg_connection(session), deps.jobs.catalogue)
        session.commit()
    return types


@pytest.mark.usefixtures("types")
def test_types_are_listed_with_their_handlers(signed_in: As) -> None:
    text = signed_in("viewer").get("/console/task-types").text
    assert "provisioner.example" in text
    assert "pull workers" in text


@pytest.mark.usefixtures("types")
def test_type_is_shown_without_sensitive_args_or_secrets(signed_in: As) -> None:
    viewer = signed_in("viewer")
    text = viewer.get("/console/task-types/vps.create").text
    assert "https://provisioner.example/kontor" in text
    assert "key:ops" in text
    assert "***" in text
    assert "hunter2" not in text
    assert "whsec_" not in text
    assert viewer.get("/console/task-types/vps.nothing").status_code == 404


@pytest.mark.usefixtures("types")
def test_pull_workers_are_listed_by_name_with_what_they_hold(signed_in: As, deps: Deps) -> None:
    busy, idle, use = uuid4(), uuid4(), PullerUse()
    use.note(busy, "rack-7")
    use.note(idle, "rack-8")
    with deps.sessions() as session:
        connection, lease = psycopg_connection(session), uuid4()
        use.flush(connection)
        job = deps.jobs.enqueue_on(connection, JobRequest("vps.delete", {"password": "hunter2"})).id
        running = "UPDATE jobs SET state = 'running', lease = %s, worker = 'pull:rack-7', started_at = %s WHERE id = %s"
        connection.execute(running, (lease, deps.clock.now(), job))
        outside.begin(connection, job, NewLease(lease, "pull", "pull:rack-7", timedelta(minutes=5), key_id=busy))
        session.commit()
    text = signed_in("viewer").get("/console/workers").text
    rows = [row for row in text.split("<tr data-row>") if "rack-" in row]
    assert ["rack-7" in rows[0], f"/console/jobs/{job}" in rows[0]] == [True, True]
    assert ["rack-8" in rows[1], "nothing" in rows[1]] == [True, True]
    assert "Jobs of lost workers" not in text
