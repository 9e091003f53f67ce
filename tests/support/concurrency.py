"""Runs several operations at the same time, each on its own connection."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from kontor.kernel.errors import KontorError


def run_concurrently(engine: Engine, *operations: Callable[[Session], object]) -> Counter[str]:
    """Run every operation at the same time, each in a transaction; count results by error code, `done` for success."""
    start = Barrier(len(operations))

    def run(operation: Callable[[Session], object]) -> str:
        with Session(engine) as session:
            start.wait(10)
            try:
                result = operation(session)
                session.commit()
            except KontorError as error:
                return error.code
        return result.code if isinstance(result, KontorError) else "done"

    with ThreadPoolExecutor(len(operations)) as pool:
        return Counter(pool.map(run, operations))
