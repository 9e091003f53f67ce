"""Headers that every answer carries unless it says otherwise, also one given before a request is understood."""

from collections.abc import Mapping
from typing import Final

DEFENCES: Final[Mapping[str, str]] = {
    "content-security-policy": "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}
HSTS: Final = "max-age=31536000"
"""For hosts whose address is https."""
HEADER_LIMIT: Final = 32 * 1024
"""Bytes of a request's line and header section."""
HEADER_SECONDS: Final = 10.0
"""Within this time the header section is complete."""
INCOMPLETE_PER_ORIGIN: Final = 50
"""Connections of one origin that have not sent a whole header; beyond it the oldest one is closed."""
BODY_LIMIT: Final = 1024 * 1024
"""Bytes of a request's body, unless its route says otherwise."""
BODY_SECONDS: Final = 10.0
"""A body may take this long, and a second more for every BODY_RATE bytes of it; also the longest pause within it."""
BODY_RATE: Final = 64 * 1024
BODY_ARRIVED: Final = "kontor.body_arrived"
"""True in the ASGI scope of a request once the server has all of its body."""
LARGE_BODY: Final = 64 * 1024
"""Longer bodies count towards the limit `body_bytes`."""
