"""Gaps on their page: shown, repaired, accepted with a reason."""

from collections.abc import Callable
from uuid import UUID

from sqlalchemy import select, text

from kontor.http.context import Deps
from kontor.reconciliation.service import reconcile
from models.control import AuditEntry
from models.reconciliation import ReconciliationGap
from tests.support.console import ConsoleClient, unknown_id

As = Callable[[str], ConsoleClient]
LOST = (
    "INSERT INTO mails (id, template, locale, facts, fact_key, identity, created_at)"
    " VALUES (gen_random_uuid(), 'activation', 'en', '{}', :key, :key, now())"
)


def lose(deps: Deps, key: str) -> UUID:
    """Insert a queued mail that no job sends; returns the id of its gap."""
    with deps.sessions() as session:
        existing = set(session.scalars(select(ReconciliationGap.id)))
        session.execute(text(LOST), {"key": key})
        reconcile(session, deps.programmes, deps.clock.now())
        session.commit()
        (fresh,) = set(session.scalars(select(ReconciliationGap.id))) - existing
        return fresh


def test_system_without_gaps_is_described_in_words(signed_in: As) -> None:
    assert "Nothing is missing." in signed_in("viewer").get("/console/reconciliation").text


def test_viewer_reads_gaps_and_the_overview_links_to_them(signed_in: As, deps: Deps) -> None:
    gap = lose(deps, "a")
    someone = signed_in("viewer")
    shown = someone.get("/console/reconciliation").text
    assert "A mail activation to nobody" in shown
    assert "Enqueue the job that sends the mail." in shown
    assert f"{gap}/mend" not in shown
    assert "1 mail was never sent." in someone.get("/console").text


def test_repair_enqueues_the_job_and_the_next_run_closes_the_gap(signed_in: As, deps: Deps) -> None:
    gap = lose(deps, "a")
    someone = signed_in("operator")
    assert f"/console/reconciliation/{gap}/mend" in someone.get("/console/reconciliation?kind=mail_unsent").text
    done = someone.post(f"/console/reconciliation/{gap}/mend")
    assert done.headers["location"] == "/console/reconciliation?done=mend"
    with deps.sessions() as session:
        reconcile(session, deps.programmes, deps.clock.now())
        session.commit()
        entry = session.scalars(select(AuditEntry).where(AuditEntry.action == "reconciliation.mend")).one()
    assert entry.actor == "operator:operator@kontor.example"
    assert "Nothing is missing." in someone.get("/console/reconciliation").text
    assert "Closed" in someone.get("/console/reconciliation?closed=1").text
    assert someone.post(f"/console/reconciliation/{gap}/mend").status_code == 409
    assert someone.post(f"/console/reconciliation/{unknown_id()}/mend").status_code == 404


def test_accepting_requires_a_reason_and_the_gap_is_not_reported_again(signed_in: As, deps: Deps) -> None:
    gap = lose(deps, "a")
    someone = signed_in("operator")
    assert someone.post(f"/console/reconciliation/{gap}/accept").status_code == 422
    someone.post(f"/console/reconciliation/{gap}/accept", {"reason": "a test mail"})
    with deps.sessions() as session:
        result = reconcile(session, deps.programmes, deps.clock.now())
        session.commit()
    assert result.document() == {"new": 0, "closed": 0, "open": {}}
    assert "Accepted by operator:operator@kontor.example" in someone.get("/console/reconciliation?closed=1").text
