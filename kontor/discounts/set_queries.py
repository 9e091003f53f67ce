"""Statements that compute, compare and record the discounts of many resellers at once.

Every statement computes from the ledger in its own snapshot. Thresholds ascend; a turnover's rank is the
number of thresholds it reached, and the arrays of tiers and percentages start with rank 0, no tier.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Final, NamedTuple
from uuid import UUID

from sqlalchemy import TextClause, text
from sqlalchemy.orm import Session

from models.discounts import DiscountRange

ALL: Final = (UUID(int=0), UUID(int=2**128 - 1))
RANGE: Final = "a.id BETWEEN :first AND :last"
ONE: Final = "a.id = :first"

COMPUTED: Final = """
computed AS MATERIALIZED (
    SELECT a.id, coalesce(t.today, 0) AS today, coalesce(t.tomorrow, 0) AS tomorrow
    FROM accounts a CROSS JOIN LATERAL (
        SELECT sum(p.signed) AS today, sum(p.signed) FILTER (WHERE p.paid_at >= :keeps) AS tomorrow
        FROM payments p WHERE p.reseller_id = a.id AND p.paid_at >= :since AND p.paid_at < :until
    ) t
    WHERE a.kind = 'reseller' AND a.programme = :programme AND {which}
        AND a.deleted_at IS NULL AND a.purged_at IS NULL
), ranked AS (
    SELECT c.*, width_bucket(c.today, CAST(:starts AS numeric[])) AS rank,
        width_bucket(c.tomorrow, CAST(:starts AS numeric[])) AS next_rank
    FROM computed c
), judged AS MATERIALIZED (
    SELECT r.*, (CAST(:tiers AS text[]))[r.rank + 1] AS tier, (CAST(:percents AS jsonb[]))[r.rank + 1] AS percent,
        d.version, d.day AS known_day, d.turnover AS known, d.tier AS before, d.percent AS known_percent
    FROM ranked r LEFT JOIN discounts d ON d.reseller_id = r.id
)
"""

DIFFERS: Final = """(
    version IS NULL OR known_day <= :day
        AND (known <> today OR before IS DISTINCT FROM tier OR known_percent <> percent)
)"""

MOVED: Final = """(
    coalesce(known_percent, (CAST(:percents AS jsonb[]))[1]) <> percent AND EXISTS (
        SELECT FROM jsonb_each_text(coalesce(known_percent, '{{}}')) AS was FULL JOIN jsonb_each_text(percent) AS is_now
            USING (key)
        WHERE coalesce(was.value, '0')::numeric <> coalesce(is_now.value, '0')::numeric)
)"""
"""A percentage differs from the recorded one; a renamed tier moves nobody (programme.md 6.7)."""

FIND: Final = f"""
WITH {{computed}}, findings AS (
    INSERT INTO discount_findings (run_id, reseller_id, before, after, tomorrow, turnover, turnover_tomorrow, percent,
        changed, moved, falls, known)
    SELECT :run_id, id, before, tier, (CAST(:tiers AS text[]))[next_rank + 1], today, tomorrow, percent,
        {DIFFERS}, {DIFFERS} AND {MOVED}, next_rank < rank, version
    FROM judged WHERE {DIFFERS} OR next_rank < rank
    RETURNING moved
)
SELECT (SELECT count(*) FROM judged) AS resellers, (SELECT count(*) FROM findings WHERE moved) AS moved
"""  # noqa: S608 -- constants

PREVIEW: Final = f"""
WITH {{computed}}
SELECT before, tier AS after, {MOVED} AS moved, count(*) AS resellers FROM judged
GROUP BY before, tier, moved ORDER BY before, tier, moved
"""  # noqa: S608 -- constants

MOVERS: Final = f"""
WITH {{computed}}
SELECT id AS reseller_id, before, tier AS after, today AS turnover FROM judged WHERE {MOVED} ORDER BY id LIMIT :limit
"""  # noqa: S608 -- constants

# A row is written only if its version is the one that was compared: a recomputation from a newer snapshot
# is kept. Both statements below share this part.
WRITTEN: Final = """
updated AS (
    UPDATE discounts d SET programme = :programme, day = :day, turnover = c.turnover, tier = c.after,
        percent = c.percent, version = d.version + 1, changed_at = :now
    FROM changed c WHERE c.known IS NOT NULL AND d.reseller_id = c.reseller_id AND d.version = c.known
    RETURNING d.reseller_id, d.version, d.turnover, d.tier, d.percent
), inserted AS (
    INSERT INTO discounts (reseller_id, programme, day, turnover, tier, percent, changed_at)
    SELECT reseller_id, :programme, :day, turnover, after, percent, :now FROM changed WHERE known IS NULL
    ON CONFLICT DO NOTHING
    RETURNING reseller_id, version, turnover, tier, percent
), written AS (
    SELECT * FROM updated UNION ALL SELECT * FROM inserted
), recorded AS (
    INSERT INTO discount_records (reseller_id, day, turnover, tier, percent, at)
    SELECT reseller_id, :day, turnover, tier, percent, :now FROM written
    ON CONFLICT (reseller_id, day) DO UPDATE SET turnover = excluded.turnover, tier = excluded.tier,
        percent = excluded.percent, at = excluded.at
)
"""

RECORD: Final = f"""
WITH {{computed}}, changed AS (
    SELECT id AS reseller_id, before, tier AS after, today AS turnover, percent, version AS known, {MOVED} AS moved
    FROM judged WHERE {DIFFERS}
), {WRITTEN}
SELECT j.id AS reseller_id, j.before, j.tier AS after, (CAST(:tiers AS text[]))[j.next_rank + 1] AS tomorrow,
    j.today AS turnover, j.tomorrow AS turnover_tomorrow, w.version, j.next_rank < j.rank AS falls,
    w.version IS NOT NULL AND c.moved AS moved,
    c.reseller_id IS NOT NULL AND w.version IS NULL AS overtaken
