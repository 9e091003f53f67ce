"""A system of others that makes servers: a push handler, or a pull worker. Knows nothing of Kontor but its API."""

from __future__ import annotations

import argparse
import json
import os
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Final, TextIO

import httpx
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

KEY: Final = "PROVISIONER_KEY"
"""The variable with the key of a pull worker."""
WAIT_SECONDS: Final = 20
Json = Mapping[str, object]


@dataclass
class Servers:
    """What was made, by service; a call that is repeated under its id is answered as before."""

    log: TextIO
    secrets: dict[str, str] = field(default_factory=dict)
    made: dict[str, dict[str, object]] = field(default_factory=dict)
    answers: dict[str, Json] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def receive(self, body: bytes, headers: Mapping[str, str]) -> tuple[HTTPStatus, Json]:
        """Verify a call, do its job, and return the answer."""
        with self.lock:
            message = json.loads(body)
            data, webhook_id = message["data"], headers.get("webhook-id", "")
            try:
                Webhook(self.secrets[data["task"]]).verify(body, dict(headers), json_parse=False)
            except (KeyError, WebhookVerificationError) as error:
                return HTTPStatus.UNAUTHORIZED, {"error": repr(error)}
            if webhook_id not in self.answers:
                self.answers[webhook_id] = {"result": self.work(data["task"], data["args"])}
            self.log.write(json.dumps({"webhook-id": webhook_id, "type": message["type"], "data": data}) + "\n")
            self.log.flush()
            return HTTPStatus.OK, self.answers[webhook_id]

    def work(self, task: str, args: Mapping[str, object]) -> Json:
        """Do a job; return the server as it is then."""
        service, verb = str(args["service_id"]), task.rpartition(".")[2]
        if verb == "terminate":
            self.made.pop(service, None)
            return {}
        number = len(self.made) + 1
        server = self.made.setdefault(service, {"host": f"srv-{number}.cloud.example", "address": f"192.0.2.{number}"})
        config = args["config"]
        if isinstance(config, dict) and config.get("root_password"):
            server["root_password"] = config["root_password"]
        server["is_on"] = verb != "suspend"
        return dict(server)


def handler_of(servers: Servers) -> type[BaseHTTPRequestHandler]:
    """Return the HTTP handler of these servers."""

    class PushCalls(BaseHTTPRequestHandler):
        """Answers signed calls."""

        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            status, document = servers.receive(body, {name.lower(): text for name, text in self.headers.items()})
            answer = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the standard library's name
            """No-op: the calls are recorded."""

    return PushCalls


def push(log: str) -> None:
    """Serve until stdin ends; prints the URL, reads the secrets of tasks from stdin, one JSON line for some."""
    with Path(log).open("a", encoding="utf-8") as calls:
        servers = Servers(calls)
        server = ThreadingHTTPServer(("127.0.0.1", 0), handler_of(servers))
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        say({"url": f"http://127.0.0.1:{server.server_address[1]}/kontor"})
        for line in sys.stdin:
            servers.secrets |= json.loads(line)
            say({"tasks": sorted(servers.secrets)})
        server.shutdown()


def pull(url: str, worker: str, tasks: Sequence[str], *, hangs: bool) -> None:
    """Lease one job, print its lease, do it; or hang in the middle of it."""
    servers = Servers(sys.stdout)
    headers = {"Authorization": f"Bearer {os.environ[KEY]}"}
    with httpx.Client(base_url=url, headers=headers, timeout=WAIT_SECONDS + 10, trust_env=False) as api:
        asked = {"tasks": list(tasks), "max": 1, "wait": WAIT_SECONDS, "worker": worker}
        for item in api.post("/v1/leases", json=asked).raise_for_status().json()["items"]:
            say(item)
            if hangs:
                threading.Event().wait()
            result = servers.work(item["job"]["task"], item["job"]["args"])
            api.post(f"/v1/leases/{item['lease']}/complete", json={"result": result}).raise_for_status()
            say({"completed": item["job"]["id"]})


def say(document: object) -> None:
    """Tell the parent process."""
    sys.stdout.write(json.dumps(document) + "\n")
    sys.stdout.flush()


def main(arguments: Sequence[str] | None = None) -> None:
    """Run as a push handler or as a pull worker."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", default=os.devnull, help="push: a file that gets one JSON line per call")
    parser.add_argument("--pull", default="", help="the URL of Kontor: be a pull worker, with the key in " + KEY)
    parser.add_argument("--worker", default="puller")
    parser.add_argument("--tasks", nargs="*", default=["*"])
    parser.add_argument("--hang", action="store_true", help="pull: never finish the job")
    options = parser.parse_args(arguments)
    if options.pull:
        pull(options.pull, options.worker, options.tasks, hangs=options.hang)
    else:
        push(options.calls)


if __name__ == "__main__":
    main()
