"""Separate processes that report the usage of one account at the same time."""

from __future__ import annotations

import multiprocessing
from multiprocessing.synchronize import Barrier
from uuid import UUID

from sqlalchemy import create_engine
from sqlalchemy.orm import Session

from kontor.adapters.fakes import ManualClock
from kontor.kernel.states import ReportKind
from kontor.usage import quotas
from kontor.usage.service import NewUsageReport
from tests.support.wiring import context_for, silent_jobs


def report_concurrently(database_url: str, account_id: UUID, processes: int, each: int) -> list[int]:
    """Every process reports `each` deltas of 1, then five shared reports; returns the exit codes."""
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(processes)
    reporters = [
        context.Process(target=run, args=(database_url, account_id, each, barrier, number))
        for number in range(processes)
    ]
    for reporter in reporters:
        reporter.start()
    for reporter in reporters:
        reporter.join(100)
    return [reporter.exitcode if reporter.exitcode is not None else -1 for reporter in reporters]


def run(database_url: str, account_id: UUID, each: int, barrier: Barrier, number: int) -> None:
    """Report as the API does, each in its own transaction."""
    clock = ManualClock()
    ctx = context_for(silent_jobs(clock))
    engine = create_engine(database_url)
    ids = [f"{number}:{index}" for index in range(each)] + [f"all:{index}" for index in range(5)]
    barrier.wait(60)
    for report_id in ids:
        report = NewUsageReport("appointments", ReportKind.DELTA, 1, clock.now(), report_id)
        with Session(engine) as session:
            quotas.receive_report(ctx, session, account_id, report)
            session.commit()
    engine.dispose()
