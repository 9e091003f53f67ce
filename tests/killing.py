"""Equal worlds: one is left alone, in each of the others a process is killed at another step; all must end alike."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import Engine, create_engine, make_url, text
from sqlalchemy.orm import Session
from sqlalchemy.pool import NullPool

from adapters.clock_fakes import ManualClock
from tests.conftest import Servers, copied
from tests.killed_child import WORKER, Ended, Errand, Forker
from tests.waiting import wait_for

OTHERS = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()
"""
JOBS = "(SELECT task, state, payload FROM jobs UNION ALL SELECT task, state, payload FROM jobs_archive) AS j"
MAILS = "SELECT identity, template, account_id, fact_key, facts::text, refs::text, state FROM mails ORDER BY identity"
SENDINGS = f"""
SELECT m.identity, count(*) FROM mails m JOIN {JOBS} ON j.payload ->> 'mail_id' = m.id::text
WHERE j.task = 'mail.send' GROUP BY 1 ORDER BY 1
"""
EVENTS = "SELECT type, account_id, reseller_id, data - 'id', at FROM domain_events ORDER BY 1, 2, (data - 'id')::text"
DONE = f"SELECT task, state, count(*) FROM {JOBS} GROUP BY 1, 2 ORDER BY 1, 2"

Fate = Sequence[str]
"""Where one process after another is killed, as an Errand has it."""
Left = Mapping[str, Sequence[Any]]


@dataclass(frozen=True, slots=True)
class World:
    """A database of its own, and processes that work on it at one instant."""

    errand: Errand
    forker: Forker

    def does(self, *command: str, fate: Fate = (), **more: Any) -> Ended:
        """Have it done, by a worker unless a command is given; one process after another is killed on the way."""
        errand = replace(self.errand, command=command or WORKER, **more)
        for die in fate:
            self.dies(die, errand)
        ended = self.forker.send(errand)
        assert (ended.killed, ended.code) == (False, 0), ended
        return ended

    def dies(self, die: str, errand: Errand) -> None:
        """Have a process begin it and be killed at a step; returns when PostgreSQL has undone what was open."""
        ended = self.forker.send(replace(errand, die=die))
        assert ended.killed, f"nobody came to {die}: {ended}"
        wait_for(lambda: self.rows(OTHERS) == [(0,)], "the end of the dead one's transactions")

    def rows(self, statement: str, **values: Any) -> list[tuple[Any, ...]]:
        """What a statement finds."""
        with self.session() as session:
            return [tuple(row) for row in session.execute(text(statement), values)]

    @contextmanager
    def session(self) -> Iterator[Session]:
        """One committed transaction."""
        engine = create_engine(self.errand.database_url, poolclass=NullPool)
        with Session(engine) as session, session.begin():
            yield session

    def left(self, looks: Mapping[str, str]) -> Left:
        """What there is now; each look must find something, so that nothing is alike by being absent."""
        found = {name: self.rows(look) for name, look in looks.items()}
        assert [name for name, rows in found.items() if not rows] == []
        return found


Play = Callable[[World, Fate], Left]


@dataclass
class Stage:
    """The world that a test has built, of which all others are copies. `sizes` as an Errand has them."""

    servers: Servers
    engine: Engine
    clock: ManualClock
    forker: Forker
    sizes: dict[str, int] = field(default_factory=dict)

    @contextmanager
    def world(self) -> Iterator[World]:
        """A copy; the test lets go of every connection of its own before."""
        self.engine.dispose()
        template = make_url(self.engine.url).database
        assert template is not None
        with copied(self.servers, template) as url:
            yield World(Errand(url, self.clock.now().isoformat(), sizes=self.sizes), self.forker)

    def compare(self, play: Play, *fates: Fate) -> Left:
        """Play it undisturbed, and under each fate in a world of its own: all end alike. Returns what is left then."""
        with self.world() as world:
            whole = play(world, ())
        for fate in fates:
            with self.world() as world:
                found = play(world, fate)
            other = {name: differing(found[name], whole[name]) for name in whole if found[name] != whole[name]}
            assert not other, f"after {', '.join(fate)}: {other}"
        return whole


def differing(found: Sequence[Any], whole: Sequence[Any]) -> dict[str, list[Any]]:
    """What is there too much, and what is not."""
    return {"more": [row for row in found if row not in whole], "less": [row for row in whole if row not in found]}
