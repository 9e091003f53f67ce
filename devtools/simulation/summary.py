"""Figures of every simulated day, and the summary."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from devtools.simulation.daily_plan import Parameters
from devtools.simulation.environment import SimulationEnvironment
from devtools.simulation.log import ActionLog
from kontor.engine.dead_jobs import dead_jobs
from kontor.kernel.zones import day_start

NO_TIER: Final = "none"
SECOND: Final = timedelta(seconds=1)
TIERS: Final = """
SELECT coalesce(d.tier, 'none'), count(*) FROM accounts a LEFT JOIN discounts d ON d.reseller_id = a.id
WHERE a.kind = 'reseller' GROUP BY 1
"""
TURNOVER: Final = "SELECT coalesce(sum(signed), 0) FROM payments WHERE paid_at >= :since AND paid_at < :until"
MAILS: Final = "SELECT template, count(*) FROM mails WHERE sent_at >= :since AND sent_at < :until GROUP BY 1"
TOTALS: Final = {
    "accounts": "SELECT kind, count(*) FROM accounts WHERE deleted_at IS NULL GROUP BY 1",
    "trials": "SELECT trial_state, count(*) FROM accounts GROUP BY 1",
    "plans": "SELECT plan, count(*) FROM accounts WHERE deleted_at IS NULL GROUP BY 1",
    "offers": "SELECT concat_ws(': ', state, reason), count(*) FROM offers GROUP BY 1",
    "payments": "SELECT kind, count(*) FROM payments GROUP BY 1",
    "orders": "SELECT product, count(*) FROM orders GROUP BY 1",
    "charges": "SELECT product, count(*) FROM charges WHERE kind <> 'credit' GROUP BY 1",
    "credits": "SELECT product, count(*) FROM charges WHERE kind = 'credit' GROUP BY 1",
    "quota_notices": "SELECT threshold, count(*) FROM quota_notices GROUP BY 1",
    "mails": "SELECT concat_ws(': ', template, state), count(*) FROM mails GROUP BY 1",
    "dead_jobs": f"SELECT concat_ws(': ', task, reason), count(*) FROM {dead_jobs('task, reason')} GROUP BY 1",  # noqa: S608 -- constants
}
SUMS: Final = {
    "paid": "SELECT coalesce(sum(signed), 0) FROM payments",
    "ordered": "SELECT coalesce(sum(net), 0) FROM orders",
    "charged": "SELECT coalesce(sum(total), 0) FROM charges WHERE kind <> 'credit'",
    "credited": "SELECT coalesce(sum(total), 0) FROM charges WHERE kind = 'credit'",
    "discounted": "SELECT coalesce(sum(discount), 0) FROM charges",
}


@dataclass(frozen=True, slots=True)
class DayFigures:
    """One local day: resellers by tier, turnover of the window, mails by template, jobs by task."""

    day: date
    tiers: Mapping[str, int]
    turnover: Decimal
    mails: Mapping[str, int]
    jobs: Mapping[str, int]


@dataclass(slots=True)
class DailyStatistics:
    """Collects the figures of each day."""

    environment: SimulationEnvironment
    parameters: Parameters
    days: list[DayFigures] = field(default_factory=list)
    _jobs: Counter[str] = field(default_factory=Counter)

    def count(self, day: date, session: Session) -> None:
        """Add the figures of a finished day."""
        zone, jobs = self.parameters.programme.zone, Counter(self.environment.jobs_run)
        begins, ends = day_start(day, zone), self.environment.now + SECOND
        figures = DayFigures(
            day,
            _counts(session, TIERS) if self.parameters.has_tiers else {},
            Decimal(session.execute(text(TURNOVER), _span(self.parameters.window(day), ends)).scalar_one()),
            _counts(session, MAILS, **_span(begins, ends)),
            dict(sorted((jobs - self._jobs).items())),
        )
        self._jobs = jobs
        self.days.append(figures)


def _span(since: datetime, until: datetime) -> dict[str, datetime]:
    return {"since": since, "until": until}


def _counts(session: Session, query: str, **values: Any) -> dict[str, int]:
    """Return the result of a grouped count, sorted by name."""
    return {str(name): number for name, number in sorted(session.execute(text(query), values).all())}


def build_summary(code: str, statistics: DailyStatistics, log: ActionLog, session: Session) -> dict[str, Any]:
    """Return the summary without ids and wall times; the same seed gives the same summary."""
    parameters, environment = statistics.parameters, statistics.environment
    outcomes: dict[str, Counter[str]] = {}
    for entry in log.entries:
        outcomes.setdefault(entry.action, Counter())[entry.outcome] += 1
    return {
        "programme": code,
        "resellers": parameters.resellers,
        "months": parameters.months,
        "seed": parameters.seed,
        "from": parameters.start.isoformat(),
        "until": parameters.end.isoformat(),
        "days": len(statistics.days),
        "actions": {action: dict(sorted(counts.items())) for action, counts in sorted(outcomes.items())},
        **{name: _counts(session, query) for name, query in TOTALS.items()},
        "money": {
            "currency": parameters.programme.currency,
            **{name: _amount(session.execute(text(query)).scalar_one()) for name, query in SUMS.items()},
        },
        "jobs": dict(sorted(environment.jobs_run.items())),
        "outside": {
            "mails_delivered": environment.mailboxes.delivered,
            "mails_repeated": environment.mailboxes.repeats,
            "calls_answered": environment.instances.calls,
            "calls_failed": environment.instances.failures,
            "calls_repeated": environment.instances.repeats,
        },
        "series": [_series(figures) for figures in statistics.days],
    }


def _amount(value: Decimal) -> str:
    return f"{Decimal(value).normalize():f}"


def _series(figures: DayFigures) -> dict[str, Any]:
    return {
        "day": figures.day.isoformat(),
        "turnover": _amount(figures.turnover),
        "tiers": dict(figures.tiers),
        "mails": dict(figures.mails),
        "jobs": dict(figures.jobs),
    }
