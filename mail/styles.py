"""Inlines the styles of `mail.css` into tags when a template is compiled."""

import re
from collections.abc import Mapping
from dataclasses import fields

from css_inline import inline_fragment

from mail.colours import Palette

_TAG = re.compile(r'<(?P<tag>[a-z0-9]+)(?P<rest>[^<>]*?)\sclass="(?P<names>[a-z0-9 -]+)"')
_STYLE = re.compile(r'<div class="(?P<names>[^"]+)"(?: style="(?P<style>[^"]*)")?>')
_COLOUR = re.compile(r"\bk-([a-z-]+)\b")
_COLOUR_NAMES = tuple(field.name for field in fields(Palette))


class InlineStyles:
    """Adds a `style` to each tag with a class; `k-link` in the sheet becomes a placeholder for `painted`."""

    def __init__(self, sheet: str) -> None:
        self._sheet = sheet
        self._styles: dict[str, str] = {}

    def inlined(self, source: str) -> str:
        """Return a template's source with inline styles."""
        self._add_classes({match["names"] for match in _TAG.finditer(source)} - self._styles.keys())
        return _TAG.sub(self._styled, source)

    def _add_classes(self, names: set[str]) -> None:
        if names:
            page = "".join(f'<div class="{name}"></div>' for name in sorted(names))
            self._styles.update(_parse_styles(inline_fragment(page, self._sheet)))

    def _styled(self, match: re.Match[str]) -> str:
        style = self._styles.get(match["names"], "")
        return match[0] + (f' style="{style}"' if style else "")


def painted(html: str, palette: Palette) -> str:
    """Replace the colour placeholders of a rendered mail by a brand's colours.

    Sanitized user text has no control characters and so cannot contain a placeholder.
    """
    for name in _COLOUR_NAMES:
        html = html.replace(f"\x02{name}\x03", getattr(palette, name))
    return html


def _parse_styles(page: str) -> Mapping[str, str]:
    return {m["names"]: _with_placeholders(m["style"] or "") for m in _STYLE.finditer(page)}


def _with_placeholders(style: str) -> str:
    style = _COLOUR.sub(lambda m: f"\x02{m[1].replace('-', '_')}\x03", style)
    return re.sub(r":\s+", ":", style).rstrip(";").replace("&quot;", "'")
