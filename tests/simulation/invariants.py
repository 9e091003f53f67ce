"""Invariants that hold on every day."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select

from kontor.offers.transitions import audit_trail_intact
from models.offers import Offer, OfferEventRow
from tests.simulation.watcher import DailyCheck, View


def nothing_is_dead(view: View) -> None:
    """No job is dead, except calls to instances that were down for days, and services that the handler refused."""
    query = """SELECT task, reason, error ->> 'message' FROM jobs WHERE state = 'dead' AND reason <> 'lane_held'
        AND id NOT IN (SELECT job_id FROM service_actions WHERE state = 'failed' AND job_id IS NOT NULL)"""
    view.complaints.extend(f"{view.day} dead: {task} ({reason}): {error}" for task, reason, error in view.rows(query))


def nothing_is_late(view: View) -> None:
    """A running deployment has done everything due."""
    if view.is_running:
        query = "SELECT task, run_at FROM jobs WHERE state <> 'dead' AND NOT held AND run_at <= :now"
        view.complaints.extend(f"{view.day} late: {task}, due {due}" for task, due in view.rows(query))


def nothing_is_charged_twice(view: View) -> None:
    """No two periods of a product, or of the same plan, overlap for one account."""
    query = """SELECT a.account_id, a.product, a.period_start, b.period_start FROM charges a JOIN charges b
        ON b.account_id = a.account_id AND b.kind = a.kind AND b.product = a.product AND b.id > a.id
        AND b.period_start < a.period_end AND a.period_start < b.period_end WHERE a.kind = 'product'"""
    view.complaints.extend(f"{view.day} charged twice: {row}" for row in view.rows(query))


def statements_add_up(view: View) -> None:
    """The sum of all statements is what stands on them: charges less credits, less what was voided since."""
    listed = """SELECT coalesce(sum(CASE kind WHEN 'credit' THEN -total ELSE total END), 0) FROM charges
        WHERE stated IS NOT NULL AND void_stated IS NULL"""
    stated = "SELECT coalesce(sum(total), 0) FROM statements"
    view.same("sum of statements", view.rows(stated), view.rows(listed))


def nothing_is_mailed_twice(view: View) -> None:
    """One identity, one mail; each message reached each address once."""
    query = "SELECT template, fact_key FROM mails GROUP BY template, fact_key, identity HAVING count(*) > 1"
    view.complaints.extend(f"{view.day} mailed twice: {row}" for row in view.rows(query))
    view.same("mails delivered twice", view.environment.mailboxes.repeats, 0)


def mails_leave(view: View) -> None:
    """A running deployment leaves no mail unsent."""
    if view.is_running:
        rows = view.rows("SELECT template, state, created_at FROM mails WHERE state IN ('queued', 'failed')")
        view.complaints.extend(f"{view.day} not sent: {row}" for row in rows)


def calls_are_recognised(view: View) -> None:
    """Calls posted to an instance twice are never more than the failed ones."""
    view.same("calls repeated to instances", view.environment.instances.repeats, 0)


def chains_verify(view: View) -> None:
    """The audit trail of every offer changed today verifies; on the last day of a month, that of every offer."""
    last = (view.day + timedelta(days=1)).day == 1
    query = select(OfferEventRow).order_by(OfferEventRow.offer_id, OfferEventRow.number)
    if not last:
        moved = select(OfferEventRow.offer_id).where(OfferEventRow.at > view.now - timedelta(days=1))
        query = query.where(OfferEventRow.offer_id.in_(moved))
    events: dict[object, list[OfferEventRow]] = {}
    for event in view.session.scalars(query):
        events.setdefault(event.offer_id, []).append(event)
    for offer in view.session.scalars(select(Offer).where(Offer.id.in_(events))):
        view.same(
            f"chain of {view.label(offer.id)}",
            audit_trail_intact(view.environment.context, offer, events[offer.id]),
            True,
        )


def ledgers_add_up(view: View) -> None:
    """The sum of payments equals what everybody paid."""
    total = view.rows("SELECT coalesce(sum(CASE WHEN kind = 'payment' THEN amount ELSE -amount END), 0) FROM payments")
    answer = sum(payment.amount for person in view.oracle.memory.people.values() for payment in person.paid)
    view.same("sum of payments", total[0][0], answer)


def nothing_is_missed(view: View) -> None:
    """Reconciliation has no gap once an outage is caught up with; a dead call waits for an operator."""
    since = view.oracle.running_since
    if view.is_running and since is not None:
        query = """SELECT kind, subject, detail FROM reconciliation_gaps WHERE mended_at IS NULL
            AND kind <> 'offer_delivery' AND seen_at > :settled"""
        rows = view.rows(query, settled=since + timedelta(hours=1))
        view.complaints.extend(f"{view.day} gap: {tuple(row)}" for row in rows)


INVARIANTS: tuple[DailyCheck, ...] = (
    nothing_is_dead,
    nothing_is_late,
    nothing_is_charged_twice,
    statements_add_up,
    nothing_is_mailed_twice,
    mails_leave,
    calls_are_recognised,
    chains_verify,
    ledgers_add_up,
    nothing_is_missed,
)
