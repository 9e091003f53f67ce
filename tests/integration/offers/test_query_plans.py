"""Queries of offers, grants and deliveries use indexes when the tables are large."""

from collections.abc import Callable
from functools import partial
from uuid import UUID

import pytest
from sqlalchemy import text as sql
from sqlalchemy.orm import Session

from kontor.kernel.ids import new_id
from kontor.kernel.states import OfferState
from kontor.licences import service as licences
from kontor.offers import inbox_queries
from kontor.offers import queries as offers_queries
from kontor.webhooks import queries as webhooks_queries
from kontor.webhooks import service as webhooks
from models.webhooks import DomainEvent
from tests.support.offers import START, OfferScenario
from tests.support.query_plans import plans_of

ROWS = 30_000
FILL = f"""
INSERT INTO offers (id, programme, reseller_id, account_id, state, lines, created_at, expires_at)
SELECT gen_random_uuid(), 'learning', :reseller, :client, 'rejected', '[]', now(), now() + interval '1 day'
FROM generate_series(1, {ROWS});
INSERT INTO offer_events (offer_id, number, at, actor, event, to_state, hash)
SELECT id, 1, now(), 'test', 'send', 'waiting', 'x' FROM offers;
INSERT INTO grants (id, account_id, product, offer_id, line_no, count, mode, starts_at, ends_at, replaced_at)
SELECT gen_random_uuid(), :client, 'excel-basics', id, 1, 1, 'absolute', now(), now() + interval '1 day', now()
FROM offers;
INSERT INTO webhook_deliveries (id, endpoint_id, webhook_id, event_seq, type, body, created_at)
SELECT gen_random_uuid(), :endpoint, 'x', n, 'job.dead', '{{}}', now() FROM generate_series(1, {ROWS}) AS n;
ANALYZE
"""
Query = Callable[[Session, UUID], object]
QUERIES: list[Query] = [
    lambda s, a: offers_queries.list_offers(s, account_id=a, now=START, limit=101),
    lambda s, a: offers_queries.list_offers(s, reseller_id=a, state=OfferState.WAITING, now=START, limit=101),
    lambda s, a: offers_queries.open_ids(s, account_id=a),
    lambda s, a: inbox_queries.count_to_decide(s, a, START),
    lambda s, a: inbox_queries.page_to_decide(s, a, START, None, 101),
    lambda s, a: inbox_queries.decided(s, a, 20),
    lambda s, a: inbox_queries.first_page(s, a, START, 50, 20),
    lambda s, a: offers_queries.events(s, [a]),
    lambda s, a: licences.active_grants(s, [a], START),
    lambda s, a: licences.ending_grants(s, a, START),
    licences.granted_products,
    lambda s, a: webhooks_queries.endpoints_with_delivery(s, [a], 7),
    webhooks_queries.deliveries,
]


@pytest.fixture
def crowded(world: OfferScenario) -> OfferScenario:
    """A scenario where another account has many rows in every table."""
    with world.transaction() as session:
        endpoint = webhooks.create(
            session, world.secret_box, reseller_id=None, url="https://x.example", events=["*"], secret=None, now=START
        ).endpoint.id
        for statement in FILL.split(";"):
            session.execute(sql(statement), {"reseller": world.reseller, "client": world.client, "endpoint": endpoint})
    return world


def ask(query: Query, account_id: UUID, session: Session) -> object:
    """Run a query for an account."""
    return query(session, account_id)


def test_queries_about_one_account_never_scan_a_table(crowded: OfferScenario) -> None:
    stranger = new_id()
    for number, query in enumerate(QUERIES):
        plan = plans_of(crowded.engine, partial(ask, query, stranger))
        assert "Index" in plan, f"{number}: {plan}"
        for table in ("offers", "offer_events", "grants", "webhook_deliveries"):
            assert f"Seq Scan on {table}" not in plan, f"{number}: {plan}"


def test_deliveries_of_an_event_are_read_by_an_index(crowded: OfferScenario) -> None:
    happened = DomainEvent(seq=7, type="job.dead", reseller_id=None, data={}, at=START)
    plan = plans_of(crowded.engine, lambda session: webhooks.fan_out(session, crowded.jobs, happened))
    assert "Seq Scan on webhook_deliveries" not in plan
