"""The deployment as the stories see it from outside: API, mailbox, instances and webhook receiver."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import httpx

from devtools.demo.deployment import NO_CERTIFICATES, DemoFailed, Deployment, check_equal, running_deployment
from devtools.demo.provisioning import PROGRAMME, Provisioner
from devtools.received_calls import ReceivedCalls
from devtools.sample_instance import SampleInstance

LINK = re.compile(r"https?://\S+")

Answer = Any
"""A parsed body of an answer."""


@dataclass(frozen=True, slots=True)
class ReceivedMail:
    """A received mail and the recipients of its envelope."""

    message: EmailMessage
    recipients: tuple[str, ...]

    @property
    def subject(self) -> str:
        """The subject."""
        return str(self.message["subject"])

    @property
    def text(self) -> str:
        """The text part."""
        part = self.message.get_body(("plain",))
        return str(part.get_content()) if part is not None else ""

    def header(self, name: str) -> str:
        """Return a decoded header; empty if it is absent."""
        return str(self.message.get(name, ""))

    def links(self, word: str) -> list[str]:
        """Return the links of the text part that contain a word."""
        return [link for link in LINK.findall(self.text) if word in link]


class Mailbox:
    """Reads the files of the mail catcher, each once."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._read: dict[Path, ReceivedMail] = {}
        self._copies: dict[tuple[str, str], ReceivedMail] = {}

    def mails(self) -> list[ReceivedMail]:
        """Return all received mails in the order of arrival."""
        for path in sorted(self._folder.glob("*.eml")):
            if path not in self._read:
                mail = self._read[path] = _read_mail(path)
                message_id = mail.header("Message-ID").strip()
                self._copies |= {(message_id, address): mail for address in mail.recipients}
        return list(self._read.values())

    def find(self, message_id: str, address: str) -> ReceivedMail | None:
        """Return the copy delivered to an address; None without one."""
        if (message_id, address) not in self._copies:
            self.mails()
        return self._copies.get((message_id, address))


def _read_mail(path: Path) -> ReceivedMail:
    message = message_from_bytes(path.read_bytes(), _class=EmailMessage, policy=policy.default)
    to = str(message.get("X-Envelope-To", ""))
    return ReceivedMail(message, tuple(part.strip() for part in to.split(",")))


class FormParser(HTMLParser):
    """The forms of a page: action and hidden fields."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: list[tuple[str, dict[str, str]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Collect forms and their hidden inputs."""
        values = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.forms.append((values.get("action", ""), {}))
        elif tag == "input" and values.get("type") == "hidden" and self.forms:
            self.forms[-1][1][values["name"]] = values.get("value", "")


def open_page(link: str) -> httpx.Response:
    """Open a page, as a browser or a link scanner does."""
    return httpx.get(link, timeout=20, trust_env=False, verify=NO_CERTIFICATES)


def press_button(link: str, word: str = "") -> httpx.Response:
    """Open a page and submit the form whose action or hidden fields contain `word`."""
    with httpx.Client(timeout=20, trust_env=False, verify=NO_CERTIFICATES) as browser:
        page = browser.get(link)
        page.raise_for_status()
        parser = FormParser()
        parser.feed(page.text)
        action, fields = next(form for form in parser.forms if word in form[0] or word in "".join(form[1].values()))
        return browser.post(urljoin(link, action), data=fields)


PROGRAMMES = Path(__file__).parents[2] / "examples" / "programmes"
SCOPES = ("--scope", "read", "--scope", "enqueue", "--scope", "operate", "--scope", "work", "--scope", "admin")
LONGEST_CALL = 75.0
SETTLE_ATTEMPTS = 4
"""Number of minutes to wait for due work."""


