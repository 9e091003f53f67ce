"""Responses of a console view: a page, a redirect, raw bytes or a download."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class TemplateResponse:
    """A template with its values. `nav` is the key of the highlighted navigation entry.

    `live`: included templates that are refreshed while the page is visible. `soon`: the content changes within
    seconds, so a browser without scripts offers a reload.
    """

    template: str
    title: str
    values: Mapping[str, Any] = field(default_factory=dict)
    nav: str = ""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    cookies: Mapping[str, str] = field(default_factory=dict)
    live: tuple[str, ...] = ()
    soon: bool = False


@dataclass(frozen=True, slots=True)
class Redirect:
    """Redirect to another console page; a cookie with an empty value is deleted."""

    path: str
    cookies: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RawResponse:
    """Text shown in a frame, with its own security headers."""

    body: str
    media: str
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class StreamedFile:
    """File streamed while it is produced, in constant memory."""

    name: str
    media: str
    parts: Iterator[str]


ConsoleResponse = TemplateResponse | Redirect | RawResponse | StreamedFile
