"""Records the SQL statements of a piece of code and their query plans."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Engine, event
from sqlalchemy.orm import Session

Statements = list[tuple[str, Any]]


@contextmanager
def statements(engine: Engine) -> Iterator[Statements]:
    """Record the statements of the block with their parameters, in order."""
    recorded: Statements = []

    def remember(_connection: Any, _cursor: Any, statement: str, values: Any, *_: Any) -> None:
        recorded.append((statement, values))

    event.listen(engine, "before_cursor_execute", remember)
    try:
        yield recorded
    finally:
        event.remove(engine, "before_cursor_execute", remember)


def plans_of(engine: Engine, run: Callable[[Session], object], explain: str = "EXPLAIN") -> str:
    """The plans of every statement of `run`, as lines of text. Raises AssertionError if there is none."""
    with Session(engine) as session, statements(engine) as recorded:
        run(session)
    assert recorded, "no statement was sent"
    with engine.connect() as connection:
        plans = [connection.exec_driver_sql(f"{explain} {sql}", params).scalars() for sql, params in recorded]
        return "\n".join(line for plan in plans for line in plan)
