"""Forms of settings: each parser raises ValueError with what to write instead."""

import re
from datetime import UTC
from ipaddress import ip_network
from typing import Annotated, Final, NamedTuple
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator
from pydantic_settings import NoDecode

from kontor.kernel.identity import parse_roles
from kontor.kernel.ports import ascii_domain
from kontor.kernel.zones import parse_time

BOOLEANS = {"0": False, "false": False, "1": True, "true": True}


def parse_boolean(text: object) -> object:
    """Parse exactly `0`, `1`, `true` or `false`."""
    if isinstance(text, str):
        if text not in BOOLEANS:
            raise ValueError("use 0, 1, true or false")
        return BOOLEANS[text]
    return text


def parse_clock_start(text: object) -> object:
    """Parse `0`, `1` or an RFC 3339 instant with an offset."""
    if not isinstance(text, str) or text in BOOLEANS:
        return parse_boolean(text)
    try:
        instant = parse_time(text)
    except ValueError:
        raise ValueError("use 0, 1 or an instant such as 2026-03-01T09:00:00Z") from None
    if instant.tzinfo is None or "T" not in text.upper():
        raise ValueError("an instant needs an offset, such as 2026-03-01T09:00:00Z")
    return instant.astimezone(UTC)


def parse_networks(text: object) -> object:
    """Parse addresses and networks, separated by commas."""
    if not isinstance(text, str):
        return text
    parts = [part.strip() for part in text.split(",") if part.strip()]
    try:
        return tuple(str(ip_network(part)) for part in parts)
    except ValueError:
        raise ValueError("list addresses or networks, such as 127.0.0.1,10.0.0.0/8") from None


def parse_names(text: object) -> object:
    """Parse names of installed packages, separated by commas."""
    if not isinstance(text, str):
        return text
    names = [part.strip() for part in text.split(",") if part.strip()]
    if not all(re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?", name) for name in names):
        raise ValueError("list names of installed packages, such as acme-kontor-tasks")
    return tuple(names)


class FromAddress(NamedTuple):
    """A mail address, and the name before it, empty for none."""

    address: str
    name: str = ""


ADDRESS: Final = r"([^\s<>()\[\],:;@\\\"]+@[^\s<>,@]+)"
FROM_ADDRESS: Final = re.compile(rf"([^<>@\"]*)<{ADDRESS}>|{ADDRESS}")


def parse_from_address(text: object) -> object:
    """Parse one mail address, alone or as `Name <address>`."""
    if not isinstance(text, str):
        return text
    match = FROM_ADDRESS.fullmatch(text.strip()) if text.isprintable() else None
    if match is None:
        raise ValueError("write one address, such as ops@provider.example or Operations <ops@provider.example>")
    address = match[2] or match[3]
    ascii_domain(address.rpartition("@")[2])
    return FromAddress(address, (match[1] or "").strip())


OneFromAddress = Annotated[FromAddress | None, NoDecode, BeforeValidator(parse_from_address)]


def check_redis_url(url: str) -> str:
    """Check the form of a Sentinel URL; redis-py reads the others."""
    if urlsplit(url).scheme.endswith("+sentinel"):
        from kontor.adapters.redis_client import sentinel_parts  # redis takes 0.1 s to load

        sentinel_parts(url)
    return url


def url_validator(*schemes: str) -> AfterValidator:
    """Require one of the schemes."""

    def check(url: str) -> str:
        if urlsplit(url).scheme not in schemes:
            raise ValueError("use " + " or ".join(f"{scheme}://…" for scheme in schemes))
        return url.rstrip("/") if schemes[0] == "https" else url

    return AfterValidator(check)


def check_issuer(url: str) -> str:
    """Require https of an identity provider, except on this machine."""
    parts = urlsplit(url)
    if parts.scheme != "https" and (parts.scheme, parts.hostname) not in {("http", "127.0.0.1"), ("http", "localhost")}:
        raise ValueError("use https://…, exactly as the provider names its issuer")
    return url


def parse_role_map(text: object) -> object:
    """Parse `value=role,value=role`; the default is one already."""
    return parse_roles(text) if isinstance(text, str) else text
