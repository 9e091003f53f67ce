"""How a domain is proven: a TXT record that only its owner can set."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from domain.errors import KontorError

LABEL: Final = "_kontor"
PREFIX: Final = "kontor-verify="


class DnsUnavailable(KontorError):
    """No answer could be had; says nothing about the domain."""

    def __init__(self, name: str, problem: str) -> None:
        super().__init__("dns_unavailable", f"DNS gave no answer for {name}: {problem}", name=name)


def txt_name(domain: str) -> str:
    """Where the record is looked for."""
    return f"{LABEL}.{domain}"


def txt_value(token: str) -> str:
    """What the record says."""
    return PREFIX + token


def is_proven(token: str, strings: Iterable[str]) -> bool:
    """Whether one of the TXT strings is the expected one."""
    wanted = txt_value(token)
    return any(text.strip() == wanted for text in strings)
