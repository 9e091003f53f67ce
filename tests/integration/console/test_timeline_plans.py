"""Each source of an activity timeline is read by an index, for small and large accounts."""

import re
from collections.abc import Callable
from datetime import date
from functools import partial
from uuid import UUID

import pytest
from sqlalchemy import text as sql
from sqlalchemy.orm import Session

from kontor.accounts import timeline_queries
from kontor.http.context import Deps
from kontor.kernel.ids import new_id
from tests.support.api import ResellerAccounts
from tests.support.query_plans import plans_of

ROWS = 20_000
MOST = 200
READ = re.compile(r"(?:actual time=\S+ rows=|Rows Removed by Filter: )([\d.]+)")
FILL = f"""
INSERT INTO domain_events (id, type, account_id, reseller_id, data, at)
SELECT gen_random_uuid(), 'offer.accepted', :client, :reseller, '{{}}', now() FROM generate_series(1, {ROWS});
INSERT INTO mails (id, template, account_id, reseller_id, locale, facts, fact_key, identity, created_at)
SELECT gen_random_uuid(), 'activation', :client, :reseller, 'en', '{{}}', n, n, now()
FROM generate_series(1, {ROWS}) AS n;
INSERT INTO offers (id, programme, reseller_id, account_id, state, lines, created_at, expires_at)
SELECT gen_random_uuid(), 'learning', :reseller, :client, 'rejected', '[]', now(), now() + interval '1 day'
FROM generate_series(1, {ROWS});
INSERT INTO fee_runs (id, programme, account_id, kind, code, anchor, since, next_start, ended, created_at)
SELECT gen_random_uuid(), 'learning', :client, 'product', 'x', '2026-01-01', '2026-01-01', '2026-02-01', true, now()
FROM generate_series(1, {ROWS});
INSERT INTO charges (id, run_id, programme, account_id, reseller_id, kind, product, period_start, period_end, currency,
    fee, percent, discount, total, how, created_at)
SELECT gen_random_uuid(), id, 'learning', :client, :reseller, 'product', 'x', '2026-01-01', '2026-02-01', 'EUR',
    1, 0, 0, 1, '{{}}', now() FROM fee_runs;
INSERT INTO payments (id, reseller_id, origin_id, reference, kind, amount, currency, paid_at, created_at)
SELECT gen_random_uuid(), :reseller, :reseller, n, 'payment', 1, 'EUR', now(), now()
FROM generate_series(1, {ROWS}) AS n;
INSERT INTO jobs_archive (id, task, queue, tenant, lane, state, payload, run_at, max_attempts, created_at)
SELECT gen_random_uuid(), 'offers.deliver', 'bench', tenant, 'instance:' || :client, 'succeeded', '{{}}', now(), 3,
    now()
FROM unnest(ARRAY[CAST(:reseller AS text), 'someone else']) AS tenant, generate_series(1, {ROWS});
INSERT INTO jobs (id, task, queue, tenant, lane, priority, state, payload, run_at, max_attempts, created_at)
SELECT gen_random_uuid(), 'offers.deliver', 'bench', tenant, 'instance:' || :client, 0, 'queued', '{{}}', now(), 3,
    now()
FROM unnest(ARRAY[CAST(:reseller AS text), 'someone else']) AS tenant, generate_series(1, {ROWS});
ANALYZE
"""
LATE = UUID(int=2**128 - 1)
Query = Callable[[Session, UUID], object]
QUERIES: list[Query] = [
    lambda s, a: timeline_queries.events(s, a, None, 51),
    lambda s, a: timeline_queries.events(s, a, 10**9, 51),
    lambda s, a: timeline_queries.mails(s, a, LATE, 51),
    lambda s, a: timeline_queries.offers(s, a, LATE, 51),
    lambda s, a: timeline_queries.charges(s, a, None, 51),
    lambda s, a: timeline_queries.charges(s, a, (date(9000, 1, 1), LATE), 51),
    lambda s, a: timeline_queries.payments(s, a, LATE, 51),
    lambda s, a: timeline_queries.orders(s, a, LATE, 51),
    lambda s, a: timeline_queries.discounts(s, a, date(9000, 1, 1), 51),
]


@pytest.fixture
def crowded(deps: Deps, make_accounts: Callable[[str], ResellerAccounts]) -> ResellerAccounts:
    """A reseller and a client with a very long history."""
    busy = make_accounts("elbe")
    with deps.sessions() as session:
        for statement in FILL.split(";"):
            session.execute(sql(statement), {"reseller": str(busy.reseller), "client": str(busy.client)})
        session.commit()
    return busy


def ask(query: Query, account_id: UUID, session: Session) -> object:
    """Run a query for an account."""
    return query(session, account_id)


def check(plan: str) -> None:
    """Assert that no table is scanned, but for months to come, which are empty, and few rows are read."""
    large = ("domain_events", "mails", "offers", "charges", "payments", "jobs_archive", "jobs")
    for table in large:
        assert not re.search(rf"Seq Scan on {table}(_first|_default)?\b", plan), plan
    read = [float(rows) for rows in READ.findall(plan)]
    assert read
    assert max(read) <= MOST, plan


def test_every_timeline_query_uses_an_index(deps: Deps, crowded: ResellerAccounts) -> None:
    for account_id in (new_id(), crowded.client, crowded.reseller):
        for number, query in enumerate(QUERIES):
            plan = plans_of(deps.engine, partial(ask, query, account_id), "EXPLAIN ANALYZE")
            try:
                check(plan)
            except AssertionError as error:
                raise AssertionError(f"query {number}") from error


def test_jobs_of_a_reseller_and_calls_to_an_instance_use_an_index(deps: Deps, crowded: ResellerAccounts) -> None:
    for owner, lane in ((str(new_id()), f"instance:{new_id()}"), (str(crowded.reseller), f"instance:{crowded.client}")):
        values = {"id": owner, "lane": lane, "before": LATE, "limit": 51}
        for statement in (timeline_queries.JOBS, timeline_queries.CALLS):
            with deps.connection() as connection:
                lines = connection.execute(f"EXPLAIN ANALYZE {statement}", values, prepare=False).fetchall()
            check("\n".join(line[0] for line in lines))
