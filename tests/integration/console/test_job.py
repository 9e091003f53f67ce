"""The job page: its timeline, what it did and led to, and running it again with other args."""

import json
from collections.abc import Callable
from uuid import UUID, uuid4

from sqlalchemy import select

from kontor.bulk.payloads import JobsBulk
from kontor.engine.admin import job_queries
from kontor.engine.admin.job_queries import JobRecord
from kontor.http.context import Deps
from kontor.jobs.service import REDACTED, JobView
from kontor.kernel.states import BulkAction
from models.control import AuditEntry
from models.jobs import Job
from tests.support.api import Api, ResellerAccounts
from tests.support.console import ConsoleClient, enqueue_probe, mark_dead
from tests.support.worker import running_worker

As = Callable[[str], ConsoleClient]
BIG = 123456789012345678901234567890


def test_page_shows_calls_mails_and_follow_up_jobs(
    signed_in: As, api: Api, deps: Deps, make_accounts: Callable[[str], ResellerAccounts]
) -> None:
    accounts = make_accounts("elbe")
    line = {"product": "excel-basics", "count": 5, "mode": "relative", "term": "P1Y"}
    offer = api.ok(
        "POST /v1/offers", {"reseller_id": str(accounts.reseller), "account_id": str(accounts.client), "lines": [line]}
    )["id"]
    with deps.sessions() as session:
        job = session.scalars(select(Job.id).where(Job.task == "offers.deliver")).one()
    with running_worker(deps) as engine:
        engine.inline.drain()
    text = signed_in("viewer").get(f"/console/jobs/{job}").text
    assert "Parent:" not in text
    assert "Child:" in text
    assert "mail.send" in text
    assert f'/console/offers/{offer}">offer</a> <span class="mono">{offer}</span> delivered' in text
    assert "Mailed:" in text
    assert "Called: 1 time on lane" in text
    assert "last response: 204" in text
    assert "Edit and run again" not in text


def test_timeline_shows_waits_runs_and_retries(signed_in: As, deps: Deps) -> None:
    job = enqueue_probe(deps)
    mark_dead(deps, job, ValueError("it broke"))
    text = signed_in("viewer").get(f"/console/jobs/{job}").text
    assert 'rect class="wait"' in text
    assert 'rect class="failed"' in text
    assert "attempt 1: failed" in text


def test_edited_copy_runs_as_a_new_job(signed_in: As, deps: Deps) -> None:
    job = enqueue_probe(deps, "misspelt")
    mark_dead(deps, job, ValueError("it broke"))
    someone = signed_in("operator")
    assert "misspelt" in someone.get(f"/console/jobs/{job}/again").text
    place = f"/console/jobs/{job}/again"
    assert someone.post(place, {"args": '{"message": "spelt"}', "reason": ""}).status_code == 422
    assert "Invalid JSON" in someone.post(place, {"args": "{", "reason": "typo"}).text
    assert "Invalid JSON" in someone.post(place, {"args": '{"seconds": NaN}', "reason": "typo"}).text
    assert "args.seconds" in someone.post(place, {"args": '{"seconds": 61}', "reason": "typo"}).text
    done = someone.post(place, {"args": '{"message": "spelt"}', "reason": "a typo"})
    assert done.status_code == 303, done.text
    new = UUID(done.headers["location"].split("/")[3].partition("?")[0])
    with deps.sessions() as session:
        again = session.get_one(Job, new)
        assert (again.payload, again.parent_id, again.state) == ({"message": "spelt"}, job, "queued")
        assert session.get_one(Job, job).state == "dead"
        entry = session.scalars(select(AuditEntry).where(AuditEntry.action == "job.again")).one()
    assert (entry.reason, entry.detail) == ("a typo", {"job": str(new), "changed": ["message"]})
    assert "Child:" in someone.get(f"/console/jobs/{job}").text
    assert "Parent:" in someone.get(f"/console/jobs/{new}").text


def test_integers_stay_exact_through_the_form(signed_in: As, deps: Deps) -> None:
    from kontor.jobs.service import parse_args

    assert parse_args(f'{{"n": {BIG}}}') == {"n": BIG}
    job = enqueue_probe(deps)
    with deps.sessions() as session:
        session.get_one(Job, job).payload = {"n": BIG}
        session.commit()
    assert str(BIG) in signed_in("operator").get(f"/console/jobs/{job}/again").text


def test_redacted_value_left_unchanged_keeps_its_value(deps: Deps) -> None:
    from kontor.audit import Actor
    from kontor.jobs.service import rerun
    from kontor.kernel.database import psycopg_connection

    job = enqueue_probe(deps, "secret word")
    with deps.sessions() as session:
        record: JobRecord | None = job_queries.find(psycopg_connection(session), job)
        assert record is not None
        view = JobView(record, {"message": REDACTED}, [])
        new = rerun(session, deps.jobs, view, {"message": REDACTED}, Actor("test", None, "why"))
        assert session.get_one(Job, new).payload == {"message": "secret word"}


def test_internal_task_cannot_be_edited_and_run_again(signed_in: As, deps: Deps) -> None:
    run = uuid4()
    with deps.sessions() as session:
        job = deps.jobs.enqueue(session, JobsBulk(action=BulkAction.CANCEL, run=run)).id
        session.commit()
    mark_dead(deps, job, ValueError("it broke"))
    someone = signed_in("admin")
    edited = {"action": "cancel", "run": str(run), "actor": "operator:adm2@kontor.example"}
    assert "Edit and run again" not in someone.get(f"/console/jobs/{job}").text
    assert someone.http.get(f"/console/jobs/{job}/again").status_code == 403
    refused = someone.post(f"/console/jobs/{job}/again", {"args": json.dumps(edited), "reason": "because"})
    assert refused.status_code == 403
    with deps.sessions() as session:
        assert session.scalars(select(Job.id)).all() == [job]
        assert not session.scalars(select(AuditEntry).where(AuditEntry.action == "job.again")).all()
