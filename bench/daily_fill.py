"""Fills a payment ledger: resellers, and payments spread evenly over months."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import psycopg

SEED: Final = "SELECT setseed(0.42)"
RESELLERS: Final = """
INSERT INTO accounts (id, programme, name, name_key, kind, admin_email, email_key, locale, timezone, created_at)
SELECT ('01900000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, 'hosting', 'R' || n, 'r' || n, 'reseller',
    'r' || n || '@shop.example', 'r' || n || '@shop.example', 'ru', 'Europe/Moscow', %(since)s
FROM generate_series(1, %(resellers)s) AS n
"""
PAYMENTS: Final = """
INSERT INTO payments (id, reseller_id, origin_id, reference, kind, amount, currency, paid_at, created_at)
SELECT gen_random_uuid(), id, id, reference, kind, amount, 'RUB', at, at FROM (
    SELECT ('01900000-0000-7000-8000-' || lpad(to_hex(1 + floor(random() * %(resellers)s)::int), 12, '0'))::uuid AS id,
        %(prefix)s || n AS reference, %(since)s + n * (%(span)s::interval / %(count)s) AS at,
        CASE WHEN n %% 50 = 0 THEN 'refund' WHEN n %% 99 = 0 THEN 'chargeback' ELSE 'payment' END AS kind,
        round((50 + power(random(), 4) * 20000)::numeric, 2) AS amount
    FROM generate_series(0, %(count)s - 1) AS n
) AS drawn
"""


@dataclass(frozen=True, slots=True)
class Ledger:
    """The size of the ledger: `count` payments in the `months` before an instant."""

    resellers: int
    count: int
    months: int

    @property
    def span(self) -> timedelta:
        """The period that payments cover."""
        return timedelta(days=30 * self.months)

    @property
    def daily(self) -> int:
        """The number of payments per day."""
        return self.count // (30 * self.months)


def fill(url: str, ledger: Ledger, now: datetime) -> None:
    """Insert resellers of `hosting` with payments up to `now`, then vacuum."""
    values = {"resellers": ledger.resellers, "since": now - ledger.span}
    with psycopg.connect(libpq(url), autocommit=True) as connection:
        connection.execute("SET synchronous_commit = off")
        connection.execute("SET session_replication_role = replica")  # no look-up of two accounts for every payment
        connection.execute(SEED)
        connection.execute(RESELLERS, values)
        more = {"prefix": "P-", "count": ledger.count, "span": ledger.span}
        connection.execute(PAYMENTS, {**values, **more})
        connection.execute("VACUUM (ANALYZE) payments")
        connection.execute("VACUUM (ANALYZE) accounts")


def pay_a_day(url: str, ledger: Ledger, until: datetime) -> None:
    """Insert the payments of the day before an instant, without vacuum."""
    values = {
        "resellers": ledger.resellers,
        "since": until - timedelta(days=1),
        "prefix": f"{until:%Y%m%d}-",
        "count": ledger.daily,
        "span": timedelta(days=1),
    }
    with psycopg.connect(libpq(url), autocommit=True) as connection:
        connection.execute(PAYMENTS, values)


def reseller(number: int) -> UUID:
    """Return the id of a reseller; numbers start at 1."""
    return UUID(f"01900000-0000-7000-8000-{number:012x}")


def libpq(url: str) -> str:
    """Convert a SQLAlchemy URL for psycopg."""
    return url.replace("postgresql+psycopg://", "postgresql://", 1)
