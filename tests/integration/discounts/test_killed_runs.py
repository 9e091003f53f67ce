"""A run killed anywhere and run again leaves the same, and tells nobody twice."""

from collections import Counter
from dataclasses import dataclass, replace

from engine.enqueue import Request
from engine.runner import Runner
from tests.discount_world import DiscountWorld, moscow

POINTS = ("claim.after", "effect.before", "effect.after", "record.before", "record.after", "commit.before")
PASSINGS = (1, 3, 6, 7, 11, 13, 16)
"""The first job, a range that computes, the one that decides, ranges that record, ranges that tell."""

RANGE = 8
CLEAN = (
    "TRUNCATE discounts, discount_records, discount_findings, discount_run_ranges, discount_runs,"
    " mail_recipients, mails, domain_events, jobs, job_attempts CASCADE"
)


class Died(BaseException):
    """The process is gone."""


@dataclass
class Fate:
    """Dies at a point, at the nth passing from 1."""

    point: str
    left: int

    def __call__(self, name: str) -> None:
        self.left -= name == self.point
        if name == self.point and self.left == 0:
            raise Died


def begin(world: DiscountWorld) -> None:
    """A run in five ranges, of which nothing was done yet."""
    with world.transaction() as session:
        world.works.inline.jobs.put(session, Request("discounts.run", {"programme": "hosting", "range_size": RANGE}))


def killed(world: DiscountWorld, fate: Fate) -> bool:
    """Run until the worker dies, then let another one go on; whether it died."""
    inline, died = world.works.inline, False
    healthy = inline.runner
    inline.runner = Runner(replace(inline.shop, crash=fate))
    try:
        inline.drain()
    except Died:
        died = True
    inline.runner = healthy
    inline.relay.begin()
    inline.drain()
    return died


def outcome(world: DiscountWorld) -> tuple[object, ...]:
    """All that a run leaves behind."""
    tiers = Counter((tier, f"{turnover:.2f}") for _, tier, turnover in world.recorded())
    records = world.rows("SELECT count(*), count(DISTINCT reseller_id), min(day)::text FROM discount_records")[0]
    mails = world.rows("SELECT template, count(*), count(DISTINCT account_id) FROM mails GROUP BY 1 ORDER BY 1")
    heard = Counter(one["to"] for one in world.events())
    return tiers, tuple(records), [tuple(row) for row in mails], heard, world.runs()[0]["state"], len(world.runs())


def test_a_run_killed_at_any_point_and_run_again_leaves_the_same_and_doubles_no_mail(world: DiscountWorld) -> None:
    world.reach(moscow("2026-01-10"))
    world.rows("INSERT INTO queues (name, paused) VALUES ('mail', true)")
    world.many(14, "2025-12-10", "3000.00")
    world.many(13, "2026-01-09", "500.00")
    world.many(13, "2025-10-01")
    deaths = 0
    for point in POINTS:
        for passing in PASSINGS:
            world.rows(CLEAN)
            begin(world)
            deaths += killed(world, Fate(point, passing))
            assert outcome(world) == (
                Counter({("Partner #1", "3000.00"): 14, ("Starter", "500.00"): 13, (None, "0.00"): 13}),
                (40, 40, "2026-01-10"),
                [("tier-changed", 27, 27), ("tier-drop-tomorrow", 14, 14)],
                Counter({"Partner #1": 14, "Starter": 13}),
                "done",
                1,
            ), (point, passing)
    assert deaths == len(POINTS) * len(PASSINGS)
