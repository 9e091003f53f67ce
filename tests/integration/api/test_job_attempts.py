"""The maximum number of attempts of a job, as the API shows it."""

from sqlalchemy import text

from tests.support.api import Api

ECHO = {"task": "probe.echo", "args": {"message": "hello"}}


def test_api_shows_the_maximum_attempts_of_the_row(api: Api) -> None:
    shown = api.ok("POST /v1/jobs", ECHO)
    with api.deps.sessions() as session:
        stored = session.scalar(text("SELECT max_attempts FROM jobs"))
        session.execute(text("UPDATE jobs SET max_attempts = 1"))
        session.commit()

    assert shown["max_attempts"] == stored == 5
    assert api.ok(f"GET /v1/jobs/{shown['id']}")["max_attempts"] == 1
    assert api.ok("GET /v1/jobs")["items"][0]["max_attempts"] == 1
