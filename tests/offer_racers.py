"""Processes of their own that accept and cancel the same offers at the same instants."""

from __future__ import annotations

import multiprocessing
from collections.abc import Sequence
from multiprocessing.synchronize import Barrier
from typing import Any
from uuid import UUID

from sqlalchemy import create_engine

from adapters.clock_fakes import ManualClock
from domain.errors import Conflict
from services import offers
from services.decisions import Decider, Verdict, decide
from tests.offer_world import START, World

CANCEL = "cancel"


def race(database_url: str, verdicts: Sequence[str], offer_ids: Sequence[UUID]) -> list[list[tuple[str, str | None]]]:
    """One process per verdict; per process what came of each offer: (`won` or a code, the state met)."""
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(len(verdicts))
    queue: Any = context.Queue()
    racers = [
        context.Process(target=run, args=(database_url, verdict, list(offer_ids), barrier, queue, index))
        for index, verdict in enumerate(verdicts)
    ]
    for racer in racers:
        racer.start()
    found = dict(queue.get(timeout=100) for _ in racers)
    for racer in racers:
        racer.join()
    return [found[index] for index in range(len(racers))]


def run(database_url: str, verdict: str, offer_ids: list[UUID], barrier: Barrier, queue: Any, index: int) -> None:
    """Go through the offers, each at the same instant as the others."""
    engine = create_engine(database_url)
    world = World(engine, ManualClock(START))
    outcomes = []
    for offer_id in offer_ids:
        barrier.wait(timeout=60)
        outcomes.append(attempt(world, verdict, offer_id))
    engine.dispose()
    queue.put((index, outcomes))


def attempt(world: World, verdict: str, offer_id: UUID) -> tuple[str, str | None]:
    """Decide or cancel one offer."""
    try:
        with world.transaction() as session:
            if verdict == CANCEL:
                state = offers.cancel(world.book, session, offer_id, CANCEL).state
            else:
                state = decide(world.book, session, offer_id, Verdict(verdict), Decider(verdict)).state
    except Conflict as lost:
        return lost.code, lost.state
    return "won", state
