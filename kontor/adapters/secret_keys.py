"""The keys that SECRET_KEY lists: newest first, separated by commas."""

import hashlib
import hmac
import secrets
from collections.abc import Iterable

SHORTEST = 32
SHORTEST_FORMER = 16
FEWEST_CHARACTERS = 10
WEAK = (
    f"a key needs at least {SHORTEST} characters, at least {FEWEST_CHARACTERS} of them different (several keys are"
    " separated by commas, newest first); make one with `kontor secrets new`"
)
OTHER = (
    "SECRET_KEY is not the key of this database: the database's has the fingerprint {theirs}, the listed {ours}."
    " Set the former SECRET_KEY, or list it after the new one (SECRET_KEY=new,former) and run `kontor secrets rotate`"
)
CUT_OFF = "a former key is empty or cut off: list each key whole, separated by commas, newest first"


def listed_keys(text: str) -> tuple[str, ...]:
    """Return the keys of SECRET_KEY, newest first."""
    return tuple(key.strip() for key in text.split(","))


def check_secret_keys(text: str) -> str:
    """Check the keys of SECRET_KEY; a former one may be as weak as earlier releases allowed. Raises ValueError."""
    newest, *former = listed_keys(text)
    if len(newest) < SHORTEST or len(set(newest)) < FEWEST_CHARACTERS:
        raise ValueError(WEAK)
    if any(len(key) < SHORTEST_FORMER for key in former):
        raise ValueError(CUT_OFF)
    return text


def new_secret_key() -> str:
    """Return a new key of 64 random characters, without a comma."""
    return secrets.token_urlsafe(48)


def fingerprint(secret_key: str) -> str:
    """Return 16 hexadecimal digits that name a key and do not reveal it."""
    return hmac.new(secret_key.encode(), b"kontor fingerprint", hashlib.sha256).hexdigest()[:16]


def other_key(theirs: str, secret_keys: Iterable[str]) -> str:
    """Return the error for a database that is sealed with a key that is not listed."""
    return OTHER.format(theirs=theirs, ours=", ".join(fingerprint(key) for key in secret_keys))
