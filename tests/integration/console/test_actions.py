"""Operator actions: confirmed first, refused without role, token or reason, and audited."""

from collections.abc import Callable
from uuid import UUID, uuid4

from sqlalchemy import select

from kontor.bulk.payloads import JobsBulk
from kontor.console.actions import ACTIONS
from kontor.engine.catalogue import ScheduleSpec
from kontor.engine.schedules import declare
from kontor.http.context import Deps
from kontor.kernel.states import MisfirePolicy
from models.accounts import Account
from models.console import BulkRun
from models.control import AuditEntry, Lane, Queue, Schedule
from models.jobs import Job
from models.portal import PortalFactor, PortalRecoveryCode
from tests.support.api import ResellerAccounts
from tests.support.console import ConsoleClient, enqueue_probe, mark_dead

As = Callable[[str], ConsoleClient]
SOME_ID = "018f0000-0000-7000-8000-000000000000"
OWN = ("account_id", "offer_id", "service_id", "order_id", "charge_id", "endpoint_id", "delivery_id", "reseller_id")
IDS = ("job_id", "run_id", "operator_id", "key_id", "worker", "gap_id", "unmatched_id", *OWN)
NAMES = {**dict.fromkeys(IDS, SOME_ID), "name": "probe"}


def test_viewer_is_refused_every_action(signed_in: As) -> None:
    someone = signed_in("viewer")
    csrf = someone.fields("/console")["csrf"]
    for action in ACTIONS:
        place = action.path.format(**NAMES)
        assert someone.http.get(place).status_code == 403, place
        refused = someone.http.post(place, data={"csrf": csrf, "reason": "because"})
        assert refused.status_code == 403, place
        assert "Your role is viewer" in refused.text


def test_form_without_a_valid_csrf_token_is_refused(signed_in: As) -> None:
    someone = signed_in("admin")
    places = [action.path.format(**NAMES) for action in ACTIONS]
    for place in [*places, "/console/logout", "/console/password", "/console/theme"]:
        for token in ("", "guessed", "\u00fc"):
            refused = someone.http.post(place, data={"csrf": token, "reason": "because"})
            assert refused.status_code == 403, place
            assert "does not belong to your session" in refused.text


def test_action_buttons_are_hidden_from_a_viewer(signed_in: As, deps: Deps) -> None:
    job = enqueue_probe(deps)
    mark_dead(deps, job, ValueError("it broke"))
    someone = signed_in("viewer")
    for path in ("/console/queues", f"/console/jobs/{job}", "/console/dead", "/console/schedules"):
        text = someone.get(path).text
        assert not [word for word in ("/retry", "/pause", "/discard", "/cancel", "/run") if f'{word}"' in text], path


def test_retry_of_a_dead_job_is_confirmed_and_audited(signed_in: As, deps: Deps) -> None:
    job = enqueue_probe(deps)
    mark_dead(deps, job, ValueError("it broke"))
    someone = signed_in("operator")
    assert "is queued now" in someone.get(f"/console/jobs/{job}/retry").text
    done = someone.post(f"/console/jobs/{job}/retry", {"reason": "the disk has space again"})
    assert done.headers["location"] == f"/console/jobs/{job}?done=retry"
    with deps.sessions() as session:
        assert session.get_one(Job, job).state == "queued"
        entry = session.scalars(select(AuditEntry).where(AuditEntry.action == "job.retry")).one()
    assert entry.actor == "operator:operator@kontor.example"
    assert entry.reason == "the disk has space again"
    assert "the disk has space again" in someone.get("/console/audit?action=job.").text
    again = someone.post(f"/console/jobs/{job}/retry")
    assert again.status_code == 409
    assert "A job that is queued cannot be retried." in again.text


def test_cancelling_requires_a_reason(signed_in: As, deps: Deps) -> None:
    job = enqueue_probe(deps)
    someone = signed_in("operator")
    assert someone.post(f"/console/jobs/{job}/cancel", {"reason": " "}).status_code == 422
    assert someone.post(f"/console/jobs/{job}/cancel", {"reason": "ordered twice"}).status_code == 303
    assert "cancelled" in someone.get(f"/console/jobs/{job}").text


