"""Attempts of one class: how many were made and which of them got through."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx

SHOWN_CHARS = 300


@dataclass(slots=True)
class Attempts:
    """Attempts of one class. `through`: one line for each that got through; `seconds`: how long the class took."""

    name: str
    count: int = 0
    through: list[str] = field(default_factory=list)
    seconds: float = 0.0

    def held(self, what: str, refused: object, detail: object = "") -> None:
        """Record an attempt; a false `refused` means that it got through."""
        self.count += 1
        if not refused:
            self.through.append(f"{what}: {' '.join(str(detail).split())[:SHOWN_CHARS]}".rstrip(": "))

    def status(self, what: str, answer: httpx.Response, *expected: int, code: str | None = None) -> None:
        """Record an attempt that must be answered with one of these statuses, and this code of a problem if given."""
        right = answer.status_code in expected and (code is None or code_of(answer) == code)
        self.held(what, right, f"{answer.status_code} {answer.text}")

    def refused(self, what: str, answer: httpx.Response) -> None:
        """Record an attempt that must be answered with any 4xx."""
        self.held(what, answer.is_client_error, f"{answer.status_code} {answer.text}")

    def absent(self, what: str, text: str, *words: str) -> None:
        """Record an attempt to read words that must not occur in a text."""
        shown = [word for word in words if word in text]
        self.held(what, not shown, f"shows {shown}")

    @contextmanager
    def timed(self) -> Iterator[None]:
        """Measure the block; an error in it counts as an attempt that got through, as nobody knows its outcome."""
        began = time.monotonic()
        try:
            yield
        except Exception as error:  # noqa: BLE001 -- the other classes run on, and the table names the error
            self.held("the class ended early", refused=False, detail=f"{type(error).__name__}: {error}")
        finally:
            self.seconds = time.monotonic() - began

    def document(self) -> dict[str, Any]:
        """Return the result as a JSON document."""
        return {
            "class": self.name,
            "attempts": self.count,
            "through": self.through,
            "seconds": round(self.seconds, 1),
        }


def code_of(answer: httpx.Response) -> str:
    """Return the code of a problem document; empty for any other answer."""
    try:
        return str(answer.json().get("code", ""))
    except (json.JSONDecodeError, AttributeError):
        return ""