FROM judged j LEFT JOIN changed c ON c.reseller_id = j.id LEFT JOIN written w ON w.reseller_id = j.id
"""  # noqa: S608 -- constants

APPLY: Final = text(f"""
WITH changed AS MATERIALIZED (
    SELECT * FROM discount_findings WHERE run_id = :run_id AND reseller_id BETWEEN :first AND :last AND changed
), {WRITTEN}
UPDATE discount_findings f SET version = w.version FROM written w
WHERE f.run_id = :run_id AND f.reseller_id = w.reseller_id AND f.moved
""")  # noqa: S608 -- constants

RANGES: Final = text(
    "SELECT id FROM (SELECT id, row_number() OVER (ORDER BY id) AS place FROM accounts"
    " WHERE kind = 'reseller' AND programme = :programme AND deleted_at IS NULL AND purged_at IS NULL) AS numbered"
    " WHERE place % :size = 1 OR :size = 1 ORDER BY id"
)


@dataclass(frozen=True, slots=True)
class DiscountComputation:
    """Parameters of a statement: a programme's tiers, a local day's window as instants, a range of resellers.

    `tiers` and `percents` (JSON) have one more element than `starts`.
    """

    programme: str
    day: date
    since: datetime
    keeps: datetime
    until: datetime
    starts: Sequence[Decimal]
    tiers: Sequence[str | None]
    percents: Sequence[str]
    first: UUID = ALL[0]
    last: UUID = ALL[1]

    def values(self) -> dict[str, object]:
        """Return the bind parameters."""
        return {
            "programme": self.programme,
            "day": self.day,
            "since": self.since,
            "keeps": self.keeps,
            "until": self.until,
            "starts": list(self.starts),
            "tiers": list(self.tiers),
            "percents": list(self.percents),
            "first": self.first,
            "last": self.last,
        }

    def statement(self, template: str) -> TextClause:
        """Return a statement over the range, or over a single reseller, which needs its own query plan."""
        which = ONE if self.first == self.last else RANGE
        return text(template.format(computed=COMPUTED.format(which=which)))


class TierCount(NamedTuple):
    """The number of resellers by recorded and computed tier; `moved`: their percentages differ."""

    before: str | None
    after: str | None
    moved: bool
    resellers: int


class Mover(NamedTuple):
    """A reseller whose tier would change."""

    reseller_id: UUID
    before: str | None
    after: str | None
    turnover: Decimal


class Recorded(NamedTuple):
    """A reseller's tiers; `version` is the one written, `overtaken`: another transaction wrote first."""

    reseller_id: UUID
    before: str | None
    after: str | None
    tomorrow: str | None
    turnover: Decimal
    turnover_tomorrow: Decimal
    version: int | None
    falls: bool
    moved: bool
    overtaken: bool


def compute_findings(session: Session, sums: DiscountComputation, run_id: UUID) -> tuple[int, int]:
    """Compute, and store differences as findings of a run; return the numbers of resellers and of tier changes."""
    row = session.execute(sums.statement(FIND), {**sums.values(), "run_id": run_id}).one()
    return int(row.resellers), int(row.moved)


def preview(session: Session, sums: DiscountComputation) -> list[TierCount]:
    """Return the number of resellers by recorded and computed tier; writes nothing."""
    return [TierCount(*row) for row in session.execute(sums.statement(PREVIEW), sums.values())]


def movers(session: Session, sums: DiscountComputation, limit: int) -> list[Mover]:
    """Return the resellers whose tier would change; writes nothing."""
    return [Mover(*row) for row in session.execute(sums.statement(MOVERS), {**sums.values(), "limit": limit})]


def record(session: Session, sums: DiscountComputation, now: datetime) -> Recorded | None:
    """Compute one reseller's discount and record it if it differs; None when there is no such reseller."""
    row = session.execute(sums.statement(RECORD), {**sums.values(), "now": now}).one_or_none()
    return None if row is None else Recorded(*row)


def apply(session: Session, part: DiscountRange, programme: str, day: date, now: datetime) -> None:
    """Record the findings of a range, and store the written versions in them."""
    bounds = {"run_id": part.run_id, "first": part.first_id, "last": part.last_id}
    session.execute(APPLY, {**bounds, "programme": programme, "day": day, "now": now})


def analyze(session: Session) -> None:
    """Update the planner's statistics of the findings, which were inserted just before, where a plan needs them."""
    session.execute(text("ANALYZE discount_findings (run_id, reseller_id)"))


def range_starts(session: Session, programme: str, size: int) -> list[UUID]:
    """Return the first reseller of every group of `size`, in the order of ids."""
    return list(session.scalars(RANGES, {"programme": programme, "size": size}))
