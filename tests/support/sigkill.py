"""Runs a scenario undisturbed and again with processes killed at chosen steps; all end states must be equal."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import Engine, create_engine, make_url, text
from sqlalchemy.orm import Session
from sqlalchemy.pool import NullPool

from kontor.adapters.fakes import ManualClock
from tests.conftest import Servers, copied
from tests.support.polling import wait_for
from tests.support.sigkill_child import WORKER, ChildExit, ChildTask, Forker

OTHER_BACKENDS = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()
"""
JOBS = "(SELECT task, state, payload FROM jobs UNION ALL SELECT task, state, payload FROM jobs_archive) AS j"
MAILS = "SELECT identity, template, account_id, fact_key, facts::text, refs::text, state FROM mails ORDER BY identity"
MAIL_JOBS = f"""
SELECT m.identity, count(*) FROM mails m JOIN {JOBS} ON j.payload ->> 'mail_id' = m.id::text
WHERE j.task = 'mail.send' GROUP BY 1 ORDER BY 1
"""
EVENTS = "SELECT type, account_id, reseller_id, data - 'id', at FROM domain_events ORDER BY 1, 2, (data - 'id')::text"
JOB_COUNTS = f"SELECT task, state, count(*) FROM {JOBS} GROUP BY 1, 2 ORDER BY 1, 2"

Kills = Sequence[str]
"""The steps at which one process after another is killed, as in ChildTask.die."""
EndState = Mapping[str, Sequence[Any]]


@dataclass(frozen=True, slots=True)
class DatabaseCopy:
    """A copy of the test database, and processes that work on it at a fixed instant."""

    task: ChildTask
    forker: Forker

    def run(self, *command: str, kills: Kills = (), **more: Any) -> ChildExit:
        """Run a worker, or a command, to its end after killing one process at each step of `kills`."""
        task = replace(self.task, command=command or WORKER, **more)
        for die in kills:
            self.run_killed(die, task)
        child = self.forker.send(task)
        assert (child.killed, child.code) == (False, 0), child
        return child

    def run_killed(self, die: str, task: ChildTask) -> None:
        """Run a process that is killed at a step; returns when PostgreSQL has rolled back its transactions."""
        child = self.forker.send(replace(task, die=die))
        assert child.killed, f"no process reached {die}: {child}"
        wait_for(lambda: self.rows(OTHER_BACKENDS) == [(0,)], "the rollback of the killed process's transactions")

    def rows(self, statement: str, **values: Any) -> list[tuple[Any, ...]]:
        """The rows of a query."""
        with self.session() as session:
            return [tuple(row) for row in session.execute(text(statement), values)]

    @contextmanager
    def session(self) -> Iterator[Session]:
        """One committed transaction."""
        engine = create_engine(self.task.database_url, poolclass=NullPool)
        with Session(engine) as session, session.begin():
            yield session

    def end_state(self, queries: Mapping[str, str]) -> EndState:
        """The rows of each query; none may be empty, so that two states are not equal by lacking everything."""
        state = {name: self.rows(query) for name, query in queries.items()}
        assert [name for name, rows in state.items() if not rows] == []
        return state


Scenario = Callable[[DatabaseCopy, Kills], EndState]


@dataclass
class SigkillHarness:
    """The database that a test has prepared, and copies of it. `sizes` as in ChildTask."""

    servers: Servers
    engine: Engine
    clock: ManualClock
    forker: Forker
    sizes: dict[str, int] = field(default_factory=dict)

    @contextmanager
    def copy(self) -> Iterator[DatabaseCopy]:
        """Copy the database; closes every connection of the test first."""
        self.engine.dispose()
        template = make_url(self.engine.url).database
        assert template is not None
        with copied(self.servers, template) as url:
            yield DatabaseCopy(ChildTask(url, self.clock.now().isoformat(), sizes=self.sizes), self.forker)

    def compare(self, scenario: Scenario, *kills: Kills) -> EndState:
        """Run the scenario undisturbed and once per series of kills; fails unless all end states are equal."""
        with self.copy() as world:
            expected = scenario(world, ())
        for series in kills:
            with self.copy() as world:
                actual = scenario(world, series)
            other = {
                name: difference(actual[name], expected[name]) for name in expected if actual[name] != expected[name]
            }
            assert not other, f"after {', '.join(series)}: {other}"
        return expected


def difference(actual: Sequence[Any], expected: Sequence[Any]) -> dict[str, list[Any]]:
    """The surplus rows and the missing rows."""
    return {
        "surplus": [row for row in actual if row not in expected],
        "missing": [row for row in expected if row not in actual],
    }
