"""The feed of one reseller is read by an index, however long the whole feed is."""

import json

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from kontor.engine.enqueue import Jobs
from kontor.kernel.ids import new_id
from kontor.webhooks import events
from tests.support.query_plans import statements

FILL = """
INSERT INTO domain_events (seq, id, type, account_id, reseller_id, data, at)
SELECT nextval('domain_events_seq_seq'), gen_random_uuid(), 'x', gen_random_uuid(), gen_random_uuid(), '{}', now()
FROM generate_series(1, 100000)
"""

MAKES_EVENTS_UP = True


@pytest.mark.parametrize("bound", ["reseller_id", "account_id", None])
def test_filtered_feed_is_read_by_an_index(session: Session, engine: Engine, jobs: Jobs, bound: str | None) -> None:
    session.execute(text(FILL))
    mine = {bound: new_id()} if bound else {}
    events.emit_for(session, jobs, "account.activated", {}, at=jobs.clock.now(), **mine)  # type: ignore[arg-type]  # ids by name
    session.commit()
    session.execute(text("ANALYZE domain_events"))
    with statements(engine) as asked:
        page = events.read_feed(session, 0, 100, **mine)
    assert [event.type for event in page][-1] == ("account.activated" if bound else "x")
    statement, values = asked[-1]
    plan = session.connection().exec_driver_sql(f"EXPLAIN (FORMAT JSON) {statement}", values).scalar()
    assert "Seq Scan" not in json.dumps(plan)
    if bound:
        assert f"ix_domain_events_{bound}" in json.dumps(plan)
