"""Processes of their own that report the usage of one account at the same time."""

from __future__ import annotations

import multiprocessing
from multiprocessing.synchronize import Barrier
from uuid import UUID

from sqlalchemy import create_engine
from sqlalchemy.orm import Session

from adapters.clock_fakes import ManualClock
from adapters.doorbell import SilentDoorbell
from adapters.passwords import Argon2Passwords
from domain.usage import ReportKind
from engine.enqueue import Jobs
from services import usage_reports
from services.account_book import AccountBook
from services.programmes import Programmes
from services.usage import UsageReport
from tasks.catalogue import catalogue


def report_at_once(database_url: str, account_id: UUID, processes: int, each: int) -> list[int]:
    """Every process reports `each` deltas of 1, and then what all of them report; their exit codes."""
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
    """Report as the API does: each in a transaction of its own."""
    clock = ManualClock()
    book = AccountBook(Jobs(catalogue(), clock, SilentDoorbell()), Programmes(), Argon2Passwords.cheap())
    engine = create_engine(database_url)
    ids = [f"{number}:{one}" for one in range(each)] + [f"all:{one}" for one in range(5)]
    barrier.wait(60)
    for report_id in ids:
        told = UsageReport("appointments", ReportKind.DELTA, 1, clock.now(), report_id)
        with Session(engine) as session:
            usage_reports.report(book, session, account_id, told)
            session.commit()
    engine.dispose()