def test_bulk_retry_is_previewed_first_and_requires_a_reason(signed_in: As, deps: Deps) -> None:
    for number in range(3):
        mark_dead(deps, enqueue_probe(deps, f"{number}"), ValueError(f"no space on disk {number}"))
    mark_dead(deps, enqueue_probe(deps, "another"), KeyError("missing"))
    someone = signed_in("operator")
    text = someone.get("/console/dead").text
    assert "3 × probe.echo" in text
    group = text.partition('name="filter" value="')[2].partition('"')[0].replace("&amp;", "&")
    begun = someone.post("/console/bulk", {"action": "retry", "filter": group})
    assert begun.status_code == 303
    place = begun.headers["location"]
    assert someone.post(f"{place}/start", {"reason": " "}).status_code == 422
    with deps.sessions() as session:
        assert [job.task for job in session.scalars(select(Job).where(Job.state != "dead"))] == ["jobs.foresee"]
    assert someone.post(f"{place}/start", {"reason": "space again"}).status_code == 303
    with deps.sessions() as session:
        job = session.scalars(select(Job).where(Job.task == JobsBulk.policy.name)).one()
        entry = session.scalars(select(AuditEntry).where(AuditEntry.action == "bulk.retry")).one()
        run = session.get_one(BulkRun, UUID(str(job.payload["run"])))
    assert job.payload["fingerprint"] == group.rpartition("=")[2]
    assert job.payload["states"] == ["dead"]
    assert (run.actor, run.reason, entry.reason) == (entry.actor, "space again", "space again")
    assert not {"actor", "reason"} & set(job.payload)
    assert someone.post(f"{place}/start", {"reason": "again"}).status_code == 409


def test_queue_is_paused_and_resumed(signed_in: As, deps: Deps) -> None:
    someone = signed_in("operator")
    assert someone.post("/console/queues/probe/pause", {"reason": "moving house"}).status_code == 303
    with deps.sessions() as session:
        assert session.get_one(Queue, "probe").paused
    assert "Queue probe is paused." in someone.get("/console").text
    assert someone.post("/console/queues/probe/resume").status_code == 303
    with deps.sessions() as session:
        assert not session.get_one(Queue, "probe").paused
    assert someone.post("/console/queues/none/pause", {"reason": "x"}).status_code == 404


def test_schedule_is_described_in_words_run_and_paused(signed_in: As, deps: Deps) -> None:
    with deps.sessions() as session:
        every = ScheduleSpec("nightly", "5 0 * * *", "Europe/Berlin", "probe.echo", MisfirePolicy.ONCE)
        declare(session, [every], deps.clock.now())
        session.commit()
    someone = signed_in("operator")
    text = someone.get("/console/schedules").text
    assert "At 00:05 every day" in text
    assert "2026-03-03 00:05:00 CET" in text
    assert "2026-03-02 23:05:00 UTC" in text
    assert someone.post("/console/schedules/nightly/run").status_code == 303
    assert someone.post("/console/schedules/nightly/pause", {"reason": "quiet night"}).status_code == 303
    with deps.sessions() as session:
        assert session.get_one(Schedule, "nightly").paused
        assert session.scalars(select(Job)).one().task == "probe.echo"


def test_lane_is_held_released_and_probed(signed_in: As, deps: Deps) -> None:
    with deps.sessions() as session:
        session.add(Lane(name="instance:x"))
        session.commit()
    someone = signed_in("operator")

    def state() -> str:
        with deps.sessions() as session:
            return session.get_one(Lane, "instance:x").state

    assert someone.post("/console/instances/instance%3Ax/probe").status_code == 409
    assert someone.post("/console/instances/instance%3Ax/hold", {"reason": "they asked"}).status_code == 303
    assert state() == "forced"
    assert someone.post("/console/instances/instance%3Ax/release").status_code == 303
    assert state() == "open"
    assert someone.post("/console/instances/instance%3Ax/probe").status_code == 303
    with deps.sessions() as session:
        assert session.get_one(Lane, "instance:x").probe_at == deps.clock.now()
        acts = session.scalars(
            select(AuditEntry.action).where(AuditEntry.target == "lane:instance:x").order_by(AuditEntry.seq)
        ).all()
    assert acts == ["lane.hold", "lane.release", "lane.probe"]


