from collections.abc import Callable
from datetime import timedelta

from sqlalchemy import text

from kontor.accounts.deletion import RESTORE_PERIOD
from kontor.accounts.payloads import TIDY, AccountsTidy
from kontor.adapters.fakes import ManualClock
from kontor.engine.handlers import JobContext
from kontor.engine.schedules import declare
from kontor.evidence.refusals import WINDOW_SECONDS
from kontor.kernel.ids import new_id
from tasks.accounts import AccountsTidyHandler
from tasks.schedules import RecordedHandler, all_schedules, recorded
from tests.support.api import Api, ResellerAccounts

FIRED = """
INSERT INTO schedule_occurrences (schedule, slot, due_at, fired_at, job_id)
VALUES ('accounts.tidy', 'now', :now, :now, :id) RETURNING job_id
"""
Rows = list[tuple[str, ...]]


def rows(api: Api, where: str, columns: str = "actor, action, target") -> Rows:
    """The rows of the audit log, oldest first."""
    with api.deps.sessions() as session:
        query = f"SELECT {columns} FROM audit_log WHERE {where} ORDER BY seq"
        return [tuple(row) for row in session.execute(text(query))]


def test_write_by_a_key_leaves_a_row_with_before_and_after_and_without_secrets(
    api: Api, make_accounts: Callable[[str], ResellerAccounts]
) -> None:
    accounts = make_accounts("elbe")
    key = api.key("read", "enqueue", reseller_id=accounts.reseller)
    change = {"admin_email": "new@elbe.example", "password": "a very long password"}
    api.ok(f"PATCH /v1/accounts/{accounts.client}", change, key=key)
    with api.deps.sessions() as session:
        row = session.execute(
            text("SELECT actor, target, origin, detail, subjects FROM audit_log WHERE action = 'api.change_account'")
        ).one()
    assert row.actor.startswith("key:")
    assert (row.target, row.origin) == (f"account:{accounts.client}", "api 127.0.0.1")
    assert row.detail["sent"] == {"admin_email": "new@elbe.example", "password": "***"}
    (changed,) = [change for change in row.detail["changed"] if change["table"] == "accounts"]
    assert (changed["before"]["admin_email"], changed["after"]["admin_email"]) == (
        "admin@elbe.example",
        "new@elbe.example",
    )
    assert changed["after"]["password_hash"] == "***"
    assert {accounts.client, accounts.reseller} <= set(row.subjects)


def test_enqueued_jobs_previews_and_refused_writes_leave_no_row(
    api: Api, make_accounts: Callable[[str], ResellerAccounts]
) -> None:
    accounts = make_accounts("elbe")
    before = len(rows(api, "true"))
    api.ok("POST /v1/jobs", {"task": "probe.echo", "args": {}})
    assert api.call(f"PATCH /v1/accounts/{accounts.client}", {"admin_email": "no address"}).status_code == 422
    assert len(rows(api, "true")) == before


def test_refusals_are_recorded_once_and_their_repeats_together(
    api: Api, clock: ManualClock, make_accounts: Callable[[str], ResellerAccounts]
) -> None:
    key = api.key("read")
    for _ in range(5):
        assert api.call("GET /v1/jobs", key="kontor_garbage").status_code == 401
        assert api.call("POST /v1/jobs", {"task": "probe.echo"}, key=key).status_code == 403
    refused = "action = 'access.refused'"
    assert [row[1:] for row in rows(api, refused, "actor, target, detail ->> 'code'")] == [
        ("GET /v1/jobs", "unauthorized"),
        ("POST /v1/jobs", "forbidden"),
    ]
    clock.advance(timedelta(seconds=WINDOW_SECONDS))
    assert api.call("GET /v1/jobs", key="kontor_garbage").status_code == 401
    assert rows(api, f"{refused} AND detail ? 'repeats'", "target, detail ->> 'repeats'") == [
        ("GET /v1/jobs", "4"),
        ("POST /v1/jobs", "4"),
    ]


def test_exports_are_recorded(api: Api, make_accounts: Callable[[str], ResellerAccounts]) -> None:
    accounts = make_accounts("elbe")
    assert api.call(f"GET /v1/resellers/{accounts.reseller}/clients.csv").is_success
    assert [row[2] for row in rows(api, "action = 'api.exported'")] == [f"reseller:{accounts.reseller}"]


def test_what_a_schedule_changed_is_recorded_with_its_name(
    api: Api, clock: ManualClock, make_accounts: Callable[[str], ResellerAccounts]
) -> None:
    accounts = make_accounts("elbe")
    api.ok(f"DELETE /v1/accounts/{accounts.client}")
    clock.advance(RESTORE_PERIOD)
    handler = recorded(AccountsTidyHandler(api.deps.context(api.deps.jobs)))
    assert isinstance(handler, RecordedHandler)
    with api.deps.sessions() as session:
        declare(session, all_schedules(session), clock.now(), "1")
        job_id = session.execute(text(FIRED), {"id": new_id(), "now": clock.now()}).scalar_one()
        job = JobContext(job_id, TIDY, "", None, 1, clock.now(), api.deps.jobs, lambda: False)
        handler.run(job, session, AccountsTidy())
        session.commit()
    (row,) = rows(api, "action = 'schedule.accounts.tidy'", "actor, target")
    assert row == ("schedule:accounts.tidy", f"job:{job_id}")
