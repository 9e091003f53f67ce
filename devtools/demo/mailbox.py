"""Received mails and their links, and the pages behind the links."""

import re
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urljoin

import httpx

LINK = re.compile(r"https?://\S+")


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
    return httpx.get(link, timeout=20, trust_env=False)


def press_button(link: str, word: str = "") -> httpx.Response:
    """Open a page and submit the form whose action or hidden fields contain `word`."""
    with httpx.Client(timeout=20, trust_env=False) as browser:
        page = browser.get(link)
        page.raise_for_status()
        parser = FormParser()
        parser.feed(page.text)
        action, fields = next(form for form in parser.forms if word in form[0] or word in "".join(form[1].values()))
        return browser.post(urljoin(link, action), data=fields)