class World:
    """API with an administrator's key, mailbox, customers' instances, and an endpoint that receives all events."""

    def __init__(self, deployment: Deployment, key: str) -> None:
        self.deployment = deployment
        self.mailbox = Mailbox(deployment.data / "mail")
        self.api = self.client(key)
        self.instances: list[SampleInstance] = []
        self._provisioner: Provisioner | None = None
        self.now = _instant(self.get("/v1/clock")["now"])
        self.listener, self.endpoint = self._register_endpoint()

    def client(self, key: str) -> httpx.Client:
        """Return an HTTP client with an API key."""
        headers = {"Authorization": f"Bearer {key}"}
        return httpx.Client(
            base_url=self.deployment.url, headers=headers, timeout=LONGEST_CALL, trust_env=False, verify=NO_CERTIFICATES
        )

    def call(self, method: str, path: str, body: Answer = None, *, expect: int | None = None) -> Answer:
        """Call the API and return the JSON response. Raises DemoFailed on an unexpected status."""
        answer = self.api.request(method, path, json=body)
        if answer.status_code != expect and (expect is not None or answer.is_error):
            raise DemoFailed(f"{method} {path}: {answer.status_code} {answer.text[:300]}")
        return answer.json()

    def get(self, path: str) -> Answer:
        """GET a path."""
        return self.call("GET", path)

    def post(self, path: str, body: Answer = None, *, expect: int | None = None) -> Answer:
        """POST to a path."""
        return self.call("POST", path, body, expect=expect)

    def expect_refusal(self, method: str, path: str, body: Answer, status: int, code: str) -> Answer:
        """Call the API and check that it refuses with this status and code; return the problem. Raises DemoFailed."""
        problem = self.call(method, path, body, expect=status)
        check_equal(f"the error code of {method} {path}", problem["code"], code)
        return problem

    def list_all(self, path: str) -> list[Answer]:
        """Return all pages of a list."""
        items: list[Answer] = []
        cursor = ""
        while True:
            page = self.get(f"{path}{'&' if '?' in path else '?'}limit=1000{cursor}")
            items += page["items"]
            if page["next"] is None:
                return items
            cursor = f"&cursor={page['next']}"

    def move_to(self, instant: datetime) -> None:
        """Set the test clock and wait until no work is due. Raises DemoFailed."""
        body = {"now": instant.isoformat(), "settle": True}
        self.now = instant
        for _ in range(SETTLE_ATTEMPTS):
            answer = self.post("/v1/clock", body)
            if "due" not in answer:
                return
        raise DemoFailed(f"work still due at {instant:%d %B %H:%M}: {answer['due']}")

    def create_instance(self, account_id: str) -> SampleInstance:
        """Start an instance and set its URL for an account."""
        instance = self._start_receiver()
        row = self.call("PUT", f"/v1/accounts/{account_id}/instance", {"url": instance.url})
        instance.received.secret = row["secret"]
        return instance

    def provisioner(self) -> Provisioner:
        """Return the system that makes the servers of cloud; at first start it, declare its tasks and the programme."""
        if self._provisioner is None:
            self._provisioner = Provisioner.start(self.deployment.data)
            types = self._provisioner.task_types()
            answers = {name: self.call("PUT", f"/v1/task-types/{name}", body) for name, body in types.items()}
            self._provisioner.learn({name: row["secret"] for name, row in answers.items() if row.get("secret")})
            headers = {"Content-Type": "application/yaml"}
            self.api.post("/v1/programmes/cloud", content=PROGRAMME.read_bytes(), headers=headers).raise_for_status()
        return self._provisioner

    def received_mail(self, template: str, about: str, address: str) -> ReceivedMail:
        """Return the newest received mail of a template about an account. Raises DemoFailed without one."""
        for mail in self.get(f"/v1/mails?account={about}&template={template}&state=sent")["items"]:
            received = self.mailbox.find(mail["message_id"], address)
            if received is not None:
                return received
        raise DemoFailed(f"no mail {template} arrived at {address}")

    def mails(self, template: str, about: str) -> list[Answer]:
        """Return the mails of a template about an account from the mail log, newest first."""
        rows: list[Answer] = self.get(f"/v1/mails?account={about}&template={template}")["items"]
        return rows

    def close(self) -> None:
        """Stop the instances and close the API client."""
        for instance in self.instances:
            instance.stop()
        if self._provisioner is not None:
            self._provisioner.handler.close()
        self.api.close()

    def _start_receiver(self) -> SampleInstance:
        instance = SampleInstance(ReceivedCalls()).start()
        self.instances.append(instance)
        return instance

    def _register_endpoint(self) -> tuple[SampleInstance, str]:
        receiver = self._start_receiver()
        endpoint = self.post("/v1/webhook-endpoints", {"url": receiver.url, "events": ["*"]})
        receiver.received.secret = endpoint["secret"]
        return receiver, endpoint["id"]


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


@contextmanager
def running_world() -> Iterator[World]:
    """Start a deployment with the four example programmes."""
    with running_deployment() as deployment:
        programmes = [("programme", "apply", str(path)) for path in sorted(PROGRAMMES.glob("*.yaml"))]
        key = deployment.kontor_all([("keys", "create", "--name", "demo", *SCOPES), *programmes])[0]
        world = World(deployment, key["secret"])
        try:
            yield world
        finally:
            world.close()
