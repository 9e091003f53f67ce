"""The brand under which a mail or page appears."""

from dataclasses import dataclass, field

from domain.mailing import ascii_domain
from mail.colours import Colours
from mail.plain import one_line


@dataclass(frozen=True, slots=True)
class Support:
    """Support contact. Empty fields are not shown."""

    email: str = ""
    url: str = ""
    phone: str = ""
    text: str = ""

    def __post_init__(self) -> None:
        for name in ("email", "url", "phone", "text"):
            object.__setattr__(self, name, one_line(getattr(self, name)))
        if self.url and not self.url.startswith(("https://", "http://")):
            raise ValueError(f"the support URL must be http or https: {self.url!r}")


@dataclass(frozen=True, slots=True)
class Brand:
    """Name, looks and links of the sender; `link_base` has no trailing slash."""

    name: str
    link_base: str
    logo_url: str | None = None
    favicon_url: str | None = None
    colours: Colours = field(default_factory=Colours)
    support: Support = field(default_factory=Support)

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", one_line(self.name))
        object.__setattr__(self, "link_base", _ascii_base(self.link_base.rstrip("/")))
        for url in (self.logo_url, self.favicon_url):
            if url and not url.startswith("https://"):
                raise ValueError(f"logo and favicon must be https URLs: {url!r}")

    def link(self, target: str) -> str:
        """Return an absolute URL; a target that starts with `/` is appended to `link_base`."""
        url = self.link_base + target if target.startswith("/") else target
        if not url.startswith(("https://", "http://")) or not url.isascii() or url != one_line(url) or " " in url:
            raise ValueError(f"not a valid link: {url!r}")
        return url


def _ascii_base(base: str) -> str:
    """Return `scheme://host:port` with the host in ASCII (`xn--…`)."""
    if base.isascii():
        return base
    scheme, _, rest = base.partition("://")
    host, colon, port = rest.partition(":")
    return f"{scheme}://{ascii_domain(host)}{colon}{port}"
