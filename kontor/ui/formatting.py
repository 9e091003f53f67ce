"""Format instants, spans, numbers, documents and tenant names for the console."""

import json
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Final, TypeVar
from urllib.parse import quote
from uuid import UUID
from zoneinfo import ZoneInfo

from markupsafe import Markup
from psycopg import Connection

from kontor.engine.admin.job_filter import JobFilter
from kontor.kernel.database import psycopg_connection
from kontor.kernel.database import timeboxed as database_timeboxed
from kontor.kernel.failure_causes import job_error, public_error
from kontor.kernel.money import minor_units
from kontor.kernel.validation import name_key
from kontor.mailer.formatting import term as parse_term
from kontor.programme.display_names import DisplayNames
from kontor.ui.console_request import ConsoleRequest

CALLED: Final = "SELECT id FROM accounts WHERE name_key = %s AND purged_at IS NULL"
NAMES: Final = "SELECT id::text, name FROM accounts WHERE id = ANY(%s::uuid[])"


def account_by_name(connection: Connection[Any], name: str) -> str | None:
    """The id, as text, of the account with a name, ignoring case."""
    row = connection.execute(CALLED, (name_key(name),)).fetchone()
    return None if row is None else str(row[0])


def account_names(connection: Connection[Any], tenants: Iterable[str]) -> dict[str, str]:
    """The names of those tenants that are accounts."""
    ids = [tenant for tenant in set(tenants) if _is_id(tenant)]
    return dict(connection.execute(NAMES, (ids,)).fetchall()) if ids else {}


def _is_id(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True


UNITS: Final = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))
TERM_UNITS: Final = {"Y": "year", "M": "month", "W": "week", "D": "day"}


def exact(instant: datetime | None, zone: str = "UTC") -> str:
    """Format an instant to the second in a zone, for example `2026-03-02 12:00:00 UTC`."""
    return "–" if instant is None else instant.astimezone(ZoneInfo(zone)).strftime("%Y-%m-%d %H:%M:%S %Z")


def span(seconds: float | None) -> str:
    """Format a duration in its two largest units, for example `2 h 5 min`."""
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
    """Format an instant relative to now, with the exact time on hover."""
    if instant is None:
        return Markup("–")
    seconds = (now - instant).total_seconds()
    text = "now" if abs(seconds) < 1 else f"in {span(-seconds)}" if seconds < 0 else f"{span(seconds)} ago"
    return Markup('<time datetime="{}" title="{}">{}</time>').format(
        instant.astimezone(UTC).isoformat(), exact(instant), text
    )


def between(start: datetime | None, end: datetime | None) -> str:
    """Format the time between two instants."""
    return "–" if start is None or end is None else span(max(0.0, (end - start).total_seconds()))


def number(count: float) -> str:
    """Format a number with thousands separators; one decimal if not whole, two below one."""
    if isinstance(count, int) or count == int(count):
        return f"{int(count):,}"
    return f"{count:,.1f}" if count >= 1 else f"{count:.2f}"


def document(value: object) -> str:
    """Format JSON with indentation; integers of any size are exact."""
    return json.dumps(value, indent=2, ensure_ascii=False, default=str)


def megabytes(count: int | None) -> str:
    """Format bytes as MB."""
    return "–" if count is None else f"{count / 1_000_000:,.0f} MB"


def money(amount: str, currency: str) -> str:
    """Format an amount with the decimals of its currency."""
    return f"{Decimal(amount):,.{minor_units(currency)}f} {currency}"


def segment(text: str) -> str:
    """Quote text as one path segment."""
    return quote(str(text), safe="")


def term(text: str) -> str:
    """Format a licence term, for example `1 year 6 months` or `until 2027-12-31`."""
    parts = parse_term(text)
    if isinstance(parts, date):
        return f"until {parts.isoformat()}"
    return " ".join(f"{count} {TERM_UNITS[unit]}{'' if count == 1 else 's'}" for count, unit in parts)


FILTERS: Final[Mapping[str, Callable[..., str]]] = {
    "ago": ago,
    "between": between,
    "document": document,
    "exact": exact,
    "job_error": job_error,
    "megabytes": megabytes,
    "money": money,
    "number": number,
    "public_error": public_error,
    "segment": segment,
    "span": span,
    "term": term,
}


def named(request: ConsoleRequest, tenants: Iterable[str]) -> Mapping[str, str]:
    """Return the account names of those tenants that are accounts."""
    return account_names(psycopg_connection(request.session), tenants)


def display_names(request: ConsoleRequest, programmes: Iterable[str]) -> Mapping[str, DisplayNames]:
    """Return the names that programmes give their codes, by the code of each programme."""
    current = request.deps.programmes.current
    return {code: DisplayNames(current(request.session, code)) for code in set(programmes)}


def resolved(request: ConsoleRequest, job_filter: JobFilter) -> JobFilter:
    """Replace tenant names by account ids in a filter; ids and unknown names stay."""
    if job_filter.tenants is None:
        return job_filter
    connection = psycopg_connection(request.session)
    return job_filter.replace(tenants=tuple(account_by_name(connection, text) or text for text in job_filter.tenants))


T = TypeVar("T")
LIMIT_MS: Final = 150


def timeboxed(request: ConsoleRequest, ask: Callable[[], T], limit_ms: int = LIMIT_MS) -> T | None:
    """Return the result, or None on timeout; the page then says so."""
    return database_timeboxed(request.session, limit_ms, ask)
