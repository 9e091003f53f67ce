"""Address and options of the SMTP server, parsed from `SMTP_URL`."""

from dataclasses import dataclass, field
from urllib.parse import parse_qs, unquote, urlsplit

SCHEMES = {"smtp": 25, "smtps": 465}
SUBMISSION = 587


@dataclass(frozen=True, slots=True)
class SmtpAddress:
    """Host, port, credentials and encryption."""

    host: str
    port: int
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    tls: bool = False
    starttls: bool = False

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


def smtp_address(url: str) -> SmtpAddress:
    """Parse `smtp://`, `smtps://` with `user:password@host:port` and `?starttls=1`. Raises ValueError."""
    parts = urlsplit(url)
    if parts.scheme not in SCHEMES or not parts.hostname:
        raise ValueError("SMTP_URL must look like smtp://user:password@host:port?starttls=1")
    options = parse_qs(parts.query, strict_parsing=bool(parts.query))
    unknown = sorted(options.keys() - {"starttls"})
    if unknown:
        raise ValueError(f"SMTP_URL has an unknown option: {', '.join(unknown)}")
    starttls = options.get("starttls", ["0"])[-1] in ("1", "true")
    if starttls and parts.scheme == "smtps":
        raise ValueError("SMTP_URL: smtps is encrypted from the start, leave out starttls")
    return SmtpAddress(
        host=parts.hostname,
        port=parts.port or (SUBMISSION if starttls else SCHEMES[parts.scheme]),
        username=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password) if parts.password else None,
        tls=parts.scheme == "smtps",
        starttls=starttls,
    )
