"""Comparisons with the oracle at the end of every day."""

from __future__ import annotations

from collections import Counter
from datetime import time, timedelta
from decimal import Decimal

from kontor.accounts import queries as accounts_queries
from kontor.context import Context
from kontor.discounts.explain import explain_discount
from kontor.usage import service as usage
from models.accounts import Account
from tests.oracle.account_book import Line
from tests.oracle.days import months_later, wall_instant
from tests.oracle.fees import Charge
from tests.oracle.licences import held
from tests.oracle.memory import Person
from tests.oracle.turnover import keep_with, percents, tier, turnover
from tests.oracle.usage import QuotaMail
from tests.simulation.watcher import DailyCheck, View

DELIVERY_TIME = timedelta(days=1)
"""An offer whose instance is up, and a machine that runs, have met within this time."""


def people(view: View) -> None:
    """Reseller, plan and trial of every account not yet purged."""
    query = """SELECT id, kind, reseller_id, plan, trial_state, trial_ends_at, deleted_at FROM accounts
        WHERE coalesce(deleted_at > :now - interval '30 days', true)"""
    product = {}
    for row, kind, reseller, plan, trial, ends, deleted in view.rows(query):
        state = "expired" if trial == "running" and ends <= view.now else trial
        product[view.label(row)] = (kind, view.label(reseller), plan, state, ends, deleted)
    oracle = {
        account.label: (
            account.kind,
            account.reseller,
            account.plan,
            account.trial.state(view.now) if account.trial else "none",
            account.trial.end_shown() if account.trial else None,
            account.deleted,
        )
        for account in view.oracle.memory.people.values()
        if account.deleted is None or account.deleted > view.now - timedelta(days=30)
    }
    view.same_sets("account", set(product.items()), set(oracle.items()))


def discounts(view: View) -> None:
    """Today's recorded turnover and tier of every reseller; no record means no payments."""
    rules = view.oracle.rules
    if rules.discount != "turnover" or not view.is_running:
        return
    query = (
        "SELECT d.reseller_id, d.turnover, d.tier, d.percent FROM discounts d JOIN accounts a ON a.id = d.reseller_id"
    )
    rows = {
        view.label(row): rest for row, *rest in view.rows(f"{query} WHERE a.kind = 'reseller' AND a.deleted_at IS NULL")
    }
    for reseller in view.oracle.memory.resellers():
        recorded = view.oracle.memory.recomputed.get(reseller.label, view.now)
        rules, amount = view.oracle.versions.at(recorded).rules, turnover(reseller.paid, view.day)
        reached = tier(rules, amount)
        expected = [amount, reached.name if reached else None, as_numbers(percents(rules, reseller.paid, view.day))]
        actual = rows.get(reseller.label, [Decimal(0), None, dict.fromkeys(rules.families, 0.0)])
        view.same(f"discount of {reseller.label}", actual, expected)


def as_numbers(shares: dict[str, Decimal]) -> dict[str, float]:
    """Percentages as in JSON."""
    return {family: float(percent) for family, percent in shares.items()}


def explanations(view: View) -> None:
    """The API's explanation for a different tenth of the resellers every day."""
    rules, ctx = view.oracle.rules, Context(view.environment.jobs, view.environment.programmes)
    tomorrow = view.day + timedelta(days=1)
    for number, account in enumerate(view.oracle.memory.resellers()):
        if (number + view.day.toordinal()) % 10:
            continue
        reseller = accounts_queries.by_id(view.session, view.ids[account.label])
        assert reseller is not None
        answer = explain_discount(ctx, view.session, reseller, None)
        past_day(view, ctx, reseller, account)
        then = answer.tomorrow
        window = (answer.window.from_, answer.window.to)
        view.same(f"window of {account.label}", window, (months_later(view.day, -1), view.day))
        shown = (Decimal(answer.turnover.amount), Decimal(then.turnover.amount))
        paid_so_far = [paid for paid in account.paid if paid.day <= view.day]
        view.same(
            f"turnover of {account.label}", shown, (turnover(paid_so_far, view.day), turnover(paid_so_far, tomorrow))
        )
        keeps = then.keep_with and Decimal(then.keep_with.amount)
        view.same(f"keep_with of {account.label}", keeps, keep_with(rules, account.paid, view.day))
        if rules.discount != "none":
            view.same(
                f"percent of {account.label}", answer.percent, as_numbers(percents(rules, account.paid, view.day))
            )


