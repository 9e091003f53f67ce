"""Which statements a piece of code sends, and how PostgreSQL answers them."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Engine, event
from sqlalchemy.orm import Session

Asked = list[tuple[str, Any]]


@contextmanager
def statements(engine: Engine) -> Iterator[Asked]:
    """The statements of the block with their values, in order."""
    asked: Asked = []

    def remember(_connection: Any, _cursor: Any, statement: str, values: Any, *_: Any) -> None:
        asked.append((statement, values))

    event.listen(engine, "before_cursor_execute", remember)
    try:
        yield asked
    finally:
        event.remove(engine, "before_cursor_execute", remember)


def plans_of(engine: Engine, run: Callable[[Session], object], explain: str = "EXPLAIN") -> str:
    """The plans of everything that `run` asks, as lines of text. Raises AssertionError when it asks nothing."""
    with Session(engine) as session, statements(engine) as asked:
        run(session)
    assert asked, "no statement was sent"
    with engine.connect() as connection:
        found = [connection.exec_driver_sql(f"{explain} {said}", given).scalars() for said, given in asked]
        return "\n".join(line for plan in found for line in plan)
