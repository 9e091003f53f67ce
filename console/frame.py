"""Foreign HTML for a sandboxed frame: no scripts, no requests, only its own inline styles."""

from base64 import b64encode
from hashlib import sha256
from html.parser import HTMLParser

from console.answers import RawResponse


class StyleParser(HTMLParser):
    """Collects the contents of a document's style attributes and style elements."""

    def __init__(self) -> None:
        super().__init__()
        self.styles: set[str] = set()
        self._inside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Collect the style attribute of an element."""
        self.styles.update(value for name, value in attrs if name == "style" and value)
        self._inside = tag == "style"

    def handle_endtag(self, tag: str) -> None:
        """Leave a style element."""
        self._inside = False

    def handle_data(self, data: str) -> None:
        """Collect the text of a style element."""
        if self._inside:
            self.styles.add(data)


def sandboxed_html(html: str) -> RawResponse:
    """Return the HTML with a policy that allows its own styles by hash and no images of other hosts."""
    text = html.replace("\r\n", "\n").replace("\r", "\n")
    parser = StyleParser()
    parser.feed(text)
    parser.close()
    allowed = " ".join(sorted(f"'sha256-{_hash(style)}'" for style in parser.styles)) or "'none'"
    policy = (
        f"default-src 'none'; style-src 'unsafe-hashes' {allowed}; img-src data:; sandbox;"
        " base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
    )
    return RawResponse(text, "text/html", {"Content-Security-Policy": policy, "X-Frame-Options": "SAMEORIGIN"})


def _hash(style: str) -> str:
    return b64encode(sha256(style.encode()).digest()).decode()