def past_day(view: View, ctx: Context, reseller: Account, account: Person) -> None:
    """The explanation of a day in the past: by the version in force when it ended."""
    oracle = view.oracle
    day = view.day - timedelta(days=1 + (view.day.toordinal() // 10) % 40)
    version = oracle.versions.before(wall_instant(day + timedelta(days=1), time(0), oracle.rules.zone))
    answer = explain_discount(ctx, view.session, reseller, day)
    expected = (version.number, turnover(account.paid, day), as_numbers(percents(version.rules, account.paid, day)))
    shown = (answer.version, Decimal(answer.turnover.amount), answer.percent)
    if version.rules.discount != "none":
        view.same(f"explanation of {day} for {account.label}", shown, expected)


def charges(view: View) -> None:
    """Every existing and every expected charge, with its payer and whether it is void."""
    query = """SELECT account_id, kind, product, period_start, period_end, fee, discount,
        (how ->> 'version')::int, coalesce(reseller_id, account_id), voided_at IS NOT NULL, total FROM charges"""
    product: Counter[tuple[Charge, str | None, bool]] = Counter()
    for account, kind, code, start, end, fee, discount, version, payer, void, total in view.rows(query):
        charge = Charge(str(view.label(account)), kind, code, start, end, fee, discount, version)
        product[charge, view.label(payer), void] += 1
        view.same(f"sum of {charge}", total, charge.total)
    memory = view.oracle.memory
    oracle = Counter((*paid, place in memory.void) for place, paid in enumerate(memory.payers))
    view.same_sets("charge", set(product.items()), set(oracle.items()))


def account_books(view: View) -> None:
    """Every line of every account book; what they add up to is what an order may spend."""
    query = "SELECT reseller_id, kind, amount, at FROM account_book"
    product = Counter(
        Line(str(view.label(reseller)), kind, amount, None if kind == "transfer" else at)
        for reseller, kind, amount, at in view.rows(query)
    )
    view.same_sets("line", set(product.items()), set(Counter(view.oracle.memory.lines).items()))


def services(view: View) -> None:
    """Every service with its term, why it is suspended, its life so far, and what is under way for it; its orders."""
    query = """SELECT s.id, s.reseller_id, s.state, s.paid_until, s.unpaid_since IS NOT NULL, s.causes,
        (SELECT array_agg(to_state ORDER BY number) FROM service_events e WHERE e.service_id = s.id),
        (SELECT array_agg(verb ORDER BY w.id) FROM service_actions w WHERE w.service_id = s.id
            AND w.state IN ('waiting', 'running'))
        FROM services s WHERE s.paid_until IS NOT NULL"""
    product = {
        (view.label(row), view.label(owner), state, until, unpaid, tuple(causes), tuple(arrows), tuple(asked or ()))
        for row, owner, state, until, unpaid, causes, arrows, asked in view.rows(query)
    }
    oracle = {
        (each.label, each.reseller, each.state, each.paid[1], each.unpaid, tuple(sorted(each.causes)),
         tuple(each.arrows), tuple(asked.verb for asked in each.asked))
        for each in view.oracle.memory.services.values()
    }  # fmt: skip
    view.same_sets("service", product, oracle)


def service_jobs(view: View) -> None:
    """Each action has its job, which ended as the action did; the dead ones are those that the handler refused.

    A finished job leaves after 90 days.
    """
    odd = """SELECT w.id, w.verb, w.state, j.state FROM service_actions w
        LEFT JOIN (SELECT id, state FROM jobs UNION ALL SELECT id, state FROM jobs_archive) j ON j.id = w.job_id
        WHERE w.job_id IS NOT NULL AND coalesce(w.ended_at > :now - interval '89 days', true)
            AND coalesce(j.state, 'gone') <> CASE w.state WHEN 'succeeded' THEN 'succeeded'
            WHEN 'failed' THEN 'dead' ELSE coalesce(j.state, '-') END"""
    view.complaints.extend(f"{view.day} job of an action: {row}" for row in view.rows(odd))
    dead = view.rows("SELECT count(*) FROM service_actions WHERE state = 'failed' AND verb = 'create'")[0][0]
    view.same("services that the handler refused", dead, sum(s.failed for s in view.oracle.memory.services.values()))
    names = "SELECT type, count(*) FROM domain_events WHERE type IN ('service.failed', 'service.ended') GROUP BY type"
    ended = Counter(state for each in view.oracle.memory.services.values() for state in each.arrows)
    for state in ("failed", "ended"):
        view.same(f"events of {state}", dict(view.rows(names)).get(f"service.{state}", 0), ended[state])


def quotas(view: View) -> None:
    """Every quota notice, and its only mail."""
    query = """SELECT n.account_id, metric, period_start, period_end, allowed, threshold, told_at, m.template
        FROM quota_notices n LEFT JOIN mails m ON m.id = n.mail_id"""
    product = set()
    for account, metric, start, end, limit, threshold, told_at, template in view.rows(query):
        mail = QuotaMail(str(view.label(account)), metric, (start, end), limit, threshold)
        product.add(mail)
        if view.is_running or told_at is not None:
            view.same(f"mail of {mail}", template, f"quota-{threshold}")
    view.same_sets("quota mail", product, view.oracle.memory.mails)


def used(view: View) -> None:
    """The usage of a seventh of the accounts, a different one every day."""
    oracle = view.oracle
    if not oracle.rules.metrics():
        return
    chosen = [
        account for number, account in enumerate(oracle.memory.people.values())
        if account.meters and account.deleted is None and (number + view.day.toordinal()) % 7 == 0
    ]  # fmt: skip
    rows = [
        row for account in chosen if (row := accounts_queries.by_id(view.session, view.ids[account.label])) is not None
    ]
    if not rows:
        return
    programme = view.environment.programmes.current(view.session, rows[0].programme)
    presented = usage.current_usages(view.session, programme, rows, view.now)
    for account in chosen:
        readings = presented[view.ids[account.label]].readings
        product = {metric: readings[metric].value for metric in oracle.rules.metrics()}
        view.same(f"usage of {account.label}", product, {m: oracle.used(account, m) for m in oracle.rules.metrics()})


def offers(view: View) -> None:
    """The state and reason of every offer."""
    rows = {view.label(row): rest for row, *rest in view.rows("SELECT id, state, reason, expires_at FROM offers")}
    for offer in view.oracle.memory.offers.values():
        state, reason, expires = rows[offer.label]
        view.same(f"end of {offer.label}", expires, offer.expires)
        expected = offer.seen(view.now)
        if expected[0] == "open":
            view.same(f"offer {offer.label} is open", state in {"waiting", "waiting_for_confirmation"}, True)
            if is_delivered(view, offer.account, offer.sent):
                view.same(f"offer {offer.label} has arrived", state, "waiting_for_confirmation")
        elif view.is_running or offer.state != "open":
            view.same(f"offer {offer.label}", (state, reason), expected)


def is_delivered(view: View, account: str, sent: object) -> bool:
    """Whether nothing prevented the delivery for long enough."""
    memory = view.oracle.memory
    if account in memory.down or view.running_for < DELIVERY_TIME or not isinstance(sent, type(view.now)):
        return False
    person = memory.people[account]
    up = max(memory.up_since.get(account, sent), person.resumed or sent)
    return not person.suspended and view.now - max(up, sent) > DELIVERY_TIME


def licences(view: View) -> None:
    """The licences of every account, and their ends."""
    query = """SELECT account_id, product, sum(count), min(ends_at) FROM grants
        WHERE starts_at <= :now AND coalesce(replaced_at, ends_at) > :now GROUP BY 1, 2"""
    product = {(view.label(row), code, int(count), ends) for row, code, count, ends in view.rows(query)}
    oracle = {
        (account.label, code, count, ends)
        for account in view.oracle.memory.people.values()
        for code, (count, ends) in held(account.grants, view.now).items()
    }
    view.same_sets("licences", product, oracle)


COMPARISONS: tuple[DailyCheck, ...] = (
    people, discounts, explanations, charges, account_books, services, service_jobs, quotas, used, offers, licences,
)  # fmt: skip
