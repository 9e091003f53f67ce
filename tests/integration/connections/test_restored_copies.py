"""A restored copy sends nothing until an operator releases it."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.orm import Session
from sqlalchemy.pool import NullPool

from kontor.adapters.settings import Settings
from kontor.audit import Actor
from kontor.engine.admin import outgoing
from tasks.catalogue import catalogue
from tests.conftest import Servers, copied
from workers.connections import programme_time
from workers.namespaces import register

HELD = {"handlers", "mail", "offers", "webhooks"}
ROWS = text("SELECT name, paused, held FROM queues")
AUDIT = text("SELECT action, detail -> 'queues' FROM audit_log WHERE target = 'queues' ORDER BY at")


def held(session: Session) -> set[str]:
    return {name for name, paused, held in session.execute(ROWS) if paused and held}


@pytest.fixture
def restored(settings: Settings, servers: Servers) -> Iterator[tuple[Settings, Session]]:
    """A copy of a database that ran, with a session in it; a queue was paused before the backup."""
    with Session(create_engine(settings.database_url, poolclass=NullPool)) as session, session.begin():
        session.execute(text("INSERT INTO queues (name, paused) VALUES ('probe', true), ('webhooks', true)"))
    register(settings)
    with copied(servers, str(make_url(settings.database_url).database)) as url:
        copy = replace(settings, database_url=url)
        with Session(create_engine(url, poolclass=NullPool)) as session:
            yield copy, session


def test_outgoing_queues_are_held_when_the_first_process_starts_on_a_copy(
    restored: tuple[Settings, Session],
) -> None:
    copy, session = restored
    assert held(session) == set()
    session.rollback()
    register(copy)
    assert held(session) >= HELD - {"webhooks"}
    assert [action for action, _ in session.execute(AUDIT)] == ["queues.hold"]


def test_release_resumes_what_was_held_and_not_what_was_paused_by_name(restored: tuple[Settings, Session]) -> None:
    copy, session = restored
    register(copy)
    outgoing.release(session, Actor("cli:test"), programme_time(copy))
    paused = {name for name, paused, _ in session.execute(ROWS) if paused}
    assert paused == {"probe", "webhooks"}


def test_released_copy_stays_released_when_processes_start_again(restored: tuple[Settings, Session]) -> None:
    copy, session = restored
    register(copy)
    outgoing.release(session, Actor("cli:test"), programme_time(copy))
    session.commit()
    register(copy)
    assert held(session) == set()


def test_nothing_is_held_when_the_database_is_new_or_is_itself(settings: Settings) -> None:
    register(settings)
    register(settings)
    with Session(create_engine(settings.database_url, poolclass=NullPool)) as session:
        assert held(session) == set()


def test_every_queue_with_a_task_that_acts_outside_is_held() -> None:
    assert set(outgoing.outgoing(catalogue())) >= HELD
