"""Clients whose fee is due on one day, and the bare SQL that charges them."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from kontor.kernel.database import PgConnection

RESELLERS: Final = """
INSERT INTO accounts (id, programme, name, name_key, kind, admin_email, email_key, locale, timezone, created_at)
SELECT ('01900000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, 'telephony', 'R' || n, 'r' || n, 'reseller',
    'r' || n || '@shop.example', 'r' || n || '@shop.example', 'en', 'America/New_York', %(now)s
FROM generate_series(1, %(resellers)s) AS n
"""
CLIENTS: Final = """
INSERT INTO accounts (id, programme, name, name_key, kind, reseller_id, admin_email, email_key, locale, timezone,
    created_at)
SELECT ('01900001-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, 'telephony', 'C' || n, 'c' || n, 'client',
    ('01900000-0000-7000-8000-' || lpad(to_hex(1 + n %% %(resellers)s), 12, '0'))::uuid,
    'c' || n || '@client.example', 'c' || n || '@client.example', 'en', 'America/New_York', %(now)s
FROM generate_series(1, %(count)s) AS n
"""
RUNS: Final = """
INSERT INTO fee_runs (id, programme, account_id, kind, code, anchor, since, next_start, created_at)
SELECT ('01900002-0000-7000-8000-' || right(id::text, 12))::uuid, 'telephony', id, 'product', 'call-recording',
    %(day)s, %(day)s, %(day)s, %(now)s
FROM accounts WHERE kind = 'client'
"""
PAYMENTS: Final = """
INSERT INTO payments (id, reseller_id, origin_id, reference, kind, amount, currency, paid_at, created_at)
SELECT gen_random_uuid(), a.id, a.id, 'P-' || n, 'payment', 1 + (hashtext(a.name || n) & 255), 'USD',
    %(now)s::timestamptz + (n - 15) * interval '12 days', %(now)s
FROM accounts AS a, generate_series(1, 29) AS n WHERE a.kind = 'reseller'
"""
TABLES: Final = """
CREATE TABLE floor_charges (LIKE charges INCLUDING ALL);
CREATE TABLE floor_events (LIKE domain_events INCLUDING ALL);
CREATE TABLE floor_runs (LIKE fee_runs INCLUDING ALL);
INSERT INTO floor_runs SELECT * FROM fee_runs;
CREATE TABLE bare_charges (LIKE charges INCLUDING ALL)
"""
PRICED: Final = """
due AS (
    SELECT r.id, r.account_id, a.reseller_id, r.code, r.kind, r.next_start
    FROM floor_runs r JOIN accounts a ON a.id = r.account_id
    WHERE r.programme = 'telephony' AND NOT r.ended AND r.next_start <= %(day)s
), payers AS (
    SELECT p.reseller_id, coalesce((%(percents)s::numeric[])[
        width_bucket(coalesce(t.turnover, 0), %(starts)s::numeric[])], 0) AS percent
    FROM (SELECT DISTINCT reseller_id FROM due) AS p CROSS JOIN LATERAL (SELECT sum(signed) AS turnover FROM payments
        WHERE reseller_id = p.reseller_id AND paid_at >= %(since)s AND paid_at < %(until)s) AS t
), priced AS (
    SELECT due.*, percent, round(10.00 * percent / 100, 2) AS discount FROM due JOIN payers USING (reseller_id)
)"""
CHARGED: Final = """
INSERT INTO {table} (id, run_id, programme, account_id, reseller_id, kind, product, period_start, period_end, currency,
    fee, percent, discount, total, how, created_at)
SELECT gen_random_uuid(), id, 'telephony', account_id, reseller_id, kind, code, %(day)s, %(next)s, 'USD',
    10.00, percent, discount, 10.00 - discount,
    jsonb_build_object('fee', 'reseller subscription call-recording-wholesale', 'percent', percent::text,
        'discount_of', reseller_id, 'family', 'voice', 'as_of', %(day)s, 'anchor', %(day)s, 'rounding', 'half up'),
    %(now)s
FROM priced"""
BARE: Final = f"WITH {PRICED} {CHARGED.format(table='bare_charges')}"
WHOLE: Final = f"""
WITH {PRICED}, written AS ({CHARGED.format(table="floor_charges")} RETURNING *), moved AS (
    UPDATE floor_runs r SET next_start = period_end, monthly = w.total FROM written w WHERE r.id = w.run_id
)
INSERT INTO floor_events (id, type, account_id, reseller_id, programme, data, at)
SELECT gen_random_uuid(), 'charge.created', account_id, reseller_id, programme, jsonb_build_object('id', id,
    'account_id', account_id, 'reseller_id', reseller_id, 'kind', kind, 'product', product,
    'period_start', period_start, 'period_end', period_end,
    'fee', jsonb_build_object('amount', fee::text, 'currency', currency),
    'discount', jsonb_build_object('amount', discount::text, 'currency', currency),
    'total', jsonb_build_object('amount', total::text, 'currency', currency), 'void', false), created_at
FROM written
"""
COLUMNS: Final = "run_id, reseller_id, period_start, period_end, fee, percent, discount, total"
DIFFERENCES: Final = f"""
SELECT count(*) FROM (SELECT {COLUMNS} FROM charges) AS c FULL JOIN (SELECT {COLUMNS} FROM floor_charges) AS f
USING ({COLUMNS}) WHERE c.run_id IS NULL OR f.run_id IS NULL
"""


@dataclass(frozen=True, slots=True)
class Clients:
    """Clients of resellers that pay every twelve days."""

    count: int
    resellers: int

    def fill(self, connection: PgConnection, day: date, now: datetime) -> None:
        """Write them and what is assigned to them, due on a day; vacuumed as autovacuum would have."""
        values = {"count": self.count, "resellers": self.resellers, "day": day, "now": now}
        connection.execute("SET session_replication_role = replica")  # no look-up of an account for every row
        for statement in (RESELLERS, CLIENTS, RUNS, PAYMENTS):
            connection.execute(statement, values)
        connection.execute("SET session_replication_role = origin")
        connection.execute(TABLES)
        for table in ("accounts", "fee_runs", "payments", "floor_runs"):
            connection.execute(f"VACUUM (ANALYZE) {table}")


def differences(connection: PgConnection) -> int:
    """Return the number of charges in which run and floor differ."""
    return int((connection.execute(DIFFERENCES).fetchone() or (0,))[0])
