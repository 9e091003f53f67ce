"""The console as tests see it: a browser without scripts, signed in as somebody."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

import httpx

from adapters.doorbell import SilentDoorbell
from api.deps import Deps
from domain.ids import new_id
from engine.enqueue import Jobs, Request
from engine.failing import failure_of
from models.jobs import Job, JobAttempt
from services import operators

PASSWORD = "a password for tests"
HIDDEN = re.compile(r'<input type="hidden" name="(\w+)" value="([^"]*)"')


@dataclass(frozen=True, slots=True)
class Visitor:
    """Somebody with a browser."""

    http: httpx.Client

    def get(self, path: str) -> httpx.Response:
        """A page, wherever it leads."""
        return self.http.get(path, follow_redirects=True)

    def fields(self, path: str) -> dict[str, str]:
        """The hidden fields of the first form that posts to `path`, or of the last on the page."""
        return dict(HIDDEN.findall(self.get(path).text))

    def sign_in(self, email: str, password: str = PASSWORD, *, next_page: str = "") -> httpx.Response:
        """Fill in the login form."""
        form = self.fields(f"/console/login?next={next_page}")
        return self.http.post("/console/login", data={**form, "email": email, "password": password})

    def post(self, path: str, data: Mapping[str, str] | None = None) -> httpx.Response:
        """Press a button: the form's token is sent along."""
        csrf = self.fields("/console")["csrf"]
        return self.http.post(path, data={"csrf": csrf, **(data or {})})


def operator(deps: Deps, role: str) -> str:
    """The address of a new operator with PASSWORD."""
    email = f"{role}@kontor.example"
    with deps.sessions() as session:
        operators.create(session, deps.passwords, email, role, now=deps.clock.now(), actor="test", password=PASSWORD)
        session.commit()
    return email


def put_job(deps: Deps, message: str = "hello", **more: object) -> UUID:
    """A queued probe."""
    jobs = Jobs(deps.jobs.catalogue, deps.clock, SilentDoorbell())
    with deps.sessions() as session:
        put = jobs.put(session, Request("probe.echo", {"message": message, **more}))
        session.commit()
    return put.id


def bury(deps: Deps, job_id: UUID, error: Exception) -> None:
    """Make a job dead of an error, after one attempt."""
    failure = failure_of(error)
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


def unknown() -> UUID:
    """An id that nothing has."""
    return new_id()
