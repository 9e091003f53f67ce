import psycopg
import pytest
import redis
from sqlalchemy.exc import OperationalError, ProgrammingError

from kontor.cli.main import explain

AWAY = psycopg.OperationalError('connection to server at "db", port 5432 failed:\n\tConnection refused')


@pytest.mark.parametrize(
    ("error", "printed"),
    [
        (AWAY, "Connection refused: start PostgreSQL, or correct DATABASE_URL"),
        (OperationalError("SELECT", {}, AWAY), "Connection refused: start PostgreSQL, or correct DATABASE_URL"),
        (redis.ConnectionError("Error 111 connecting to r:6379"), "r:6379: start Redis, or correct REDIS_URL"),
    ],
)
def test_error_is_one_line_with_address_and_remedy_when_a_server_is_unavailable(
    capsys: pytest.CaptureFixture[str], error: Exception, printed: str
) -> None:
    explain(type(error), error, None)
    line = capsys.readouterr().err
    assert line.startswith("kontor: ")
    assert line.endswith(f"{printed}\n")
    assert line.count("\n") == 1


def test_other_error_of_the_database_keeps_its_name(capsys: pytest.CaptureFixture[str]) -> None:
    error = ProgrammingError("SELECT", {}, psycopg.errors.UndefinedTable("no table"))
    explain(type(error), error, None)
    assert "ProgrammingError" in capsys.readouterr().err
