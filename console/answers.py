"""What a view of the console answers: a page, a way on, or a document of its own."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Page:
    """A template with its values. `here` is the entry of the navigation that is lit.

    `live`: the included templates that are kept fresh while the page is seen. `soon`: more is to be seen in seconds,
    so a browser without scripts is told to load the page again.
    """

    template: str
    title: str
    values: Mapping[str, Any] = field(default_factory=dict)
    here: str = ""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    cookies: Mapping[str, str] = field(default_factory=dict)
    live: tuple[str, ...] = ()
    soon: bool = False


@dataclass(frozen=True, slots=True)
class Goto:
    """On to another page of the console; a cookie with an empty value is forgotten."""

    path: str
    cookies: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Document:
    """Bytes that are shown in a frame or downloaded, with a policy of their own."""

    body: str
    media: str
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Download:
    """A file made while it is sent, in constant memory."""

    name: str
    media: str
    parts: Iterator[str]


Reply = Page | Goto | Document | Download
