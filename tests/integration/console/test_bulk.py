"""A bulk action does what its preview said, on a mixed group, also when it is killed in the middle."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID

import pytest
from sqlalchemy import func, select

from adapters.clock_fakes import ManualClock
from api.deps import Deps
from models.control import AuditEntry
from models.fees import Charge
from models.jobs import ArchivedJob, Job
from models.mails import Mail
from services import programme_files
from services.foreseeing import Foreseen
from store.schema import ROOT
from tests.support.api import Api, ResellerAccounts
from tests.support.console import ConsoleClient, enqueue_probe, mark_dead
from tests.support.console_bulk import BROKEN, load_preview, mark_all_dead, run_preview
from tests.support.worker import running_worker

As = Callable[[str], ConsoleClient]
LATER = datetime(2027, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Mixed:
    """A dead group of everything, and the filter that names it."""

    accounts: ResellerAccounts
    filter: str
    jobs: int


def again(deps: Deps, job_id: UUID) -> UUID:
    """The same job once more, dead as well: what it does was done by then."""
    with deps.sessions() as session:
        old = session.get_one(Job, job_id)
        put = deps.jobs.enqueue(session, old.task, old.payload, tenant=old.tenant, lane=old.lane)
        session.commit()
    mark_dead(deps, put.id, OSError(BROKEN))
    return put.id


@pytest.fixture
def mixed(api: Api, deps: Deps, make_accounts: Callable[[str], ResellerAccounts]) -> Mixed:
    """Mails, calls, what is done already, and jobs that take each other's unique key; all dead of one error."""
    one = make_accounts("elbe")
    hook = {"url": "https://listener.example/hook", "events": ["offer.delivered"]}
    api.ok("POST /v1/webhook-endpoints", hook, key=api.key("read", "enqueue", reseller_id=one.reseller))
    with running_worker(deps) as engine:
        engine.inline.drain()
    line = {"product": "excel-basics", "count": 5, "mode": "relative", "term": "P1Y"}
    sent = {"reseller_id": str(one.reseller), "account_id": str(one.client), "lines": [line]}
    offers = [api.ok("POST /v1/offers", sent)["id"] for _ in range(3)]
    calls = mark_all_dead(deps, "offers.deliver")
    again(deps, calls[0])
    api.ok(f"POST /v1/offers/{offers[2]}/cancel")
    mark_all_dead(deps, "offers.withdraw")
    for _ in range(2):
        api.ok(f"POST /v1/accounts/{one.client}/activation")
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
        return Mixed(one, f"state=dead&fingerprint={dead[0].fingerprint}", len(dead))


def counts(deps: Deps) -> dict[str, int]:
    """How many rows there are of what a rehearsal might leave behind."""
    with deps.sessions() as session:
        tables = {"mails": Mail, "charges": Charge, "audit": AuditEntry}
        found = {name: session.scalar(select(func.count()).select_from(table)) or 0 for name, table in tables.items()}
        waiting = select(func.count()).select_from(Job).where(Job.state != "dead", Job.task != "jobs.foresee")
        return {**found, "waiting": session.scalar(waiting) or 0}


def test_the_preview_equals_what_then_happens(signed_in: As, deps: Deps, mixed: Mixed) -> None:
    someone = signed_in("operator")
    with running_worker(deps) as engine:
        before = counts(deps)
        place = run_preview(someone, engine, mixed.filter)
        run, foreseen = load_preview(deps, place)

        assert not engine.http.posted
        assert not engine.mail_transport.sent
        assert (run.total, run.looked, foreseen.jobs) == (mixed.jobs, mixed.jobs, mixed.jobs)
        told = foreseen.goes + foreseen.settled + foreseen.conflicts + foreseen.unknown
        assert told == mixed.jobs
        assert foreseen.conflicts == 2
        assert foreseen.settled >= 3
        assert min(foreseen.mails, foreseen.calls, foreseen.webhooks) > 0
        assert counts(deps)["mails"] == before["mails"]
        assert counts(deps)["audit"] == before["audit"]
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
            assert session.scalar(select(func.count()).select_from(Job).where(Job.state == "dead")) == 2
    assert "It is done." in someone.get(place).text


def test_what_would_fail_again_is_said_before(signed_in: As, deps: Deps) -> None:
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


def test_a_discard_says_what_will_not_happen(signed_in: As, deps: Deps, mixed: Mixed) -> None:
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
        assert session.scalar(select(func.count()).select_from(Job).where(Job.state == "dead")) == 0
        gone = select(func.count()).select_from(ArchivedJob).where(ArchivedJob.reason == "not wanted")
        assert session.scalar(gone) == mixed.jobs


def test_a_viewer_sees_bulk_actions_and_may_not_begin_one(signed_in: As, deps: Deps) -> None:
    mark_dead(deps, enqueue_probe(deps), OSError(BROKEN))
    someone = signed_in("viewer")
    assert someone.post("/console/bulk", {"action": "retry", "filter": "state=dead"}).status_code == 403
    assert "Preview:" not in someone.get("/console/dead").text
    assert "Preview:" not in someone.get("/console/jobs?state=dead").text
    assert replace(Foreseen("", ""), jobs=1) + Foreseen("", "", jobs=2) == Foreseen("", "", jobs=3)


def telephony(api: Api, clients: int) -> None:
    """A reseller whose clients each have a product that is charged by the month."""
    with api.deps.sessions() as session:
        source = (ROOT / "examples" / "programmes" / "telephony.yaml").read_text()
        programme_files.apply(session, "telephony", source, now=api.deps.clock.now(), actor="test")
        session.commit()
    new = {"programme": "telephony", "name": "ringers", "admin_email": "boss@ringers.example"}
    reseller = api.ok("POST /v1/accounts", new)["id"]
    api.ok(f"POST /v1/accounts/{reseller}/become-reseller")
    for number in range(clients):
        told = {"name": f"caller {number}", "admin_email": f"admin@caller{number}.example"}
        client = api.ok(f"POST /v1/resellers/{reseller}/clients", told)["id"]
        api.ok(f"POST /v1/accounts/{client}/products", {"product": "call-recording"})


def charged(deps: Deps) -> Decimal:
    """Everything that was ever charged."""
    with deps.sessions() as session:
        return session.scalar(select(func.sum(Charge.total))) or Decimal(0)


def test_money_is_foreseen_to_the_cent(signed_in: As, api: Api, deps: Deps, clock: ManualClock) -> None:
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
