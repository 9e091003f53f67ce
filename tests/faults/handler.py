"""A handler of declared tasks over real HTTP, whose answers a test scripts, and the API beside it."""

import json
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx

NO_ANSWER = 0
"""Instead of a status: the connection is closed after the call was read."""


@dataclass(frozen=True, slots=True)
class HandlerCall:
    """A call that the handler got."""

    webhook_id: str
    type: str
    data: dict[str, Any]


@dataclass
class ScriptedHandler:
    """Answers each job's calls as scripted by the job's `plan`, or else its task; by default with 200."""

    calls: list[HandlerCall] = field(default_factory=list)
    answers: dict[str, deque[tuple[int, Any]]] = field(default_factory=dict)
    hold: threading.Event = field(default_factory=threading.Event)

    def script(self, plan: str, *answers: tuple[int, Any]) -> None:
        """Say what the jobs with this arg are answered, one after another."""
        self.answers[plan] = deque(answers)

    def answer(self, call: HandlerCall) -> tuple[int, Any]:
        """Note a call; return its answer."""
        self.calls.append(call)
        job = call.data["job_id"]
        plan = next((_plan_of(each) for each in self.calls if each.data["job_id"] == job and "args" in each.data), "")
        scripted = self.answers.get(plan)
        return scripted.popleft() if scripted else (200, {"result": plan})

    def of(self, job_id: str) -> list[HandlerCall]:
        """Return the calls about a job."""
        return [call for call in self.calls if call.data["job_id"] == job_id]


def _plan_of(call: HandlerCall) -> str:
    return str(call.data["args"].get("plan", call.data["task"]))


@contextmanager
def serving(handler: ScriptedHandler, port: int = 0) -> Iterator[str]:
    """Serve while the block runs; yields the URL."""

    class Serve(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            message = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            call = HandlerCall(self.headers["webhook-id"], message["type"], message["data"])
            status, body = handler.answer(call)
            if status == NO_ANSWER:
                self.close_connection = True
                return
            text = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *args: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", port), Serve)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/kontor"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


@dataclass(frozen=True, slots=True)
class Caller:
    """Calls the web process with a key."""

    http: httpx.Client
    key: str

    def call(self, method: str, path: str, body: Any = None, *, key: str | None = None) -> httpx.Response:
        """Make one call."""
        headers = {"Authorization": f"Bearer {key or self.key}"}
        return self.http.request(method, path, json=body, headers=headers)

    def ok(self, method: str, path: str, body: Any = None, *, key: str | None = None) -> Any:
        """Make a call that must succeed; return its document."""
        response = self.call(method, path, body, key=key)
        assert response.is_success, response.text
        return response.json()

    def job(self, job_id: str) -> dict[str, Any]:
        """Return a job."""
        document: dict[str, Any] = self.ok("GET", f"/v1/jobs/{job_id}")
        return document

    def enqueue(self, task: str, plan: str) -> str:
        """Enqueue a job; return its id."""
        return str(self.ok("POST", "/v1/jobs", {"task": task, "args": {"plan": plan}})["id"])

    def declare(self, task: str, **members: Any) -> None:
        """Declare a type."""
        self.ok("PUT", f"/v1/task-types/{task}", {"retry": {"base": "100ms", "cap": "1s"}, **members})

    def lease(self, worker: str, task: str, wait: float = 20) -> dict[str, Any]:
        """Lease one job."""
        asked = {"tasks": [task], "max": 1, "wait": wait, "worker": worker}
        (item,) = self.ok("POST", "/v1/leases", asked)["items"]
        return dict(item)
