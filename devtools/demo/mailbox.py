"""Caught mails as a person would read them: who wrote, what it says, where its button leads."""

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
class Letter:
    """One received mail and the addresses of its envelope."""

    message: EmailMessage
    recipients: tuple[str, ...]

    @property
    def subject(self) -> str:
        """The subject line."""
        return str(self.message["subject"])

    @property
    def text(self) -> str:
        """The text part."""
        part = self.message.get_body(("plain",))
        return str(part.get_content()) if part is not None else ""

    def header(self, name: str) -> str:
        """A header as people read it; empty when it is absent."""
        return str(self.message.get(name, ""))

    def links(self, word: str) -> list[str]:
        """The bare links of the text part that hold a word."""
        return [link for link in LINK.findall(self.text) if word in link]


class Mailbox:
    """What the receiver keeps as files; each is read once."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._read: dict[Path, Letter] = {}
        self._copies: dict[tuple[str, str], Letter] = {}

    def letters(self) -> list[Letter]:
        """Every mail that arrived, in the order of arrival."""
        for path in sorted(self._folder.glob("*.eml")):
            if path not in self._read:
                letter = self._read[path] = _opened(path)
                named = letter.header("Message-ID").strip()
                self._copies |= {(named, address): letter for address in letter.recipients}
        return list(self._read.values())

    def find(self, message_id: str, address: str) -> Letter | None:
        """The copy that was delivered to an address."""
        if (message_id, address) not in self._copies:
            self.letters()
        return self._copies.get((message_id, address))


def _opened(path: Path) -> Letter:
    message = message_from_bytes(path.read_bytes(), _class=EmailMessage, policy=policy.default)
    to = str(message.get("X-Envelope-To", ""))
    return Letter(message, tuple(part.strip() for part in to.split(",")))


class Forms(HTMLParser):
    """The forms of a page: their action and hidden fields."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Collect `<form>` and the hidden inputs below it."""
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.found.append((given.get("action", ""), {}))
        elif tag == "input" and given.get("type") == "hidden" and self.found:
            self.found[-1][1][given["name"]] = given.get("value", "")


def look(link: str) -> httpx.Response:
    """Open a page, as a person or a link scanner does."""
    return httpx.get(link, timeout=20, trust_env=False)


def press(link: str, word: str = "") -> httpx.Response:
    """Open a page and press the button of the form that means `word`."""
    with httpx.Client(timeout=20, trust_env=False) as browser:
        page = browser.get(link)
        page.raise_for_status()
        forms = Forms()
        forms.feed(page.text)
        action, fields = next(form for form in forms.found if word in form[0] or word in "".join(form[1].values()))
        return browser.post(urljoin(link, action), data=fields)
