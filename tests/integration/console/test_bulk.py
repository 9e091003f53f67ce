"""A bulk action has the effects its preview predicted, on a group of mixed jobs."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID

import pytest
from sqlalchemy import func, select, text

from kontor.adapters.fakes import ManualClock
from kontor.bulk.preview import Preview
from kontor.engine.dead_jobs import dead_jobs, shelve
from kontor.http.context import Deps
from kontor.kernel.database import psycopg_connection
from kontor.programme import files
from models.control import AuditEntry
from models.fees import Charge
from models.jobs import ArchivedJob, Job
from models.mails import Mail
from tests.support.api import Api, ResellerAccounts
from tests.support.console import ConsoleClient, enqueue_probe, mark_dead
from tests.support.console_bulk import BROKEN, load_preview, mark_all_dead, run_preview
from tests.support.worker import running_worker
from workers.migrations import ROOT

As = Callable[[str], ConsoleClient]
LATER = datetime(2027, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Mixed:
    """A dead group of mixed jobs, and its filter."""

    accounts: ResellerAccounts
    filter: str
    jobs: int


def again(deps: Deps, job_id: UUID) -> UUID:
    """Enqueue a copy of a job and mark it dead; by then its effect exists."""
    with deps.sessions() as session:
        old = session.get_one(Job, job_id)
        put = deps.jobs.enqueue(session, old.task, old.payload, tenant=old.tenant, lane=old.lane)
        session.commit()
    mark_dead(deps, put.id, OSError(BROKEN))
    return put.id


@pytest.fixture(params=["jobs", "jobs_archive"])
def mixed(
    request: pytest.FixtureRequest, api: Api, deps: Deps, make_accounts: Callable[[str], ResellerAccounts]
) -> Mixed:
    """Dead mails, calls, obsolete jobs and jobs with clashing unique keys, all with the same error, in either table."""
    accounts = make_accounts("elbe")
    hook = {"url": "https://listener.example/hook", "events": ["offer.delivered"]}
    api.ok("POST /v1/webhook-endpoints", hook, key=api.key("read", "enqueue", reseller_id=accounts.reseller))
    with running_worker(deps) as engine:
        engine.inline.drain()
    line = {"product": "excel-basics", "count": 5, "mode": "relative", "term": "P1Y"}
    sent = {"reseller_id": str(accounts.reseller), "account_id": str(accounts.client), "lines": [line]}
    offers = [api.ok("POST /v1/offers", sent)["id"] for _ in range(3)]
    calls = mark_all_dead(deps, "offers.deliver")
    again(deps, calls[0])
    api.ok(f"POST /v1/offers/{offers[2]}/cancel")
    mark_all_dead(deps, "offers.withdraw")
    for _ in range(2):
        api.ok(f"POST /v1/accounts/{accounts.client}/activation")
    mails = mark_all_dead(deps, "mail.send")
    again(deps, mails[0])
    with deps.sessions() as session:
        for key in ("taken", "twice", "twice"):
            job = deps.jobs.enqueue(session, "probe.echo", {"message": key}, unique_key=key)
            session.get_one(Job, job.id).state = "dead"
            session.flush()
        deps.jobs.enqueue(session, "probe.echo", {"message": "rival"}, unique_key="taken", run_at=LATER)
        session.commit()
        probes = list(session.scalars(select(Job.id).where(Job.task == "probe.echo", Job.state == "dead")))
    for job_id in probes:
        mark_dead(deps, job_id, OSError(BROKEN))
    with deps.sessions() as session:
        dead = session.scalars(select(Job).where(Job.state == "dead")).all()
        assert len({job.fingerprint for job in dead}) == 1
        if request.param == "jobs_archive":
            assert shelve(psycopg_connection(session), LATER, 1_000) == len(dead)
            session.commit()
        return Mixed(accounts, f"state=dead&fingerprint={dead[0].fingerprint}", len(dead))


def counts(deps: Deps) -> dict[str, int]:
    """Count the rows that a dry run must not add."""
    with deps.sessions() as session:
        tables = {"mails": Mail, "charges": Charge, "audit": AuditEntry}
        row_counts = {
            name: session.scalar(select(func.count()).select_from(table)) or 0 for name, table in tables.items()
        }
        waiting = select(func.count()).select_from(Job).where(Job.state != "dead", Job.task != "jobs.foresee")
        return {**row_counts, "waiting": session.scalar(waiting) or 0}


def dead_left(deps: Deps) -> int:
    """Count the dead jobs of both tables."""
    with deps.sessions() as session:
        return session.scalar(text(f"SELECT count(*) FROM {dead_jobs('id')}")) or 0


def test_bulk_retry_has_exactly_the_previewed_effects(signed_in: As, deps: Deps, mixed: Mixed) -> None:
    someone = signed_in("operator")
    with running_worker(deps) as engine:
        before = counts(deps)
        place = run_preview(someone, engine, mixed.filter)
        run, foreseen = load_preview(deps, place)

        assert not engine.http.posted
        assert not engine.mail_transport.sent
        assert (run.total, run.looked, foreseen.jobs) == (mixed.jobs, mixed.jobs, mixed.jobs)
        outcomes = foreseen.goes + foreseen.settled + foreseen.conflicts + foreseen.unknown
        assert outcomes == mixed.jobs
        assert foreseen.conflicts == 2
        assert foreseen.settled >= 3
        assert min(foreseen.mails, foreseen.calls, foreseen.webhooks) > 0
        assert counts(deps)["mails"] == before["mails"]
        assert counts(deps)["audit"] == before["audit"] + 1, "the preview alone"
        page = someone.get(place).text
        assert "Nothing has happened yet." in page
        assert "elbe" in page

        assert someone.post(f"{place}/start", {"reason": "the disk has space"}).status_code == 303
        engine.inline.drain()

        run, _ = load_preview(deps, place)
        assert (run.state, run.done, run.refused) == ("done", mixed.jobs - foreseen.conflicts, foreseen.conflicts)
        assert len({mail.raw for mail in engine.mail_transport.sent}) == foreseen.mails
        urls = [posted.url for posted in engine.http.posted]
        assert urls.count("https://customer.example/hook") == foreseen.calls
        assert urls.count("https://listener.example/hook") == foreseen.webhooks
        with deps.sessions() as session:
            reasons = session.scalars(select(AuditEntry.reason).where(AuditEntry.action == "job.retry")).all()
            assert list(reasons) == ["the disk has space"] * run.done
        assert dead_left(deps) == 2
    assert "Done." in someone.get(place).text


def test_preview_names_jobs_that_would_fail_again(signed_in: As, deps: Deps) -> None:
    with deps.sessions() as session:
        job = deps.jobs.enqueue(session, "offers.deliver", {"offer_id": "018f0000-0000-7000-8000-000000000000"}).id
        session.commit()
    mark_dead(deps, job, OSError(BROKEN))
    someone = signed_in("operator")
    with running_worker(deps) as engine:
        place = run_preview(someone, engine, "state=dead")
    _, foreseen = load_preview(deps, place)
    assert (foreseen.fails, foreseen.goes) == (1, 0)
    assert "NotFound" in someone.get(place).text


def test_preview_of_a_discard_counts_the_dropped_effects(signed_in: As, deps: Deps, mixed: Mixed) -> None:
    someone = signed_in("operator")
    with running_worker(deps) as engine:
        place = run_preview(someone, engine, mixed.filter, "cancel")
        _, foreseen = load_preview(deps, place)
        assert foreseen.calls > 0
        assert someone.post(f"{place}/start", {"reason": "not wanted"}).status_code == 303
        engine.inline.drain()
        assert not engine.http.posted
        assert not engine.mail_transport.sent
    with deps.sessions() as session:
        gone = select(func.count()).select_from(ArchivedJob).where(ArchivedJob.reason == "not wanted")
        assert session.scalar(gone) == mixed.jobs
    assert dead_left(deps) == 0


def test_viewer_sees_bulk_actions_but_cannot_start_one(signed_in: As, deps: Deps) -> None:
    mark_dead(deps, enqueue_probe(deps), OSError(BROKEN))
    someone = signed_in("viewer")
    assert someone.post("/console/bulk", {"action": "retry", "filter": "state=dead"}).status_code == 403
    assert "Preview retry" not in someone.get("/console/dead").text
    assert "Preview retry" not in someone.get("/console/jobs?state=dead").text
    assert replace(Preview("", ""), jobs=1) + Preview("", "", jobs=2) == Preview("", "", jobs=3)


def telephony(api: Api, clients: int) -> None:
    """Create a reseller whose clients each have a monthly product."""
    with api.deps.sessions() as session:
        source = (ROOT / "examples" / "programmes" / "telephony.yaml").read_text()
        files.apply(session, "telephony", source, now=api.deps.clock.now(), actor="test")
        session.commit()
    new = {"programme": "telephony", "name": "ringers", "admin_email": "boss@ringers.example"}
    reseller = api.ok("POST /v1/accounts", new)["id"]
    api.ok(f"POST /v1/accounts/{reseller}/become-reseller")
    for number in range(clients):
        new_client = {"name": f"caller {number}", "admin_email": f"admin@caller{number}.example"}
        client = api.ok(f"POST /v1/resellers/{reseller}/clients", new_client)["id"]
        api.ok(f"POST /v1/accounts/{client}/products", {"product": "call-recording"})


def charged(deps: Deps) -> Decimal:
    """The sum of all charges."""
    with deps.sessions() as session:
        return session.scalar(select(func.sum(Charge.total))) or Decimal(0)


def test_preview_predicts_charges_to_the_cent(signed_in: As, api: Api, deps: Deps, clock: ManualClock) -> None:
    telephony(api, clients=3)
    with running_worker(deps) as engine:
        engine.inline.drain()
    clock.advance(timedelta(days=32))
    with deps.sessions() as session:
        for _ in range(2):
            deps.jobs.enqueue(session, "fees.charge", {"programme": "telephony"})
        session.commit()
    mark_all_dead(deps, "fees.charge")
    someone = signed_in("operator")
    with running_worker(deps) as engine:
        before = charged(deps)
        place = run_preview(someone, engine, "state=dead&task=fees.charge")
        _, foreseen = load_preview(deps, place)
        assert charged(deps) == before
        assert foreseen.goes == 2
        assert "30.00 USD" in someone.get(place).text
        assert someone.post(f"{place}/start", {"reason": "the month must be charged"}).status_code == 303
        engine.inline.drain()
    assert {currency: Decimal(amount) for currency, amount in foreseen.money.items()} == {"USD": charged(deps) - before}
