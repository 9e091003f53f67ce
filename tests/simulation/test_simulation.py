"""Each example programme runs for a while, checked by the oracle; the long runs are `make simulate`."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from sqlalchemy import CursorResult, Engine, text

from devtools.simulation.charts import draw
from devtools.simulation.daily_plan import Parameters, plan_days
from devtools.simulation.run import temporary_database
from kontor.programme.model import Programme
from kontor.programme.parse import parse
from tests.conftest import Servers
from tests.simulation.comparisons import COMPARISONS
from tests.simulation.harness import run_watched
from tests.simulation.invariants import INVARIANTS
from tests.simulation.runs import main
from tests.simulation.watcher import View
from workers.migrations import ROOT

EXAMPLES = ROOT / "examples" / "programmes"
NEW_YEAR = date(2027, 12, 28)
LEAP_DAY = date(2028, 2, 20)
"""A month from here has a 29 February and the clocks of New York going forward."""
SPRING = date(2028, 3, 10)
"""A month from here has the end of a quarter, and the clocks of New York and Paris going forward."""


def parameters(code: str, seed: int, months: int = 2) -> Parameters:
    programme = parse((EXAMPLES / f"{code}.yaml").read_text())
    assert isinstance(programme, Programme)
    return Parameters(programme, 12, months, seed, NEW_YEAR)


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ("code", "seed", "start", "months"),
    [
        ("booking", 11, NEW_YEAR, 3),
        ("hosting", 12, LEAP_DAY, 1),
        ("learning", 13, SPRING, 1),
        ("telephony", 14, LEAP_DAY, 1),
    ],
)
def test_oracle_agrees_on_every_day(engine: Engine, code: str, seed: int, start: date, months: int) -> None:
    done = run_watched(engine, EXAMPLES / f"{code}.yaml", resellers=4, months=months, seed=seed, start=start)

    assert done.days in {29, 31, 91}
    summary = done.simulation.summary()
    assert summary["outside"]["mails_delivered"] > 0
    assert summary["outside"]["mails_repeated"] == 0
    assert summary["dead_jobs"] == {}


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_same_seed_gives_the_same_summary_and_the_same_charts(engine: Engine, tmp_path: Path) -> None:
    summaries, drawn = [], []
    with temporary_database(engine.url.render_as_string(hide_password=False)) as other:
        for number, database in enumerate((engine, other)):
            done = run_watched(database, EXAMPLES / "hosting.yaml", resellers=5, months=1, seed=3, start=NEW_YEAR)
            summaries.append(json.dumps(done.simulation.summary(), default=str))
            statistics = done.simulation.statistics
            paths = draw(tmp_path / str(number), statistics.parameters.programme, statistics.days)
            drawn.append([path.read_text() for path in paths])

    assert summaries[0] == summaries[1]
    assert drawn[0] == drawn[1]
    assert len(drawn[0]) == 4
    assert all(ET.fromstring(svg).tag.endswith("svg") for svg in drawn[0])
    with engine.connect() as connection:
        names = connection.execute(text("SELECT datname FROM pg_database WHERE datname LIKE 'kontor_simulation_%'"))
        assert str(other.url.database) not in {name for (name,) in names}


def test_same_seed_gives_the_same_story_and_another_seed_another() -> None:
    first, again, other = (list(plan_days(parameters("booking", seed))) for seed in (1, 1, 2))

    assert first == again
    assert first != other
    assert {"plan", "trial", "usage", "offer", "stop", "round"} <= {
        entry.action for day in first for entry in day.actions
    }


def test_story_is_ordered_and_every_action_lies_within_its_day() -> None:
    last = None
    for day in plan_days(parameters("telephony", 5, months=3)):
        for action in day.actions:
            assert day.begins <= action.at < day.ends
            assert last is None or action.at >= last
            last = action.at


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_make_simulate_runs_the_complete_programme(
    servers: Servers, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATABASE_URL", servers.database_url)

    assert main(["--resellers", "3", "--months", "1", "--seeds", "1", "--jobs", "1"]) == 0
    assert "complete, seed 1: the oracle agrees; 31 days" in capfd.readouterr().out


TAMPERINGS = {
    "hosting": [
        ("UPDATE payments SET amount = amount + 1", "sum of payments"),
        ("UPDATE payments SET paid_at = paid_at - interval '2 months'", "turnover of"),
        ("UPDATE discounts SET tier = 'Partner #16'", "discount of"),
        ("UPDATE discounts SET turnover = turnover + 0.01", "discount of"),
    ],
    "booking": [
        ("UPDATE accounts SET plan = 'premium' WHERE plan <> 'premium'", "account"),
        ("UPDATE accounts SET trial_ends_at = trial_ends_at + interval '1 second'", "account"),
        ("UPDATE accounts SET kind = 'regular', reseller_id = NULL WHERE kind = 'client'", "account"),
        ("DELETE FROM quota_notices", "quota mail: only the oracle has"),
        ("UPDATE quota_notices SET mail_id = NULL", "mail of"),
        ("UPDATE charges SET percent = 0, discount = 0, total = fee", "charge: only the product has"),
        ("DELETE FROM charges", "charge: only the oracle has"),
        ("UPDATE charges SET period_end = period_end + 1", "charge"),
        ("UPDATE offers SET state = 'rejected', reason = NULL WHERE state <> 'rejected'", "offer"),
        ("UPDATE offer_events SET actor = 'somebody else'", "chain of"),
        ("UPDATE grants SET count = count + 1", "licences"),
        ("UPDATE mails SET state = 'queued'", "not sent"),
    ],
}


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("code", sorted(TAMPERINGS))
def test_tampering_with_the_database_is_detected(engine: Engine, code: str) -> None:
    tamperer = Tamperer(TAMPERINGS[code], date(2028, 1, 27))

    run_watched(engine, EXAMPLES / f"{code}.yaml", 14, 1, 6, start=NEW_YEAR, checks=(tamperer,))

    assert tamperer.undetected == []
    assert tamperer.detected == len(TAMPERINGS[code])


@dataclass
class Tamperer:
    """Tampers in each way on one day, checks that it is detected, and rolls it back."""

    statements: list[tuple[str, str]]
    when: date
    detected: int = 0
    undetected: list[str] = field(default_factory=list)

    def __call__(self, view: View) -> None:
        if view.day != self.when:
            return
        for statement, named in self.statements:
            attempt = view.session.begin_nested()
            done = view.session.execute(text(statement))
            assert isinstance(done, CursorResult)
            suspect = replace(view, complaints=[])
            for check in (*INVARIANTS, *COMPARISONS):
                check(suspect)
            attempt.rollback()
            view.session.expire_all()
            if done.rowcount and any(named in complaint for complaint in suspect.complaints):
                self.detected += 1
            else:
                self.undetected.append(f"{statement} ({done.rowcount} rows): {suspect.complaints[:2]}")