def test_second_factors_of_an_owner_are_removed_with_a_reason(
    signed_in: As, deps: Deps, make_accounts: Callable[[str], ResellerAccounts]
) -> None:
    someone, elbe = signed_in("operator"), make_accounts("elbe")
    place, now = f"/console/accounts/{elbe.client}", deps.clock.wall_time()
    assert "remove-factors" not in someone.get(place).text
    with deps.sessions() as session:
        for holder in (f"account:{elbe.client}", f"account:{elbe.reseller}"):
            session.add(PortalFactor(id=uuid4(), holder=holder, kind="totp", name="Phone", created_at=now))
            session.add(PortalRecoveryCode(holder=holder, code_hash="x", created_at=now))
        session.commit()
    assert "remove-factors" in someone.get(place).text
    assert someone.post(f"{place}/remove-factors").status_code == 422
    assert someone.post(f"{place}/remove-factors", {"reason": "lost the phone"}).status_code == 303
    with deps.sessions() as session:
        kept = [*session.scalars(select(PortalFactor.holder)), *session.scalars(select(PortalRecoveryCode.holder))]
        entry = session.scalars(select(AuditEntry).where(AuditEntry.action == "factors.remove")).one()
    assert (kept, entry.reason) == ([f"account:{elbe.reseller}"] * 2, "lost the phone")


def test_account_is_suspended_and_resumed_with_its_clients(
    signed_in: As, deps: Deps, make_accounts: Callable[[str], ResellerAccounts]
) -> None:
    someone, elbe = signed_in("operator"), make_accounts("elbe")
    place = f"/console/accounts/{elbe.reseller}"
    assert f"{place}/suspend" in someone.get(place).text
    assert someone.post(f"{place}/suspend", {"reason": "abuse"}).status_code == 303
    with deps.sessions() as session:
        assert [session.get_one(Account, each).suspended for each in (elbe.reseller, elbe.client)] == [True, True]
        entry = session.scalars(select(AuditEntry).where(AuditEntry.action == "suspension.set")).one()
    assert (entry.reason, entry.target) == ("abuse", f"account:{elbe.reseller}")
    assert someone.post(f"{place}/resume", {"reason": "settled"}).status_code == 303
    assert f"{place}/suspend" in someone.get(place).text


def test_operator_acts_on_an_account_with_a_reason_in_the_audit_log(
    signed_in: As, deps: Deps, make_accounts: Callable[[str], ResellerAccounts]
) -> None:
    made = make_accounts("elbe")
    someone, place = signed_in("operator"), f"/console/accounts/{made.client}"

    def act(verb: str, **sent: str) -> tuple[int, str]:
        answer = someone.post(f"{place}/{verb}", {"reason": f"ticket about {verb}", **sent})
        return answer.status_code, answer.headers.get("location", "").rpartition("=")[2]

    assert someone.post(f"{place}/delete").status_code == 422
    assert act("trial")[0] == 409, "the programme learning has no trial"
    assert act("plan", plan="none such")[0] == 422
    assert act("domain", domain="no domain")[0] == 422
    assert act("domain", domain="kurse.elbe.example") == (303, "domain")
    assert act("delete") == (303, "delete")
    assert 'href="/console/accounts/' in someone.get(place).text
    assert act("restore") == (303, "restore")
    assert act("become-reseller") == (303, "reseller")
    with deps.sessions() as session:
        account = session.get_one(Account, made.client)
        reasons = set(session.scalars(select(AuditEntry.reason).where(AuditEntry.reason.is_not(None))))
    assert (account.kind, account.deleted_at) == ("reseller", None)
    assert {f"ticket about {verb}" for verb in ("domain", "delete", "restore", "become-reseller")} <= reasons
