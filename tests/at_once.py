"""Several things done at the same time, each over a connection of its own."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from domain.errors import KontorError


def at_once(engine: Engine, *works: Callable[[Session], object]) -> Counter[str]:
    """Do everything at the same time, each in a transaction; count answers by their code."""
    start = Barrier(len(works))

    def one(work: Callable[[Session], object]) -> str:
        with Session(engine) as session:
            start.wait(10)
            try:
                answer = work(session)
                session.commit()
            except KontorError as error:
                return error.code
        return answer.code if isinstance(answer, KontorError) else "done"

    with ThreadPoolExecutor(len(works)) as pool:
        return Counter(pool.map(one, works))
