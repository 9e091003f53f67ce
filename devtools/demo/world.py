"""The world of the stories: one deployment, spoken to only from outside, and what stands around it."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx

from devtools.demo.deployment import DemoFailed, Deployment, deployed, must_be
from devtools.demo.mailbox import Letter, Mailbox
from devtools.received_calls import ReceivedCalls
from devtools.sample_instance import SampleInstance

PROGRAMMES = Path(__file__).parents[2] / "examples" / "programmes"
SCOPES = ("--scope", "read", "--scope", "enqueue", "--scope", "operate", "--scope", "admin")
LONGEST_CALL = 75.0
SLOW_MACHINE = 4
"""How often a minute is granted to what is due."""


class World:
    """The API with a key for everything, the mail receiver, customers' instances, a listener to all events."""

    def __init__(self, deployment: Deployment, key: str) -> None:
        self.deployment = deployment
        self.mailbox = Mailbox(deployment.data / "mail")
        self.api = self.client(key)
        self.instances: list[SampleInstance] = []
        self.now = _instant(self.get("/v1/clock")["now"])
        self.listener, self.endpoint = self._listening()

    def client(self, key: str) -> httpx.Client:
        """Whoever holds a key."""
        headers = {"Authorization": f"Bearer {key}"}
        return httpx.Client(base_url=self.deployment.url, headers=headers, timeout=LONGEST_CALL, trust_env=False)

    def call(self, method: str, path: str, body: Any = None, *, expect: int | None = None) -> Any:
        """Call the API; the document. Raises DemoFailed on an unexpected status."""
        answer = self.api.request(method, path, json=body)
        if answer.status_code != expect and (expect is not None or answer.is_error):
            raise DemoFailed(f"{method} {path}: {answer.status_code} {answer.text[:300]}")
        return answer.json()

    def get(self, path: str) -> Any:
        """Read; the document."""
        return self.call("GET", path)

    def post(self, path: str, body: Any = None, *, expect: int | None = None) -> Any:
        """Have something made or done; the document."""
        return self.call("POST", path, body, expect=expect)

    def refused(self, method: str, path: str, body: Any, status: int, code: str) -> Any:
        """Call the API and be refused, for this reason; the problem. Raises DemoFailed."""
        problem = self.call(method, path, body, expect=status)
        must_be(f"the reason why {method} {path} is refused", problem["code"], code)
        return problem

    def every(self, path: str) -> list[Any]:
        """A whole list, page after page."""
        items: list[Any] = []
        cursor = ""
        while True:
            page = self.get(f"{path}{'&' if '?' in path else '?'}limit=1000{cursor}")
            items += page["items"]
            if page["next"] is None:
                return items
            cursor = f"&cursor={page['next']}"

    def move_to(self, instant: datetime) -> None:
        """Set the clock of every process; comes back when nothing that is due is left. Raises DemoFailed."""
        body = {"now": instant.isoformat(), "settle": True}
        self.now = instant
        for _ in range(SLOW_MACHINE):
            answer = self.post("/v1/clock", body)
            if "due" not in answer:
                return
        raise DemoFailed(f"still to be done at {instant:%d %B %H:%M}: {answer['due']}")

    def instance(self, account_id: str) -> SampleInstance:
        """Give an account a system of its own, reachable over HTTP."""
        made = self._receiver()
        told = self.call("PUT", f"/v1/accounts/{account_id}/instance", {"url": made.url})
        made.book.secret = told["secret"]
        return made

    def letter(self, template: str, about: str, address: str) -> Letter:
        """The newest mail of a kind about an account, read where it arrived. Raises DemoFailed."""
        for mail in self.get(f"/v1/mails?account={about}&template={template}&state=sent")["items"]:
            found = self.mailbox.find(mail["message_id"], address)
            if found is not None:
                return found
        raise DemoFailed(f"no mail {template} arrived at {address}")

    def mails(self, template: str, about: str) -> list[Any]:
        """What the log has of one kind about an account, newest first."""
        found: list[Any] = self.get(f"/v1/mails?account={about}&template={template}")["items"]
        return found

    def close(self) -> None:
        """Stop what stands around the deployment."""
        for one in self.instances:
            one.stop()
        self.api.close()

    def _receiver(self) -> SampleInstance:
        made = SampleInstance(ReceivedCalls()).start()
        self.instances.append(made)
        return made

    def _listening(self) -> tuple[SampleInstance, str]:
        heard = self._receiver()
        made = self.post("/v1/webhook-endpoints", {"url": heard.url, "events": ["*"]})
        heard.book.secret = made["secret"]
        return heard, made["id"]


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


@contextmanager
def running_world() -> Iterator[World]:
    """A deployment with the four example programmes applied."""
    with deployed() as deployment:
        applied = [("programme", "apply", str(path)) for path in sorted(PROGRAMMES.glob("*.yaml"))]
        key = deployment.kontor_all([("keys", "create", "--name", "demo", *SCOPES), *applied])[0]
        world = World(deployment, key["secret"])
        try:
            yield world
        finally:
            world.close()
