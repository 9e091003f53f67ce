"""What is compared with the oracle at the end of every day."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from decimal import Decimal

from services import usage
from services.discounts.book import DiscountBook
from services.discounts.explaining import told
from store import accounts
from tests.oracle.days import months_later
from tests.oracle.fees import Charge
from tests.oracle.licences import held
from tests.oracle.turnover import keep_with, percents, tier, turnover
from tests.oracle.usage import QuotaMail
from tests.simulation.watch import Look, View

PATIENCE = timedelta(days=1)
"""An offer whose instance is up, and a machine that runs, have met within this time."""


def people(view: View) -> None:
    """Who belongs to whom, on which plan, with which trial; deleted for good is out of the story."""
    query = """SELECT id, kind, reseller_id, plan, trial_state, trial_ends_at, deleted_at FROM accounts
        WHERE coalesce(deleted_at > :now - interval '30 days', true)"""
    product = {}
    for row, kind, reseller, plan, trial, ends, deleted in view.rows(query):
        state = "expired" if trial == "running" and ends <= view.now else trial
        product[view.label(row)] = (kind, view.label(reseller), plan, state, ends, deleted)
    oracle = {
        one.label: (
            one.kind,
            one.reseller,
            one.plan,
            one.trial.state(view.now) if one.trial else "none",
            one.trial.end_shown() if one.trial else None,
            one.deleted,
        )
        for one in view.oracle.memory.people.values()
        if one.deleted is None or one.deleted > view.now - timedelta(days=30)
    }
    view.same_sets("account", set(product.items()), set(oracle.items()))


def discounts(view: View) -> None:
    """Everybody's recorded turnover and tier of today; nothing recorded means no payments."""
    rules = view.oracle.rules
    if rules.discount != "turnover" or not view.runs:
        return
    query = (
        "SELECT d.reseller_id, d.turnover, d.tier, d.percent FROM discounts d JOIN accounts a ON a.id = d.reseller_id"
    )
    rows = {view.label(row): rest for row, *rest in view.rows(f"{query} WHERE a.kind = 'reseller'")}
    for one in view.oracle.memory.resellers():
        amount = turnover(one.paid, view.day)
        reached = tier(rules, amount)
        expected = [amount, reached.name if reached else None, as_numbers(percents(rules, one.paid, view.day))]
        found = rows.get(one.label, [Decimal(0), None, dict.fromkeys(rules.families, 0.0)])
        view.same(f"discount of {one.label}", found, expected)


def as_numbers(shares: dict[str, Decimal]) -> dict[str, float]:
    """Percentages as JSON has them."""
    return {family: float(percent) for family, percent in shares.items()}


def explanations(view: View) -> None:
    """A different tenth of the resellers every day, as the API explains them."""
    rules, book = view.oracle.rules, DiscountBook(view.stage.jobs, view.stage.programmes)
    tomorrow = view.day + timedelta(days=1)
    for number, one in enumerate(view.oracle.memory.resellers()):
        if (number + view.day.toordinal()) % 10:
            continue
        reseller = accounts.by_id(view.session, view.ids[one.label])
        assert reseller is not None
        said = told(book, view.session, reseller, None)
        then = said["tomorrow"]
        window = (said["window"]["from"], said["window"]["to"])
        view.same(f"window of {one.label}", window, (months_later(view.day, -1), view.day))
        shown = (Decimal(said["turnover"]["amount"]), Decimal(then["turnover"]["amount"]))
        known = [paid for paid in one.paid if paid.day <= view.day]
        view.same(f"turnover of {one.label}", shown, (turnover(known, view.day), turnover(known, tomorrow)))
        keeps = then["keep_with"] and Decimal(then["keep_with"]["amount"])
        view.same(f"keep_with of {one.label}", keeps, keep_with(rules, one.paid, view.day))
        if rules.discount != "none":
            view.same(f"percent of {one.label}", said["percent"], as_numbers(percents(rules, one.paid, view.day)))


