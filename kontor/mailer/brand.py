"""A brand in a mail or page, with colours kept readable: a contrast of at least 4.5 (WCAG AA)."""

import re
from dataclasses import dataclass, field
from functools import lru_cache

from kontor.kernel.ports import ascii_domain
from kontor.mailer.formatting import one_line

MIN_CONTRAST = 4.5
CARD = "#ffffff"
DARK_CARD = "#1c1f24"
INK = "#1f2329"
_HEX = re.compile(r"#[0-9a-fA-F]{6}")
_IMAGE = re.compile(r"/images/[0-9a-f]{64}\.png")


def image_path(digest: str) -> str:
    """Return the path at which an image is served, on every host of its account."""
    return f"/images/{digest}.png"


@dataclass(frozen=True, slots=True)
class Colours:
    """Colours chosen by a brand, each `#rrggbb`."""

    primary: str = "#2457d6"
    background: str = "#f3f4f6"
    text: str = INK

    def __post_init__(self) -> None:
        for value in (self.primary, self.background, self.text):
            if not _HEX.fullmatch(value):
                raise ValueError(f"a colour must have the form #rrggbb: {value!r}")


@dataclass(frozen=True, slots=True)
class Palette:
    """Colours used by a mail; every text colour is readable on its background."""

    primary: str
    on_primary: str
    page: str
    on_page: str
    text: str
    link: str
    dark_link: str


def _channels(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def _linear(channel: int) -> float:
    share = channel / 255
    return share / 12.92 if share <= 0.04045 else float(((share + 0.055) / 1.055) ** 2.4)


def luminance(colour: str) -> float:
    """Return the relative luminance of `#rrggbb`, 0-1."""
    red, green, blue = (_linear(channel) for channel in _channels(colour))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(first: str, second: str) -> float:
    """Return the contrast ratio of two colours, 1-21."""
    low, high = sorted((luminance(first), luminance(second)))
    return (high + 0.05) / (low + 0.05)


def _mixed(colour: str, towards: str, share: float) -> str:
    pairs = zip(_channels(colour), _channels(towards), strict=True)
    return "#" + "".join(f"{round(a + (b - a) * share):02x}" for a, b in pairs)


def readable(colour: str, ground: str, least: float = MIN_CONTRAST) -> str:
    """Return `colour`, moved towards black or white until its contrast on `ground` is at least `least`."""
    towards = "#000000" if contrast("#000000", ground) >= contrast("#ffffff", ground) else "#ffffff"
    for step in range(21):
        moved = _mixed(colour, towards, step / 20)
        if contrast(moved, ground) >= least:
            return moved
    return towards


@lru_cache(maxsize=4096)
def palette(colours: Colours) -> Palette:
    """Compute the palette of a brand's colours."""
    white = contrast("#ffffff", colours.primary) >= MIN_CONTRAST
    return Palette(
        primary=colours.primary.lower(),
        on_primary="#ffffff" if white else readable("#111111", colours.primary),
        page=colours.background.lower(),
        on_page=readable("#6b7280", colours.background),
        text=readable(colours.text, CARD, 7.0),
        link=readable(colours.primary, CARD),
        dark_link=readable(colours.primary, DARK_CARD),
    )


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
    """Name, looks and links of the sender; `link_base` has no trailing slash, images are paths of `image_path`.

    `terms_url` and `sales` (an address or an https link) are for resellers.
    """

    name: str
    link_base: str
    logo: str | None = None
    favicon: str | None = None
    colours: Colours = field(default_factory=Colours)
    support: Support = field(default_factory=Support)
    terms_url: str = ""
    sales: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", one_line(self.name))
        object.__setattr__(self, "link_base", _ascii_base(self.link_base.rstrip("/")))
        for path in (self.logo, self.favicon):
            if path and not _IMAGE.fullmatch(path):
                raise ValueError(f"logo and favicon must be images of ours: {path!r}")

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
