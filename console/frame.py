"""Somebody else's HTML in a frame: no script, nothing fetched, and only the styles that stand in it."""

from base64 import b64encode
from hashlib import sha256
from html.parser import HTMLParser

from console.answers import Document


class Styles(HTMLParser):
    """Collects what a document's style attributes and style elements say."""

    def __init__(self) -> None:
        super().__init__()
        self.found: set[str] = set()
        self._inside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take the style attribute of an element in."""
        self.found.update(value for name, value in attrs if name == "style" and value)
        self._inside = tag == "style"

    def handle_endtag(self, tag: str) -> None:
        """Leave a style element."""
        self._inside = False

    def handle_data(self, data: str) -> None:
        """Take a style element in."""
        if self._inside:
            self.found.add(data)


def framed(html: str) -> Document:
    """The HTML with a policy that names the hash of each of its styles; pictures of other hosts stay away."""
    text = html.replace("\r\n", "\n").replace("\r", "\n")
    styles = Styles()
    styles.feed(text)
    styles.close()
    allowed = " ".join(sorted(f"'sha256-{_hash(style)}'" for style in styles.found)) or "'none'"
    policy = (
        f"default-src 'none'; style-src 'unsafe-hashes' {allowed}; img-src data:; sandbox;"
        " base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
    )
    return Document(text, "text/html", {"Content-Security-Policy": policy, "X-Frame-Options": "SAMEORIGIN"})


def _hash(style: str) -> str:
    return b64encode(sha256(style.encode()).digest()).decode()
