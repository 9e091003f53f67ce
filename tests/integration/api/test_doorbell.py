"""The relay hears of a job when it is committed, and not before."""

from sqlalchemy import Engine, text

from engine.enqueue import RING
from workers.web import ringing_sessions


class Bell:
    """Counts, and looks whether the job can be seen when it rings."""

    def __init__(self, engine: Engine) -> None:
        self.seen: list[int] = []
        self._engine = engine

    def ring(self) -> None:
        """Look at the ledger with the eyes of another process."""
        with self._engine.connect() as other:
            self.seen.append(int(other.execute(text("SELECT count(*) FROM once_keys")).scalar_one()))


def test_the_doorbell_rings_once_after_the_commit_and_not_at_a_savepoint(engine: Engine) -> None:
    bell = Bell(engine)
    with ringing_sessions(engine, bell)() as session:
        savepoint = session.begin_nested()
        session.execute(text("INSERT INTO once_keys VALUES ('a', gen_random_uuid())"))
        session.info[RING] = True
        savepoint.commit()
        assert bell.seen == []
        session.commit()
        session.commit()

    assert bell.seen == [1]


def test_a_rollback_rings_nobody(engine: Engine) -> None:
    bell = Bell(engine)
    with ringing_sessions(engine, bell)() as session:
        session.execute(text("INSERT INTO once_keys VALUES ('a', gen_random_uuid())"))
        session.info[RING] = True
        session.rollback()

    assert bell.seen == []
