"""How the console says instants, spans, numbers and documents."""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final
from urllib.parse import quote
from zoneinfo import ZoneInfo

from markupsafe import Markup

from domain.currencies import minor_units

UNITS: Final = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))
NOTICES: Final[Mapping[str, str]] = {
    "retry": "The job is queued again.",
    "again": "This is the new job; it is queued.",
    "sent-again": "This is the new mail; its job is queued.",
    "cancel": "The job is cancelled; a running one is asked to stop.",
    "bulk": "It has begun. A job does it, in chunks; this page tells how far it is.",
    "stop": "Stopped. What was done stays done.",
    "pause": "Paused.",
    "resume": "Goes on.",
    "run": "Its job is queued.",
    "probe": "The next call of this lane goes at once.",
    "hold": "Held: nothing is sent until you release it.",
    "release": "Released: the next call is a probe.",
    "mend": "What is missing is being done; the next look tells whether it helped.",
    "accept": "Accepted: it is not named again.",
    "kept": "The search is kept.",
    "forgotten": "The search is forgotten.",
    "limit": "Set: it holds from the next half second on.",
    "drain": "It takes nothing more.",
    "undrain": "It takes jobs again.",
    "disable": "Disabled; every session has ended.",
    "enable": "Enabled.",
    "revoke": "Revoked: whatever uses the key is refused.",
    "password": "Your password is changed; every other session of yours has ended.",
    "theme": "The colours are changed.",
}


def notice_of(code: str) -> str | None:
    """What is said after an action; None for a code that nobody gave."""
    return NOTICES.get(code)


def exact(instant: datetime | None, zone: str = "UTC") -> str:
    """An instant to the second in a zone, for example `2026-03-02 12:00:00 UTC`."""
    return "–" if instant is None else instant.astimezone(ZoneInfo(zone)).strftime("%Y-%m-%d %H:%M:%S %Z")


def span(seconds: float | None) -> str:
    """A length of time in its two greatest units, for example `2 h 5 min`."""
    if seconds is None:
        return "–"
    if 0 < seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    rest = int(seconds)
    parts: list[tuple[int, str]] = []
    for size, unit in UNITS:
        count, rest = divmod(rest, size)
        if count or parts:
            parts.append((count, unit))
    return " ".join(f"{count} {unit}" for count, unit in parts[:2] if count) or "0 s"


def ago(instant: datetime | None, now: datetime) -> Markup:
    """How long ago or ahead an instant is, with the exact one on hover."""
    if instant is None:
        return Markup("–")
    seconds = (now - instant).total_seconds()
    text = "now" if abs(seconds) < 1 else f"in {span(-seconds)}" if seconds < 0 else f"{span(seconds)} ago"
    return Markup('<time datetime="{}" title="{}">{}</time>').format(
        instant.astimezone(UTC).isoformat(), exact(instant), text
    )


def between(start: datetime | None, end: datetime | None) -> str:
    """How long something took."""
    return "–" if start is None or end is None else span(max(0.0, (end - start).total_seconds()))


def number(count: float) -> str:
    """Digits in groups of three; one decimal of what is not whole, two below one."""
    if isinstance(count, int) or count == int(count):
        return f"{int(count):,}"
    return f"{count:,.1f}" if count >= 1 else f"{count:.2f}"


def document(value: Any) -> str:
    """JSON to read; whole numbers of any size are exact."""
    return json.dumps(value, indent=2, ensure_ascii=False, default=str)


def megabytes(count: int | None) -> str:
    """Bytes as MB."""
    return "–" if count is None else f"{count / 1_000_000:,.0f} MB"


def money(amount: str, currency: str) -> str:
    """An amount with the decimals of its currency."""
    return f"{Decimal(amount):,.{minor_units(currency)}f} {currency}"


def segment(text: str) -> str:
    """Text as one part of a path."""
    return quote(str(text), safe="")


FILTERS: Final[Mapping[str, Callable[..., Any]]] = {
    "ago": ago,
    "between": between,
    "document": document,
    "exact": exact,
    "megabytes": megabytes,
    "money": money,
    "number": number,
    "segment": segment,
    "span": span,
}
