"""A console client without scripts that can sign in."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

import httpx

from kontor.adapters.redis_doorbell import SilentRelayHint
from kontor.engine.enqueue import JobRequest, Jobs
from kontor.engine.failures import to_failure
from kontor.http.browsers import Browser
from kontor.http.context import Deps
from kontor.kernel.ids import new_id
from kontor.operators import service as operators
from kontor.operators import sessions
from models.jobs import Job, JobAttempt

PASSWORD = "a password for tests"
HIDDEN = re.compile(r'<input type="hidden" name="(\w+)" value="([^"]*)"')


@dataclass(frozen=True, slots=True)
class ConsoleClient:
    """A browser session on the console."""

    http: httpx.Client

    def get(self, path: str) -> httpx.Response:
        """Get a page, following redirects."""
        return self.http.get(path, follow_redirects=True)

    def fields(self, path: str) -> dict[str, str]:
        """The hidden fields of the first form that posts to `path`, or of the last on the page."""
        return dict(HIDDEN.findall(self.get(path).text))

    def sign_in(self, email: str, password: str = PASSWORD, *, next_page: str = "") -> httpx.Response:
        """Fill in the login form."""
        form = self.fields(f"/console/login?next={next_page}")
        return self.http.post("/console/login", data={**form, "email": email, "password": password})

    def post(self, path: str, data: Mapping[str, str] | None = None) -> httpx.Response:
        """Post a form with a valid CSRF token."""
        csrf = self.fields("/console")["csrf"]
        return self.http.post(path, data={"csrf": csrf, **(data or {})})


def create_operator(deps: Deps, role: str) -> str:
    """Create an operator with PASSWORD; returns the e-mail address."""
    email = f"{role}@kontor.example"
    with deps.sessions() as session:
        operators.create(session, deps.passwords, email, role, now=deps.clock.now(), actor="test", password=PASSWORD)
        session.commit()
    return email


def known_device(deps: Deps, email: str) -> str:
    """Remember a device of the operator; returns the secret of its cookie."""
    with deps.sessions() as session:
        operator = operators.named(session, email)
        opened = sessions.sign_in(session, operator, Browser("127.0.0.1"), deps.clock.wall_time())
        session.delete(opened.session)
        session.commit()
        return opened.device_secret


def enqueue_probe(deps: Deps, message: str = "hello", **more: object) -> UUID:
    """Enqueue a probe job."""
    jobs = Jobs(deps.jobs.catalogue, deps.clock, SilentRelayHint())
    with deps.sessions() as session:
        result = jobs.enqueue_request(session, JobRequest("probe.echo", {"message": message, **more}))
        session.commit()
    return result.id


def mark_dead(deps: Deps, job_id: UUID, error: Exception) -> None:
    """Mark a job dead with an error, after one attempt."""
    failure = to_failure(error)
    now = deps.clock.now()
    with deps.sessions() as session:
        job = session.get_one(Job, job_id)
        job.state, job.reason, job.attempt = "dead", "failed", 1
        job.error, job.fingerprint, job.finished_at = failure.document(), failure.fingerprint, now
        session.add(
            JobAttempt(
                job_id=job_id, number=1, worker="w1", started_at=now, ended_at=now, outcome="failed",
                error=failure.document(),
            )
        )  # fmt: skip
        session.commit()


def unknown_id() -> UUID:
    """An id that no row has."""
    return new_id()
