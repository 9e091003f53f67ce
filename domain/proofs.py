"""Domain verification by a TXT record that only the owner can set."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from domain.errors import KontorError

LABEL: Final = "_kontor"
PREFIX: Final = "kontor-verify="


class DnsUnavailable(KontorError):
    """DNS gave no answer; the domain may or may not be verified."""

    def __init__(self, name: str, problem: str) -> None:
        super().__init__("dns_unavailable", f"DNS gave no answer for {name}: {problem}", name=name)


def txt_name(domain: str) -> str:
    """Return the name of the TXT record."""
    return f"{LABEL}.{domain}"


def txt_value(token: str) -> str:
    """Return the expected value of the TXT record."""
    return PREFIX + token


def is_proven(token: str, strings: Iterable[str]) -> bool:
    """Return whether one of the TXT strings is the expected value."""
    expected = txt_value(token)
    return any(text.strip() == expected for text in strings)
