"""Each field narrows the SQL, and a bulk action hits no job beyond the filtered page."""

from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl
from uuid import UUID

import pytest
from psycopg import Connection

from kontor.bulk import service as bulk
from kontor.engine.admin.job_details import bounded_count
from kontor.engine.admin.job_filter import CONDITIONS, JobFilter
from kontor.engine.admin.job_queries import count_by_task_and_tenant, newest_jobs
from kontor.jobs.service import with_defaults
from kontor.kernel.database import psycopg_connection
from kontor.kernel.states import BulkAction
from models.accounts import Account
from models.jobs import Job
from models.task_types import DeclaredJob
from tests.support.api import Api
from tests.support.job_filters import HIGH, LOW, MIDDLE, MOMENT, MOVED, RESELLER, VALUES, filter_on
from tests.support.wiring import apply_example

MATCHES = {"created_before": LOW, "before": LOW}
"""The older of both jobs matches a limit to the past, the newer one every other field."""


@pytest.fixture
def both(api: Api) -> Api:
    """Two jobs that differ in everything that can be filtered."""
    second = timedelta(seconds=1)
    newer = {
        "task": VALUES["task"], "queue": VALUES["queue"], "tenant": "elbe", "state": "dead",
        "payload": {"offer_id": 7, "a=b&c": ""}, "fingerprint": VALUES["fingerprint"],
        "error": {"message": f"OSError: {VALUES['error']}!"}, "created_at": MOMENT + second,
    }  # fmt: skip
    older = {
        "task": "probe.echo", "queue": "default", "tenant": str(MOVED), "state": "queued", "payload": {"offer_id": 8},
        "created_at": MOMENT - second,
    }  # fmt: skip
    shared = {"priority": 0, "run_at": MOMENT, "attempt": 1, "max_attempts": 5}
    with api.deps.sessions() as session:
        apply_example(session, "learning", api.deps.clock)
        for account in (an_account(RESELLER), an_account(MOVED, reseller_id=RESELLER, reseller_since=MIDDLE)):
            session.add(account)
            session.flush()
        session.add_all([Job(id=HIGH, **shared, **newer), Job(id=LOW, **shared, **older)])
        session.add_all([DeclaredJob(job_id=HIGH, external_id=VALUES["external_id"]), DeclaredJob(job_id=LOW)])
        session.commit()
    return api


def an_account(account_id: UUID, **more: Any) -> Account:
    """A reseller, or with `reseller_id` a client."""
    name = str(account_id)
    return Account(
        id=account_id,
        programme="learning",
        name=name,
        name_key=name,
        kind="client" if more else "reseller",
        party="company",
        admin_email="a@elbe.example",
        email_key=name,
        locale="de",
        timezone="UTC",
        plan="free",
        created_at=MOMENT,
        **more,
    )


def ids(connection: Connection[Any], job_filter: JobFilter) -> set[UUID]:
    return {job.id for job in newest_jobs(connection, job_filter, 10)}


def test_each_field_narrows_every_query(both: Api) -> None:
    with both.deps.sessions() as session:
        connection = psycopg_connection(session)
        assert ids(connection, JobFilter()) == {LOW, HIGH}
        for name in JobFilter.model_fields:
            chosen = filter_on(name)
            assert ids(connection, chosen) == {MATCHES.get(name, HIGH)}, name
            assert bounded_count(connection, chosen) == 1, name
            assert sum(count for *_, count in count_by_task_and_tenant(connection, chosen)) == 1, name


def test_bulk_action_hits_no_job_beyond_the_page_of_its_filter(both: Api) -> None:
    with both.deps.sessions() as session:
        connection = psycopg_connection(session)
        for name in (name for name, condition in CONDITIONS.items() if condition.param):
            page = JobFilter.parse(parse_qsl(filter_on(name).to_query_string(), keep_blank_values=True))
            stored = JobFilter.load(page.dump())
            assert ids(connection, page) == {MATCHES.get(name, HIGH)}, name
            assert ids(connection, bulk.applicable(BulkAction.CANCEL, stored)) == {MATCHES.get(name, HIGH)}, name
            assert ids(connection, bulk.applicable(BulkAction.RETRY, stored)) <= {MATCHES.get(name, HIGH)}, name


def test_console_page_and_bulk_action_of_an_error_group_have_the_same_age(both: Api) -> None:
    later = MOMENT + timedelta(days=30)
    with both.deps.sessions() as session:
        applied = with_defaults(filter_on("fingerprint"), later, real_time=False)
        assert ids(psycopg_connection(session), applied) == {HIGH}
