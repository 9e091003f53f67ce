"""Usage is read and written by an index, however large the tables."""

import json

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from kontor.usage import queries as usage_queries

FILL = """
INSERT INTO accounts (id, programme, name, name_key, admin_email, email_key, locale, timezone, created_at)
SELECT ('00000000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, 'p', 'A' || n, 'a' || n, 'x', 'x', 'en',
 'UTC', now()
FROM generate_series(1, 1000) n;
INSERT INTO usage_days (account_id, metric, day, deltas, after_level)
SELECT a.id, 'm', date '2026-01-01' + k, 1, 1 FROM accounts a, generate_series(0, 99) k;
INSERT INTO usage_reports (account_id, metric, kind, amount, at, received_at)
SELECT account_id, metric, 'delta', 1, day, day FROM usage_days;
ANALYZE usage_days; ANALYZE usage_reports
"""
ASKED = {
    "accounts": ["00000000-0000-7000-8000-000000000001"],
    "metrics": ["m"],
    "starts": ["2026-03-01"],
    "ends": ["2026-04-01"],
}
LEVEL = {
    "account_id": ASKED["accounts"][0],
    "metric": "m",
    "day": "2026-03-01",
    "amount": 3,
    "at": "2026-03-01T00:00:00Z",
    "seq": 7,
    "day_end": "2026-03-02T00:00:00Z",
}


@pytest.mark.parametrize(("statement", "values"), [(usage_queries.READ, ASKED), (usage_queries.SET_LEVEL, LEVEL)])
def test_usage_is_read_by_an_index(session: Session, statement: object, values: dict[str, object]) -> None:
    session.execute(
        text(
            "INSERT INTO programmes (code, version, digest, document, source, applied_at, applied_by)"
            " VALUES ('p', 1, 'x', '{}', '', now(), 'x')"
        )
    )
    for part in FILL.split(";\n"):
        session.execute(text(part))
    plan = json.dumps(session.execute(text(f"EXPLAIN (FORMAT JSON) {statement}"), values).scalar())
    assert "Seq Scan" not in plan
    assert "usage_" in plan
