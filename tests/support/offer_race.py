"""Separate processes that accept and cancel the same offers at the same instant."""

from __future__ import annotations

import multiprocessing
from collections.abc import Sequence
from multiprocessing.synchronize import Barrier
from typing import Any
from uuid import UUID

from sqlalchemy import create_engine

from kontor.adapters.fakes import ManualClock
from kontor.kernel.errors import Conflict
from kontor.offers import service as offers
from kontor.offers.decisions import DecidedBy, DecisionChoice, decide
from tests.support.offers import START, OfferScenario

CANCEL = "cancel"


def race(database_url: str, verdicts: Sequence[str], offer_ids: Sequence[UUID]) -> list[list[tuple[str, str | None]]]:
    """Run one process per verdict; returns per process (`won` or an error code, the state) of each offer."""
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(len(verdicts))
    queue: Any = context.Queue()
    racers = [
        context.Process(target=run, args=(database_url, verdict, list(offer_ids), barrier, queue, index))
        for index, verdict in enumerate(verdicts)
    ]
    for racer in racers:
        racer.start()
    outcomes = dict(queue.get(timeout=100) for _ in racers)
    for racer in racers:
        racer.join()
    return [outcomes[index] for index in range(len(racers))]


def run(database_url: str, verdict: str, offer_ids: list[UUID], barrier: Barrier, queue: Any, index: int) -> None:
    """Decide every offer, each at the same instant as the other processes."""
    engine = create_engine(database_url)
    world = OfferScenario(engine, ManualClock(START))
    outcomes = []
    for offer_id in offer_ids:
        barrier.wait(timeout=60)
        outcomes.append(attempt(world, verdict, offer_id))
    engine.dispose()
    queue.put((index, outcomes))


def attempt(world: OfferScenario, verdict: str, offer_id: UUID) -> tuple[str, str | None]:
    """Decide or cancel one offer."""
    try:
        with world.transaction() as session:
            if verdict == CANCEL:
                state = offers.cancel(world.ctx, session, offer_id, CANCEL).state
            else:
                state = decide(world.ctx, session, offer_id, DecisionChoice(verdict), DecidedBy(verdict)).state
    except Conflict as error:
        return error.code, error.state
    return "won", state
