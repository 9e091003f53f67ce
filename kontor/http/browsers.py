"""The browser of a request, the secrets in its cookies, and the name of the device it says it is."""

from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final

BROWSERS: Final = (
    ("Edg/", "Edge"),
    ("OPR/", "Opera"),
    ("Firefox/", "Firefox"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
    ("curl/", "curl"),
)
SYSTEMS: Final = (
    ("Windows", "Windows"),
    ("Android", "Android"),
    ("iPhone", "iOS"),
    ("iPad", "iPadOS"),
    ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
)


@dataclass(frozen=True, slots=True)
class Browser:
    """The browser of a request: its IP address, User-Agent header and language, the secret of its device cookie."""

    origin: str
    agent: str = ""
    device: str | None = field(default=None, repr=False)
    language: str | None = None


def hash_secret(secret: str) -> str:
    """Return the stored hash of a cookie's secret."""
    return sha256(secret.encode("utf-8", "replace")).hexdigest()


def device_name(agent: str | None) -> str:
    """Return browser and system that a User-Agent names, of those known here: never its own text."""
    text = agent or ""
    names = (next((name for mark, name in table if mark in text), None) for table in (BROWSERS, SYSTEMS))
    return ", ".join(name for name in names if name)
