"""The form of what people type: account names, mail addresses, colours, links, domains."""

import re
import unicodedata
from typing import Final
from urllib.parse import urlsplit

from email_validator import EmailNotValidError, validate_email

NAME_LIMIT: Final = 100
URL_LIMIT: Final = 2_000
_JOINERS: Final = frozenset("\u200c\u200d")
# Reserved top levels that the library refuses; behind a stand-in it judges the rest of the form.
_RESERVED: Final = frozenset({"arpa", "invalid", "local", "localhost", "onion"})
_STAND_IN: Final = ".test"
_INVISIBLE: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_COLOUR = re.compile(r"#[0-9a-f]{6}", re.ASCII | re.IGNORECASE)
_HOST = re.compile(r"(?=.{1,253}\Z)(?:(?!-)[a-z0-9-]{1,63}(?<!-)\.)+(?!-)[a-z0-9-]{2,63}(?<!-)", re.ASCII)


class BadName(ValueError):
    """The text does not have the form; the message says which one is needed."""


def account_name(text: str) -> str:
    """The name as it is kept: NFC, without spaces around it; raises `BadName`.

    1 to 100 printable characters of any script (programme.md 1); the joiners that Persian and
    Indic scripts need are printable, controls and invisible marks are not.
    """
    name = unicodedata.normalize("NFC", text.strip())
    if not 1 <= len(name) <= NAME_LIMIT:
        raise BadName(f"a name has 1 to {NAME_LIMIT} characters")
    for sign in name:
        if unicodedata.category(sign) in _INVISIBLE and sign not in _JOINERS:
            raise BadName(f"a name has printable characters only, not U+{ord(sign):04X}")
    if not any(unicodedata.category(sign)[0] in "LNPS" for sign in name):
        raise BadName("a name has at least one visible character")
    return name


def name_key(name: str) -> str:
    """What is unique: two names that differ in case alone have the same key."""
    folded = unicodedata.normalize("NFD", name.strip()).casefold()
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", folded).casefold())


def email_address(text: str) -> str:
    """A mail address of good form, its domain in lower case; raises `BadName`.

    Nothing is looked up; reserved domains such as `.example` and `.test` are good.
    """
    reserved = text.rpartition("@")[2].rpartition(".")[2].lower() in _RESERVED
    try:
        found = validate_email(
            text + _STAND_IN if reserved else text,
            check_deliverability=False,
            test_environment=True,
            allow_quoted_local=True,
        )
    except EmailNotValidError as error:
        raise BadName(str(error).rstrip(".")) from None
    return found.normalized.removesuffix(_STAND_IN) if reserved else found.normalized


def same_address(one: str, other: str) -> bool:
    """Whether two addresses reach the same mailbox for all that is known: case does not count."""
    return address_key(one) == address_key(other)


def address_key(address: str) -> str:
    """What addresses are compared by."""
    return unicodedata.normalize("NFC", address.strip().casefold())


def colour(text: str) -> str:
    """`#rrggbb` in lower case; raises `BadName`."""
    if not _COLOUR.fullmatch(text):
        raise BadName("a colour is written #rrggbb")
    return text.lower()


def https_url(text: str) -> str:
    """An `https` URL with a host and without credentials; raises `BadName`."""
    problem = BadName("an https URL is needed, such as https://example.com/logo.png")
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


def domain_name(text: str) -> str:
    """A host name with at least one dot, lower case, other scripts as `xn--`; raises `BadName`."""
    problem = BadName("a domain such as shop.example.com is needed")
    try:
        host = text.strip().rstrip(".").encode("idna").decode("ascii").lower()
    except UnicodeError:
        raise problem from None
    if not _HOST.fullmatch(host) or host.rpartition(".")[2].isdigit():
        raise problem
    return host
