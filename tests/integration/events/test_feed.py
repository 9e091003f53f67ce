"""The feed of domain events is ordered and never skips a late commit."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from random import Random

import pytest
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from kontor.context import Context
from kontor.engine.enqueue import Jobs
from kontor.webhooks import events
from models.accounts import Account
from models.webhooks import DomainEvent

MAKES_EVENTS_UP = True


def tell(session: Session, jobs: Jobs, name: str) -> int:
    return events.emit_for(session, jobs, name, {}, at=jobs.clock.now())


def names(session: Session, after: int = 0) -> list[str]:
    return [event.type for event in events.read_feed(session, after)]


@pytest.fixture
def others(engine: Engine) -> Iterator[tuple[Session, Session]]:
    """Two more sessions for writing."""
    with Session(engine) as first, Session(engine) as other:
        yield first, other


def test_event_waits_for_an_uncommitted_earlier_number(
    session: Session, others: tuple[Session, Session], jobs: Jobs
) -> None:
    slow, quick = others
    tell(slow, jobs, "slow")
    tell(quick, jobs, "quick")
    quick.commit()
    assert names(session) == []
    session.rollback()
    slow.commit()
    assert names(session) == ["slow", "quick"]


def test_rolled_back_number_does_not_block_the_feed(
    session: Session, others: tuple[Session, Session], jobs: Jobs
) -> None:
    slow, quick = others
    tell(slow, jobs, "slow")
    last = tell(quick, jobs, "quick")
    quick.commit()
    slow.rollback()
    assert names(session) == ["quick"]
    assert names(session, last) == []


def test_number_drawn_later_comes_later_even_in_an_earlier_transaction(
    session: Session, others: tuple[Session, Session], jobs: Jobs
) -> None:
    early, newer = others
    tell(early, jobs, "first")
    tell(newer, jobs, "second")
    newer.commit()
    tell(early, jobs, "third")
    early.commit()
    assert names(session) == ["first", "second", "third"]


def test_reader_sees_every_event_once_and_in_order_while_many_write(
    engine: Engine, session: Session, jobs: Jobs
) -> None:
    def write(seed: int) -> int:
        chance, committed = Random(seed), 0
        with Session(engine) as own:
            for _ in range(25):
                amount = chance.randint(1, 3)
                for _ in range(amount):
                    tell(own, jobs, str(seed))
                if chance.random() < 0.2:
                    own.rollback()
                else:
                    own.commit()
                    committed += amount
        return committed

    def read() -> list[int]:
        seen = [0]
        while True:
            done = all(writer.done() for writer in writers)
            page = events.read_feed(session, seen[-1], 7)
            seen += [event.seq for event in page]
            session.rollback()
            if done and not page:
                return seen[1:]

    with ThreadPoolExecutor(4) as pool:
        writers = [pool.submit(write, seed) for seed in range(4)]
        seen = read()
    everything = list(session.scalars(select(DomainEvent.seq).order_by(DomainEvent.seq)))
    assert seen == everything
    assert len(seen) == sum(writer.result() for writer in writers) > 0


def test_feed_of_a_reseller_covers_itself_and_its_clients(
    office: Context, session: Session, reseller: Account, client: Account
) -> None:
    session.commit()
    mine = events.read_feed(session, reseller_id=reseller.id)
    assert [event.type for event in mine] == [
        "account.created",
        "account.became_reseller",
        "account.created",
    ]
    own = events.read_feed(session, account_id=client.id)
    assert [event.account_id for event in own] == [client.id]
    assert own[0].reseller_id == reseller.id