def charges(view: View) -> None:
    """Every charge there is and every one there must be, with who pays it."""
    query = """SELECT account_id, kind, product, period_start, period_end, fee, discount,
        coalesce(reseller_id, account_id), total FROM charges"""
    product: Counter[tuple[Charge, str | None]] = Counter()
    for account, kind, code, start, end, fee, discount, payer, total in view.rows(query):
        charge = Charge(str(view.label(account)), kind, code, start, end, fee, discount)
        product[charge, view.label(payer)] += 1
        view.same(f"sum of {charge}", total, charge.total)
    oracle = Counter(view.oracle.memory.payers)
    view.same_sets("charge", set(product.items()), set(oracle.items()))


def quotas(view: View) -> None:
    """Every quota notice, and its one mail."""
    query = """SELECT n.account_id, metric, period_start, period_end, allowed, threshold, told_at, m.template
        FROM quota_notices n LEFT JOIN mails m ON m.id = n.mail_id"""
    product = set()
    for account, metric, start, end, limit, threshold, told_at, template in view.rows(query):
        mail = QuotaMail(str(view.label(account)), metric, (start, end), limit, threshold)
        product.add(mail)
        if view.runs or told_at is not None:
            view.same(f"mail of {mail}", template, f"quota-{threshold}")
    view.same_sets("quota mail", product, view.oracle.memory.mails)


def used(view: View) -> None:
    """What a seventh of the accounts use, another one every day."""
    oracle = view.oracle
    if not oracle.rules.metrics():
        return
    chosen = [
        one for number, one in enumerate(oracle.memory.people.values())
        if one.meters and one.deleted is None and (number + view.day.toordinal()) % 7 == 0
    ]  # fmt: skip
    rows = [row for one in chosen if (row := accounts.by_id(view.session, view.ids[one.label])) is not None]
    if not rows:
        return
    programme = view.stage.programmes.current(view.session, rows[0].programme)
    found = usage.presents(view.session, programme, rows, view.now)
    for one in chosen:
        readings = found[view.ids[one.label]].readings
        product = {metric: readings[metric].value for metric in oracle.rules.metrics()}
        view.same(f"usage of {one.label}", product, {m: oracle.used(one, m) for m in oracle.rules.metrics()})


def offers(view: View) -> None:
    """Where every offer stands, and why."""
    rows = {view.label(row): rest for row, *rest in view.rows("SELECT id, state, reason, expires_at FROM offers")}
    for one in view.oracle.memory.offers.values():
        state, reason, expires = rows[one.label]
        view.same(f"end of {one.label}", expires, one.expires)
        expected = one.seen(view.now)
        if expected[0] == "open":
            view.same(f"offer {one.label} is open", state in {"waiting", "waiting_for_confirmation"}, True)
            if is_delivered(view, one.account, one.sent):
                view.same(f"offer {one.label} has arrived", state, "waiting_for_confirmation")
        elif view.runs or one.state != "open":
            view.same(f"offer {one.label}", (state, reason), expected)


def is_delivered(view: View, account: str, sent: object) -> bool:
    """Whether nothing stood in the way long enough."""
    memory = view.oracle.memory
    if account in memory.down or view.runs_for < PATIENCE or not isinstance(sent, type(view.now)):
        return False
    up = memory.up_since.get(account, sent)
    return view.now - max(up, sent) > PATIENCE


def licences(view: View) -> None:
    """How many of what everybody has, and until when."""
    query = """SELECT account_id, product, sum(count), min(ends_at) FROM grants
        WHERE starts_at <= :now AND coalesce(replaced_at, ends_at) > :now GROUP BY 1, 2"""
    product = {(view.label(row), code, int(count), ends) for row, code, count, ends in view.rows(query)}
    oracle = {
        (one.label, code, count, ends)
        for one in view.oracle.memory.people.values()
        for code, (count, ends) in held(one.grants, view.now).items()
    }
    view.same_sets("licences", product, oracle)


LOOKS: tuple[Look, ...] = (people, discounts, explanations, charges, quotas, used, offers, licences)
