"""Validation of user input: account names, mail addresses, colours, URLs, domains."""

import re
import unicodedata
from typing import Final
from urllib.parse import urlsplit

from email_validator import EmailNotValidError, validate_email

from kontor.kernel.looks import IGNORABLE

NAME_LIMIT: Final = 100
URL_LIMIT: Final = 2_000
LOCAL_PART: Final = 64
"""Octets before the @ of a mail address, at most (RFC 5321, 4.5.3.1.1)."""
# Reserved top-level domains that the library refuses; a placeholder suffix lets it validate the rest.
_RESERVED: Final = frozenset({"arpa", "invalid", "local", "localhost", "onion"})
_PLACEHOLDER: Final = ".test"
_INVISIBLE: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_WHITE = re.compile(r"[ \u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]+")
# A mail address, the start of a link, a domain such as bank.example, an IP address.
_LINK = re.compile(r"\w@\w|:/|\bwww\.|\w\.[^\W\d_]{2}|\w\.xn--|\d\.\d+\.\d+\.\d", re.IGNORECASE)
_COLOUR = re.compile(r"#[0-9a-f]{6}", re.ASCII | re.IGNORECASE)
_LOCAL_PATH = re.compile(r"/[\x21-\x5b\x5d-\x7e]*", re.ASCII)
_HOST = re.compile(r"(?=.{1,253}\Z)(?:(?!-)[a-z0-9-]{1,63}(?<!-)\.)+(?!-)[a-z0-9-]{2,63}(?<!-)", re.ASCII)


class InvalidText(ValueError):
    """The text is malformed; the message says which form is required."""


def account_name(text: str) -> str:
    """Return a name as stored: NFC, white space single and plain; raises `InvalidText`.

    1 to 100 printable characters of any script, one of them a letter or digit (programme.md 1). Controls and
    characters that nothing is drawn for are refused, joiners among them.
    """
    name = _WHITE.sub(" ", unicodedata.normalize("NFC", text.strip()))
    if not 1 <= len(name) <= NAME_LIMIT:
        raise InvalidText(f"a name must have 1 to {NAME_LIMIT} characters")
    for char in name:
        if unicodedata.category(char) in _INVISIBLE or ord(char) in IGNORABLE:
            raise InvalidText(f"a name must have printable characters only, not U+{ord(char):04X}")
    if not any(unicodedata.category(char)[0] in "LN" for char in name):
        raise InvalidText("a name must have at least one letter or digit")
    return name


def brand_name(text: str) -> str:
    """Return a brand's name, of the form of an account's, that holds no address or link; raises `InvalidText`."""
    name = account_name(text)
    if _LINK.search(unicodedata.normalize("NFKC", name).replace("\u3002", ".")):
        raise InvalidText("a brand name must hold no address, link or domain; put a space after a full stop")
    return name


def name_key(name: str) -> str:
    """Return the key for uniqueness: names that differ only in case share it."""
    folded = unicodedata.normalize("NFD", name.strip()).casefold()
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", folded).casefold())


def email_address(text: str) -> str:
    """Return a well-formed mail address with its domain in lower case; raises `InvalidText`.

    No DNS look-up; reserved domains such as `.example` and `.test` are allowed.
    """
    if len(text.rpartition("@")[0].encode()) > LOCAL_PART:
        raise InvalidText(f"the part before the @ has more than {LOCAL_PART} characters")
    reserved = text.rpartition("@")[2].rpartition(".")[2].lower() in _RESERVED
    try:
        validated = validate_email(
            text + _PLACEHOLDER if reserved else text,
            check_deliverability=False,
            test_environment=True,
            allow_quoted_local=True,
        )
    except EmailNotValidError as error:
        raise InvalidText(str(error).rstrip(".")) from None
    return validated.normalized.removesuffix(_PLACEHOLDER) if reserved else validated.normalized


def same_address(first: str, second: str) -> bool:
    """Return whether two addresses are treated as the same mailbox: case is ignored."""
    return address_key(first) == address_key(second)


def address_key(address: str) -> str:
    """Return the key by which addresses are compared."""
    return unicodedata.normalize("NFC", address.strip().casefold())


def colour(text: str) -> str:
    """Return `#rrggbb` in lower case; raises `InvalidText`."""
    if not _COLOUR.fullmatch(text):
        raise InvalidText("a colour must have the form #rrggbb")
    return text.lower()


def https_url(text: str) -> str:
    """Return an `https` URL with a host and without credentials; raises `InvalidText`."""
    problem = InvalidText("an https URL is required, such as https://example.com/logo.png")
    if len(text) > URL_LIMIT or not text.isascii() or not text.isprintable() or set(text) & set(' "<>\\^`{|}'):
        raise problem
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise problem from None
    if parts.scheme != "https" or not parts.hostname or "@" in parts.netloc or port == 0:
        raise problem
    return text


def is_local_path(text: str) -> bool:
    """Return whether a text is a path of this host, as a redirect may follow it: no other host, scheme or control."""
    return _LOCAL_PATH.fullmatch(text) is not None and not text.startswith("//")


def domain_name(text: str) -> str:
    """Return a host name with at least one dot, in lower case and ASCII (`xn--`); raises `InvalidText`."""
    problem = InvalidText("a domain such as shop.example.com is required")
    try:
        host = text.strip().rstrip(".").encode("idna").decode("ascii").lower()
    except UnicodeError:
        raise problem from None
    if not _HOST.fullmatch(host) or host.rpartition(".")[2].isdigit():
        raise problem
    return host
